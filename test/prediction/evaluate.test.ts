/** Evaluation, scores and generated text against plain float64 arithmetic on a small model. */

import { describe, expect, test, vi } from "vitest";
import {
  Corpus,
  characterTokenizer,
  evaluate,
  LanguageModel,
  wordTokenizer,
} from "../../src/entries/index.ts";
import { KernelInstance } from "../../src/kernels/instance.ts";
import { MemoryPlan } from "../../src/kernels/memory.ts";
import { STREAM, seedOf } from "../../src/kernels/random.ts";
import { finish } from "../../src/kernels/tape.ts";
import { TRAINING } from "../../src/kernels/training.ts";
import { Sampler, type SamplerOptions } from "../../src/prediction/sampler.ts";
import { reference } from "../model/reference.ts";
import { relativeError } from "../model/support.ts";
import { randomNumbers } from "../support/random.ts";
import { createModel, METHODS, TEXT, tokenizer, train } from "../training/support.ts";

// Seconds of arithmetic, on machines that may be busy.
vi.setConfig({ testTimeout: 30_000 });

/** A model with spread-out weights and a posterior whose samples differ. */
async function spreadModel(options: object = {}): Promise<LanguageModel> {
  const model = await createModel({ layers: 2, ...options });
  const random = randomNumbers(8);
  const { mean } = model.posterior;
  const precision = new Float32Array(mean.length);
  for (const s of model.layout.segments)
    for (let i = s.offset; i < s.offset + s.size; i++) {
      mean[i] = 1.6 * random() - 0.8;
      if (!s.bias) precision[i] = 4 + 30 * random();
    }
  finish(model.posterior.assign(mean.slice(), precision, 500));
  return model;
}

/** The weights of one sample, from the generator's numbers and float64 arithmetic. */
function sampleOf(model: LanguageModel, sample: number, seed: number): Float64Array {
  const { mean, precision, layout } = model.posterior;
  const plan = new MemoryPlan(new KernelInstance(TRAINING));
  const at = plan.words(layout.length);
  plan.commit();
  const { low, high } = seedOf(seed);
  plan.instance.exports.normalArray(at, layout.length, 0, low, high, sample, STREAM.evaluate, 0);
  const noise = plan.floats(at, layout.length);
  const theta = Float64Array.from(mean);
  for (const s of layout.segments)
    if (!s.bias)
      for (let i = s.offset; i < s.offset + s.size; i++) theta[i] += noise[i] / Math.sqrt(precision![i]);
  return theta;
}

/** Probabilities of every next token, [tokens - 1][vocabulary], per sample: the text as one stream. */
function predictions(model: LanguageModel, ids: Int32Array, samples: number, seed: number): Float64Array[] {
  const { configuration, layout, mean } = model.posterior;
  const thetas = samples
    ? Array.from({ length: samples }, (_, s) => sampleOf(model, s, seed))
    : [Float64Array.from(mean)];
  const window = {
    inputs: ids.subarray(0, -1),
    targets: ids.subarray(1),
    steps: ids.length - 1,
    batch: 1,
    state: new Float64Array(configuration.layers * 2 * configuration.hidden),
  };
  return thetas.map((theta) => reference(configuration, layout, theta, window).probabilities);
}

const entropyOf = (p: ArrayLike<number>) => {
  let sum = 0;
  for (let v = 0; v < p.length; v++) if (p[v] > 0) sum -= p[v] * Math.log(p[v]);
  return sum;
};

/** What evaluate reports, the plain way. */
function expected(model: LanguageModel, ids: Int32Array, samples: number, seed: number) {
  const V = model.configuration.vocabulary;
  const parts = predictions(model, ids, samples, seed);
  const n = ids.length - 1;
  const totals = { nll: 0, entropy: 0, brier: 0, inner: 0 };
  const bins = Array.from({ length: 15 }, () => ({ tokens: 0, confidence: 0, correct: 0 }));
  const tokens: { logProbability: number; entropy: number; mutualInformation: number }[] = [];
  for (let t = 0; t < n; t++) {
    const rows = parts.map((p) => p.subarray(t * V, (t + 1) * V));
    const p = Float64Array.from(
      { length: V },
      (_, v) => rows.reduce((sum, row) => sum + row[v], 0) / rows.length,
    );
    const inner = rows.reduce((sum, row) => sum + entropyOf(row), 0) / rows.length;
    const target = ids[t + 1];
    const best = p.indexOf(Math.max(...p));
    totals.nll -= Math.log(p[target]);
    totals.entropy += entropyOf(p);
    totals.inner += inner;
    totals.brier += p.reduce((sum, x, v) => sum + (x - Number(v === target)) ** 2, 0);
    const bin = bins[Math.min(14, Math.floor(p[best] * 15))];
    bin.tokens++;
    bin.confidence += p[best];
    bin.correct += Number(best === target);
    const mutualInformation = samples ? entropyOf(p) - inner : 0;
    tokens.push({ logProbability: Math.log(p[target]), entropy: entropyOf(p), mutualInformation });
  }
  const ece = bins.reduce((sum, bin) => sum + Math.abs(bin.correct - bin.confidence) / n, 0);
  return {
    tokens,
    nll: totals.nll / n,
    entropy: totals.entropy / n,
    mutualInformation: samples ? (totals.entropy - totals.inner) / n : 0,
    brier: totals.brier / n,
    ece,
    bins,
  };
}

