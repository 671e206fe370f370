/** A moving average of the weights: its formula, what reads it, and a run that is resumed. */
import { describe, expect, test } from "vitest";
import { adam, evaluate, type FitOptions, ivon, LanguageModel } from "../../src/entries/index.ts";
import { corpusOf, createModel, METHODS, train } from "./support.ts";

/** The weights after every step of a run, without an average. */
async function path(options: FitOptions): Promise<Float32Array[]> {
  const model = await createModel();
  const all: Float32Array[] = [];
  const until = () => {
    all.push(model.posterior.mean.slice());
    return false;
  };
  await train(model, { ...options, until });
  return all;
}

/** Σ (1 − d) dⁿ θ over the steps, over Σ (1 − d) dⁿ, in float64. */
function averaged(all: readonly Float32Array[], decay: number): Float64Array {
  const sum = new Float64Array(all[0].length);
  let total = 0;
  for (const [i, weights] of all.entries()) {
    const share = (1 - decay) * decay ** (all.length - 1 - i);
    total += share;
    for (let j = 0; j < sum.length; j++) sum[j] += share * weights[j];
  }
  return sum.map((value) => value / total);
}

describe.each(["adam", "ivon"])("the average of a run of %s", (name) => {
  const options: FitOptions = { inference: METHODS[name], epochs: 0.5 };

  test("is the exponential mean of the weights of all steps, which it leaves as they are", async () => {
    const all = await path(options);
    const model = await createModel();
    await train(model, { ...options, average: { decay: 0.9 } });
    const expected = averaged(all, 0.9);
    let worst = 0;
    model.posterior.mean.forEach((value, i) => {
      worst = Math.max(worst, Math.abs(value - expected[i]));
    });
    expect(worst).toBeLessThan(1e-5);
    expect(all.at(-1)!.some((value, i) => Math.abs(value - expected[i]) > 0.01)).toBe(true);
  });

  test("with a decay of 0 it is the last weights", async () => {
    const model = await createModel();
    await train(model, { ...options, average: { decay: 0 } });
    expect(model.posterior.mean).toEqual((await path(options)).at(-1));
  });

  test("is what validation reads, at every step", async () => {
    const [model, plain] = [await createModel(), await createModel()];
    const corpus = await corpusOf();
    const averages: number[] = [];
    const validation = { corpus, every: 7 };
    for (const record of await train(model, { ...options, validation, average: { decay: 0.95 } }))
      if (record.valid) averages.push(record.valid.nll);
    expect(averages.at(-1)).toBe((await evaluate(model, corpus)).nll);
    const last = (await train(plain, { ...options, validation })).at(-1)!.valid!.nll;
    expect(last).not.toBe(averages.at(-1));
  });

  test("is in checkpoints, and a resumed run comes to the same bits", async () => {
    const average = { decay: 0.97 };
    const files: Uint8Array[] = [];
    const model = await createModel();
    const saving = { every: 9, save: (bytes: Uint8Array) => void files.push(bytes) };
    await train(model, { ...options, average, checkpoint: saving });
    expect(files.length).toBeGreaterThan(1);
    const stopped = await createModel();
    await train(stopped, { ...options, average, until: ({ step }) => step === 9 });
    expect((await LanguageModel.load(files[0])).posterior.mean).toEqual(stopped.posterior.mean);
    for (const resume of files) {
      const resumed = await createModel({ seed: 9 });
      await train(resumed, { ...options, average, resume });
      expect(resumed.hash()).toBe(model.hash());
    }
  });
});

test("IVON without noise is a point estimate that learns, whatever the seed of its draws", async () => {
  const run = async (seed: number) => {
    const model = await createModel();
    const records = await train(model, { inference: METHODS["ivon without noise"], epochs: 3, seed });
    return { model, records };
  };
  const { model, records } = await run(1);
  expect(model.posterior.precision).toBeNull();
  expect(records.at(-1)!.nll).toBeLessThan(0.7 * records[0].nll);
  expect(records.at(-1)!.noise).toBe(0);
  expect(records.at(-1)!.kl).toBe(0);
  expect((await run(2)).model.hash()).toBe(model.hash());
  const validation = { corpus: await corpusOf(), samples: 2 };
  await expect(train(model, { inference: ivon({ noise: false }), validation })).rejects.toMatchObject({
    code: "E_OPTION",
  });
  const other = await createModel();
  await train(other, { inference: adam(), epochs: 3 });
  expect(other.hash()).not.toBe(model.hash());
});
