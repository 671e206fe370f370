/** Temperature scaling: what it does to a prediction, and how the one that suits a model is found. */
import { beforeAll, describe, expect, test } from "vitest";
import {
  adam,
  Corpus,
  characterTokenizer,
  type EvaluateOptions,
  evaluate,
  fit,
  fitTemperature,
  ivon,
  LanguageModel,
  type Method,
} from "../../src/entries/index.ts";
import { sentences } from "../training/support.ts";

const TEXT = sentences(40, 4);
const tokenizer = characterTokenizer({ characters: TEXT });
const open = (text: string) => Corpus.open(text, { tokenizer });
/** Another text of the same kind, some of it changed: what was learnt by heart is too sure of it. */
const HELD = [...sentences(60, 9)].map((c, i) => (i % 7 === 3 ? TEXT[(i * 31) % 200] : c)).join("");
let corpus: Corpus;
const models = {} as Record<"mean" | "posterior" | "adaptive", LanguageModel>;

async function made(inference: Method, adaptive = false) {
  const shape = adaptive ? ({ softmax: "adaptive", cutoffs: [8, 16] } as const) : {};
  const model = await LanguageModel.create({ tokenizer, embedding: 8, hidden: 24, seed: 3, ...shape });
  for await (const _ of fit(model, await open(TEXT), { batch: 4, sequence: 16, epochs: 12, inference }));
  return model;
}

beforeAll(async () => {
  corpus = await open(HELD);
  models.mean = await made(adam({ learningRate: 0.02 }));
  models.posterior = await made(ivon());
  models.adaptive = await made(adam({ learningRate: 0.02 }), true);
});

/** Probabilities of what comes after a text, in float64. */
async function distribution(model: LanguageModel, text: string): Promise<number[]> {
  const session = await model.session();
  await session.read(text);
  const { probabilities } = await session.distribution();
  return Array.from(probabilities);
}

describe("a temperature", () => {
  test("raises probabilities to a power and divides by their sum", async () => {
    const text = TEXT.slice(0, 12);
    const temperature = 1.7;
    const powers = (await distribution(models.mean, text.slice(0, -1))).map((p) => p ** (1 / temperature));
    const total = powers.reduce((a, b) => a + b, 0);
    const last = powers[tokenizer.encode(text).at(-1)!] / total;
    const sum = async (of: string) => {
      const { nll, tokens } = await evaluate(models.mean, await open(of), { temperature });
      return nll * tokens;
    };
    expect((await sum(text)) - (await sum(text.slice(0, -1)))).toBeCloseTo(-Math.log(last), 4);
  });

  const forms: Record<string, [keyof typeof models, EvaluateOptions]> = {
    mean: ["mean", {}],
    "adaptive softmax": ["adaptive", {}],
    samples: ["posterior", { samples: 3 }],
    "8 bits": ["mean", { quantized: "int8" }],
    cache: ["mean", { cache: true }],
    flipout: ["posterior", { samples: 3, sampling: "flipout" }],
    dynamic: ["posterior", { dynamic: true }],
  };
  test.each(Object.entries(forms))("of 1.4 makes predictions less sure: %s", async (_, [name, form]) => {
    const model = models[name];
    const plain = await evaluate(model, corpus, form);
    const warm = await evaluate(model, corpus, { ...form, temperature: 1.4 });
    const cold = await evaluate(model, corpus, { ...form, temperature: 0.7 });
    expect(warm.entropy).toBeGreaterThan(plain.entropy);
    expect(cold.entropy).toBeLessThan(plain.entropy);
    expect(warm.mutualInformation).toBeCloseTo(plain.mutualInformation, 4);
    const nearly = await evaluate(model, corpus, { ...form, temperature: 1 + 1e-9 });
    for (const figure of ["nll", "entropy", "ece", "brier"] as const)
      expect(nearly[figure]).toBeCloseTo(plain[figure], 4);
  });

  test.each([0, -1, Number.NaN, 1e4, "2"])("of %s is refused", async (temperature) => {
    await expect(evaluate(models.mean, corpus, { temperature } as never)).rejects.toMatchObject({
      code: "E_OPTION",
      option: "temperature",
    });
  });
});

describe("the temperature that suits a model", () => {
  test.each<[keyof typeof models, EvaluateOptions]>([
    ["mean", {}],
    ["adaptive", {}],
    ["posterior", { samples: 2 }],
  ])("has the least loss of its neighbours, and as much entropy as loss: %s", async (name, form) => {
    const model = models[name];
    const temperature = await fitTemperature(model, corpus, form);
    const at = (t: number) => evaluate(model, corpus, { ...form, temperature: t });
    const best = await at(temperature);
    expect(Math.abs(best.nll - best.entropy)).toBeLessThan(1e-3);
    expect((await at(0.98 * temperature)).nll).toBeGreaterThan(best.nll);
    expect((await at(1.02 * temperature)).nll).toBeGreaterThan(best.nll);
    expect(await fitTemperature(model, corpus, form)).toBe(temperature);
  });

  test("brings what is too sure of itself into calibration", async () => {
    const temperature = await fitTemperature(models.mean, corpus);
    expect(temperature).toBeGreaterThan(1.1);
    const before = await evaluate(models.mean, corpus);
    const after = await evaluate(models.mean, corpus, { temperature });
    expect(after.nll).toBeLessThan(before.nll);
    expect(after.ece).toBeLessThan(0.7 * before.ece);
  });

  test("is not there where nothing is ever wrong", async () => {
    const session = await models.mean.session();
    await session.read("t");
    const [{ text }] = (await session.top(1)).tokens;
    await expect(fitTemperature(models.mean, await open(`t${text}`))).rejects.toMatchObject({
      code: "E_TEXT_SHORT",
    });
  });
});