const ADAPTIVE = { softmax: "adaptive", cutoffs: [5, 12] };

describe.each<[number, object]>([
  [0, {}],
  [1, {}],
  [8, {}],
  [0, ADAPTIVE],
  [8, ADAPTIVE],
])("%i samples %o", (samples, options) => {
  const seed = 2 ** 33 + 5;

  test("evaluate is the plain computation, over several windows", async () => {
    const model = await spreadModel(options);
    // 700 tokens: two whole windows of 256 steps and a shorter one.
    const text = TEXT.slice(0, 700);
    const corpus = await Corpus.open(text, { tokenizer });
    const found = await evaluate(model, corpus, { samples, seed });
    const plain = expected(model, tokenizer.encode(text), samples, seed);
    for (const name of ["nll", "entropy", "brier", "ece"] as const)
      expect(relativeError([found[name]], [plain[name]]), name).toBeLessThan(2e-5);
    expect(Math.abs(found.mutualInformation - plain.mutualInformation)).toBeLessThan(2e-6);
    if (samples === 8) expect(found.mutualInformation).toBeGreaterThan(0.01);
    else expect(Math.abs(found.mutualInformation)).toBeLessThan(2e-6);
    expect(found.tokens).toBe(699);
    expect(found.perplexity).toBeCloseTo(Math.exp(plain.nll), 3);
    expect(found.bitsPerToken).toBeCloseTo(plain.nll / Math.LN2, 5);
    expect(found.bitsPerByte).toBeCloseTo(plain.nll / Math.LN2, 5);
    expect(found.reliability.map(({ tokens }) => tokens)).toEqual(plain.bins.map(({ tokens }) => tokens));
    expect(found.reliability.reduce((sum, { tokens }) => sum + tokens, 0)).toBe(699);
    expect(found.samples).toBe(samples);
    expect(found.seed).toBe(seed);
  });

  test("scores are the plain computation, and sum to evaluate's nll", async () => {
    const model = await spreadModel(options);
    const text = TEXT.slice(5, 105);
    const { tokens, logProbability } = await model.score(text, { samples, seed });
    const plain = expected(model, tokenizer.encode(text), samples, seed);
    expect(tokens.length).toBe(99);
    expect(tokens.map(({ token }) => token)).toEqual([...tokenizer.encode(text).subarray(1)]);
    for (const name of ["logProbability", "entropy"] as const)
      expect(
        relativeError(
          tokens.map((t) => t[name]),
          plain.tokens.map((t) => t[name]),
        ),
      ).toBeLessThan(1e-5);
    tokens.forEach((t, i) => {
      expect(Math.abs(t.mutualInformation - plain.tokens[i].mutualInformation)).toBeLessThan(3e-6);
    });
    const { nll } = await evaluate(model, await Corpus.open(text, { tokenizer }), { samples, seed });
    expect(relativeError([-logProbability], [99 * nll])).toBeLessThan(1e-6);
    // Another seed draws other samples.
    const other = await model.score(text, { samples, seed: 3 });
    if (samples) expect(other.logProbability).not.toBe(logProbability);
    else expect(other.logProbability).toBe(logProbability);
  });
});

test("bits per byte count bytes, and are null where an unknown stands for text", async () => {
  const text = "größe größer größte Größe";
  const own = characterTokenizer({ characters: text });
  const model = await LanguageModel.create({ tokenizer: own, embedding: 3, hidden: 4 });
  const known = await evaluate(model, await Corpus.open(text, { tokenizer: own }));
  const bytes = new TextEncoder().encode(text).length - 1;
  expect(bytes).toBeGreaterThan(known.tokens);
  expect(known.bitsPerByte).toBeCloseTo((known.bitsPerToken * known.tokens) / bytes, 10);
  const unseen = await evaluate(model, await Corpus.open(`${text}!`, { tokenizer: own }));
  expect(unseen.bitsPerByte).toBeNull();
  const words = wordTokenizer({ words: ["a", "b"] });
  const byWord = await LanguageModel.create({ tokenizer: words, embedding: 3, hidden: 4 });
  expect(
    (await evaluate(byWord, await Corpus.open("a b a\nb b\n", { tokenizer: words }))).bitsPerByte,
  ).toBeNull();
});

