/** Dynamic evaluation: what a window is predicted with, one step of it by hand, and what it is not asked along with. */
import { describe, expect, test } from "vitest";
import {
  adam,
  Corpus,
  characterTokenizer,
  type EvaluateOptions,
  evaluate,
  fit,
  ivon,
  LanguageModel,
  type Method,
  schedule,
  sgd,
} from "../../src/entries/index.ts";
import { drive } from "../../src/kernels/slices.ts";
import { SharedPredictor } from "../../src/prediction/shared.ts";
import { sentences } from "../training/support.ts";

const TEXT = sentences(80, 4);
const tokenizer = characterTokenizer({ characters: TEXT });
const open = (text: string) => Corpus.open(text, { tokenizer });

/** A rate by which a small model learns most of what there is in a few steps. */
async function made(inference: Method = ivon({ learningRate: 8, clip: 1 })) {
  const model = await LanguageModel.create({ tokenizer, embedding: 8, hidden: 16, seed: 3 });
  for await (const _ of fit(model, await open(TEXT), { batch: 2, sequence: 16, epochs: 2, inference }));
  return model;
}

describe("dynamic evaluation", () => {
  test("with a rate of 0 it is plain evaluation, and it leaves the model as it is", async () => {
    const model = await made();
    const corpus = await open(TEXT.slice(0, 300));
    const before = model.posterior.mean.slice();
    const still = await evaluate(model, corpus, { dynamic: { rate: 0 } });
    const plain = await evaluate(model, corpus);
    expect(still.nll).toBeCloseTo(plain.nll, 6);
    expect(still.entropy).toBeCloseTo(plain.entropy, 5);
    expect(still.ece).toBeCloseTo(plain.ece, 5);
    await evaluate(model, corpus, { dynamic: true });
    expect(model.posterior.mean).toEqual(before);
  });

  test("predicts a window before it learns from it, and a text that comes again better", async () => {
    const model = await made();
    const first = TEXT.slice(0, 9);
    const dynamic = { rate: 0.05, decay: 0, every: 8 };
    expect((await evaluate(model, await open(first), { dynamic })).nll).toBeCloseTo(
      (await evaluate(model, await open(first))).nll,
      6,
    );
    const other = [...TEXT.slice(0, 64)].reverse().join("").repeat(6);
    const learnt = await evaluate(model, await open(other), { dynamic });
    expect(learnt.nll).toBeLessThan(0.97 * (await evaluate(model, await open(other))).nll);
    expect((await evaluate(model, await open(other), { dynamic })).nll).toBe(learnt.nll);
  });

  test("its step is the gradient over the posterior's precision", async () => {
    const model = await made();
    const text = TEXT.slice(0, 17);
    const [rate, decay] = [0.02, 0];
    const { precision, lambda, mean, layout } = model.posterior;
    // The gradient of the first window, from a step of plain descent.
    const copy = await LanguageModel.load(await model.toBytes());
    const step = { batch: 1, sequence: 8, epochs: 0.5, schedule: schedule("constant") };
    const descent = sgd({ learningRate: 1, clip: Number.POSITIVE_INFINITY });
    for await (const _ of fit(copy, await open(text), { ...step, inference: descent }));
    const gradient = mean.map((m, i) => m - copy.posterior.mean[i]);
    const norm = Math.sqrt(gradient.reduce((sum, g) => sum + g * g, 0));
    const known = precision!.filter((p) => p > 0);
    const average = known.reduce((a, b) => a + b, 0) / known.length;
    const moved = mean.slice();
    for (const { offset, size } of layout.segments)
      for (let i = offset; i < offset + size; i++)
        moved[i] -= ((rate / Math.max(1, norm)) * lambda! * gradient[i]) / (precision![i] || average);
    const second = await LanguageModel.load(await model.toBytes());
    await drive(second.posterior.assign(moved, precision, lambda));
    const ids = tokenizer.encode(text);
    const form = { samples: 0, seed: 1 };
    const [old, next] = [
      await SharedPredictor.open(model.posterior, form, {}),
      await SharedPredictor.open(second.posterior, form, {}),
    ];
    // The second window begins with the state that the old weights left.
    const state = new Float32Array(old.stateSize);
    old.load(state);
    for (const id of ids.subarray(0, 8)) old.read(id);
    old.save(state);
    next.load(state);
    let expected = 8 * (await evaluate(model, await open(text.slice(0, 9)))).nll;
    for (let t = 8; t < 16; t++) {
      next.read(ids[t]);
      next.predict();
      expected -= Math.log(next.probabilities[ids[t + 1]]);
    }
    const dynamic = await evaluate(model, await open(text), { dynamic: { rate, decay, every: 8 } });
    expect(16 * dynamic.nll).toBeCloseTo(expected, 3);
    expect(Math.abs(16 * (await evaluate(model, await open(text))).nll - expected)).toBeGreaterThan(0.05);
  });

  test.each<[string, EvaluateOptions, string]>([
    ["samples", { dynamic: true, samples: 2 }, "samples"],
    ["8 bits", { dynamic: true, quantized: "int8" }, "quantized"],
    ["a cache", { dynamic: true, cache: true }, "cache"],
    ["a negative rate", { dynamic: { rate: -1 } }, "dynamic.rate"],
    ["a decay above 1", { dynamic: { decay: 2 } }, "dynamic.decay"],
    ["windows of nothing", { dynamic: { every: 0 } }, "dynamic.every"],
    ["an unknown option", { dynamic: { speed: 1 } as never }, "speed"],
  ])("refuses %s", async (_, options, option) => {
    const model = await made();
    await expect(evaluate(model, await open(TEXT), options)).rejects.toMatchObject({
      code: "E_OPTION",
      option,
    });
  });

  test("refuses a model without a posterior", async () => {
    const model = await made(adam());
    await expect(evaluate(model, await open(TEXT), { dynamic: true })).rejects.toMatchObject({
      code: "E_OPTION",
      option: "dynamic",
    });
  });
});