test("a stream that can be read once is evaluated as the same text in memory is", async () => {
  const model = await spreadModel();
  const text = TEXT.slice(0, 300);
  const inMemory = await evaluate(model, await Corpus.open(text, { tokenizer }));
  const stream = () => new Blob([text]).stream();
  for (const lanes of ["contiguous-buffered", "interleaved"] as const) {
    const corpus = await Corpus.fromStream(stream(), { tokenizer, tokens: 300, lanes });
    const { nll, tokens, bitsPerByte } = await evaluate(model, corpus);
    expect({ nll, tokens, bitsPerByte }).toEqual({
      nll: inMemory.nll,
      tokens: inMemory.tokens,
      bitsPerByte: inMemory.bitsPerByte,
    });
  }
});

test("evaluation is aborted by its signal, and refuses what it cannot do", async () => {
  const model = await createModel();
  const corpus = await Corpus.open(TEXT, { tokenizer });
  await expect(evaluate(model, corpus, { signal: AbortSignal.abort() })).rejects.toThrow("abort");
  await expect(evaluate(model, corpus, { samples: 3 })).rejects.toMatchObject({ code: "E_OPTION" });
  await expect(evaluate(model, corpus, { samples: -1 })).rejects.toMatchObject({ code: "E_OPTION" });
  await expect(evaluate(model, corpus, { seed: 0.5 })).rejects.toMatchObject({ code: "E_OPTION" });
  await expect(model.score("the", { samples: 3 })).rejects.toMatchObject({ code: "E_OPTION" });
  await expect(model.score("t")).rejects.toMatchObject({ code: "E_TEXT_SHORT" });
  await expect(model.score("")).rejects.toMatchObject({ code: "E_TEXT_SHORT" });
  await expect(evaluate(model, corpus.slice(0, 1))).rejects.toMatchObject({ code: "E_TEXT_SHORT" });
  model.posterior.mean.fill(Number.NaN);
  await expect(evaluate(model, corpus)).rejects.toMatchObject({ code: "E_DIVERGED" });
});

describe("generation", () => {
  const write = async (model: LanguageModel, options: object) => {
    const pieces = [];
    for await (const piece of model.generate(options)) pieces.push(piece);
    return pieces;
  };
  const textOf = (pieces: { text: string }[]) => pieces.map(({ text }) => text).join("");

  test("the same seed writes the same text, another seed another", async () => {
    const model = await createModel({ hidden: 16 });
    await train(model, { inference: METHODS.ivon, epochs: 4 });
    for (const samples of [0, 3]) {
      const options = { prompt: "the sea", tokens: 60, samples, seed: 7 };
      const [a, b] = [await write(model, options), await write(model, options)];
      expect(a).toEqual(b);
      expect(a.length).toBe(60);
      expect(textOf(a)).not.toBe(textOf(await write(model, { ...options, seed: 8 })));
      expect(tokenizer.decode(a.map(({ token }) => token))).toBe(textOf(a));
      // What it says of its tokens is what scoring says of the same text.
      const scored = (await model.score(`the sea${textOf(a)}`, { samples, seed: 7 })).tokens.slice(6);
      a.forEach((piece, i) => {
        expect(Math.log(piece.probability)).toBeCloseTo(scored[i].logProbability, 4);
        expect(piece.entropy).toBeCloseTo(scored[i].entropy, 4);
        expect(piece.mutualInformation).toBeCloseTo(scored[i].mutualInformation, 4);
      });
    }
  });

  test.each([{}, ADAPTIVE])("temperature 0 takes the likeliest token every time: %o", async (options) => {
    const model = await spreadModel(options);
    const pieces = await write(model, { prompt: "the", tokens: 40, temperature: 0, seed: 3 });
    const ids = tokenizer.encode(`the${textOf(pieces)}`);
    const [p] = predictions(model, ids, 0, 1);
    const V = model.configuration.vocabulary;
    pieces.forEach(({ token, probability }, i) => {
      const row = p.subarray((i + 2) * V, (i + 3) * V);
      expect(token).toBe(row.indexOf(Math.max(...row)));
      expect(probability).toBeCloseTo(row[token], 5);
    });
    expect(textOf(pieces)).toBe(
      textOf(await write(model, { prompt: "the", tokens: 40, temperature: 0, seed: 4 })),
    );
    expect(textOf(pieces)).toBe(textOf(await write(model, { prompt: "the", tokens: 40, topK: 1, seed: 4 })));
  });

  test("an abort, a prompt it cannot read, options out of range", async () => {
    const model = await createModel();
    const controller = new AbortController();
    const seen: number[] = [];
    await expect(async () => {
      for await (const { token } of model.generate({ signal: controller.signal })) {
        seen.push(token);
        if (seen.length === 3) controller.abort();
      }
    }).rejects.toThrow("abort");
    expect(seen.length).toBe(3);
    for (const options of [
      { temperature: -1 },
      { temperature: Number.NaN },
      { topK: 1.5 },
      { topP: 0 },
      { topP: 1.1 },
      { tokens: -1 },
      { samples: 2 },
      { seed: -1 },
    ])
      await expect(write(model, options)).rejects.toMatchObject({ code: "E_OPTION" });
    expect(await write(model, { tokens: 0 })).toEqual([]);
    const strict = characterTokenizer({ characters: "ab", unknown: false });
    const small = await LanguageModel.create({ tokenizer: strict, embedding: 2, hidden: 2 });
    await expect(write(small, { prompt: "abc" })).rejects.toMatchObject({ code: "E_UNKNOWN_SYMBOL" });
    expect((await write(small, { prompt: "ab", tokens: 5 })).length).toBe(5);
    // Without a prompt, and without a line end in the vocabulary.
    expect((await write(small, { tokens: 5 })).length).toBe(5);
  });
});

describe("the sampler", () => {
  const V = 12;
  const p = Float32Array.from([0.2, 0.02, 0.18, 0.05, 0.1, 0.01, 0.14, 0.09, 0.03, 0.08, 0.1, 0]);

  function counts(options: SamplerOptions, draws: number): Float64Array {
    const plan = new MemoryPlan(new KernelInstance(TRAINING));
    const sampler = new Sampler(plan, V, seedOf(11), options);
    plan.commit();
    const found = new Float64Array(V);
    for (let i = 0; i < draws; i++) found[sampler.next(p, i)]++;
    return found;
  }

  /** Pearson's statistic; tokens of no probability must not be drawn. */
  function chiSquare(found: Float64Array, probabilities: ArrayLike<number>): number {
    const draws = found.reduce((a, b) => a + b, 0);
    let sum = 0;
    found.forEach((count, v) => {
      if (probabilities[v] === 0) expect(count).toBe(0);
      else sum += (count - draws * probabilities[v]) ** 2 / (draws * probabilities[v]);
    });
    return sum;
  }

  const normalised = (weights: number[]) => {
    const total = weights.reduce((a, b) => a + b, 0);
    return weights.map((w) => w / total);
  };

  // The 99.9 % quantile of chi-square with 10 degrees of freedom is 29.6; the seed is fixed.
  test.each<[string, SamplerOptions, (v: number) => number]>([
    ["the probabilities", {}, (v) => p[v]],
    ["temperature 0.5", { temperature: 0.5 }, (v) => p[v] ** 2],
    ["temperature 2", { temperature: 2 }, (v) => Math.sqrt(p[v])],
    ["top-k", { topK: 3 }, (v) => (p[v] >= 0.14 ? p[v] : 0)],
    ["top-p that two tokens reach", { topP: 0.35 }, (v) => (p[v] >= 0.18 ? p[v] : 0)],
    ["top-p and top-k", { topP: 0.9, topK: 2 }, (v) => (p[v] >= 0.18 ? p[v] : 0)],
    ["ties go to the smaller id", { topK: 5 }, (v) => (p[v] > 0.1 || v === 4 || v === 10 ? p[v] : 0)],
    ["top-k beyond the vocabulary", { topK: 100 }, (v) => p[v]],
  ])("frequencies follow %s", (_name, options, weight) => {
    const probabilities = normalised(Array.from({ length: V }, (_, v) => weight(v)));
    expect(chiSquare(counts(options, 20000), probabilities)).toBeLessThan(29.6);
  });

  test("frequencies of generated tokens follow the model", async () => {
    const model = await createModel();
    const prompt = "the ship fears";
    const ids = tokenizer.encode(`${prompt} `);
    const [row] = predictions(model, ids, 0, 1);
    const V = model.configuration.vocabulary;
    const last = row.subarray((ids.length - 2) * V);
    const found = new Float64Array(V);
    for (let seed = 0; seed < 1200; seed++)
      for await (const { token } of model.generate({ prompt, tokens: 1, seed })) found[token]++;
    // The 99.9 % quantile with some 20 degrees of freedom.
    expect(V - 1).toBeLessThan(25);
    expect(chiSquare(found, last)).toBeLessThan(51);
  });
});
