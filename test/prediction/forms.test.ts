/** The forms of prediction: token by token with the network's bits, 8 bits, Flipout, and the sampler's order. */

import { describe, expect, test, vi } from "vitest";
import { adam, Corpus, evaluate, LanguageModel, wordTokenizer } from "../../src/entries/index.ts";
import { KernelInstance } from "../../src/kernels/instance.ts";
import { MemoryPlan } from "../../src/kernels/memory.ts";
import { STREAM, seedOf } from "../../src/kernels/random.ts";
import { finish, Tape } from "../../src/kernels/tape.ts";
import { TRAINING } from "../../src/kernels/training.ts";
import { Network } from "../../src/model/network.ts";
import { planScratch, Stepper } from "../../src/model/stepper.ts";
import type { PredictionForm } from "../../src/prediction/ensemble.ts";
import { Predictor } from "../../src/prediction/predictor.ts";
import { Sampler, type SamplerOptions } from "../../src/prediction/sampler.ts";
import { reference } from "../model/reference.ts";
import { relativeError } from "../model/support.ts";
import { randomNumbers } from "../support/random.ts";
import { createModel, METHODS, sentences, TEXT, tokenizer, train } from "../training/support.ts";

vi.setConfig({ testTimeout: 60_000 });

const SHAPES = [
  { embedding: 5, hidden: 9, layers: 1 },
  { embedding: 13, hidden: 33, layers: 3 },
  { embedding: 40, hidden: 40, layers: 2, tied: true },
  { embedding: 21, hidden: 35, layers: 2, tied: true },
  { embedding: 210, hidden: 6, layers: 1, tied: true },
  // Deeper than a block of 256.
  { embedding: 300, hidden: 270, layers: 2 },
];

/** A model whose weights are spread out and whose samples differ. */
async function spreadModel(options: object): Promise<LanguageModel> {
  const model = await createModel(options);
  const random = randomNumbers(8);
  const scale = 4 / Math.sqrt(model.configuration.hidden);
  const mean = model.posterior.mean.map(() => scale * (random() - 0.5));
  const precision = new Float32Array(mean.length);
  for (const s of model.layout.segments)
    if (!s.bias) for (let i = s.offset; i < s.offset + s.size; i++) precision[i] = 30 + 90 * random();
  finish(model.posterior.assign(mean, precision, 500));
  return model;
}

/** Probabilities after every token, [tokens][vocabulary]. */
function predicted(model: LanguageModel, ids: Int32Array, samples: number, form: PredictionForm = {}) {
  const predictor = new Predictor(model.posterior, samples, form);
  predictor.plan.commit();
  finish(predictor.begin(seedOf(5)));
  const rows: Float32Array[] = [];
  finish(predictor.read(ids, (_, { probabilities }) => rows.push(probabilities.slice())));
  return rows;
}

const bits = (x: Float32Array) => new Uint32Array(x.buffer, x.byteOffset, x.length);

describe.each(SHAPES)("token by token, %o", (shape) => {
  const ids = tokenizer.encode(TEXT.slice(0, 40));

  test("the bits of the network's windows", async () => {
    const model = await spreadModel(shape);
    const { configuration, layout, mean } = model.posterior;
    const plan = new MemoryPlan(new KernelInstance(TRAINING));
    const tape = new Tape(plan.instance);
    const network = new Network(tape, plan, configuration, layout, {
      batch: 1,
      sequence: 40,
      training: false,
    });
    const [theta, state] = [plan.words(layout.length), plan.words(network.stateSize)];
    plan.commit();
    plan.floats(theta, layout.length).set(mean);
    network.pack(theta);
    network.setWindow(ids, ids, 40);
    network.forward(theta, state);
    network.probabilities(theta, () => {});
    finish(tape.run());
    const { logits, logitStride } = network.buffers;
    predicted(model, ids, 0).forEach((row, t) => {
      const expected = plan.floats(logits + 4 * t * logitStride, configuration.vocabulary);
      expect(bits(row)).toEqual(bits(expected.slice()));
    });
  });

  test("a few kept products, or all: the same bits", async () => {
    const model = await spreadModel(shape);
    const { configuration, layout, mean } = model.posterior;
    for (const quantized of [undefined, "int8"] as const) {
      const plan = new MemoryPlan(new KernelInstance(TRAINING));
      const scratch = planScratch(plan, configuration, layout);
      const steppers = [1, 3, configuration.vocabulary].map(
        (projections) => new Stepper(plan, configuration, layout, scratch, { projections, quantized }),
      );
      plan.commit();
      const rows = steppers.map((stepper) => {
        stepper.pack(({ offset, size }, at) =>
          plan.floats(at, size).set(mean.subarray(offset, offset + size)),
        );
        const out: number[] = [];
        const read = () => {
          for (const id of ids) {
            stepper.read(id);
            stepper.predict();
            out.push(...plan.floats(scratch.probabilities, configuration.vocabulary));
          }
        };
        read();
        // From the beginning again.
        stepper.reset();
        read();
        return out;
      });
      expect(rows[1]).toEqual(rows[0]);
      expect(rows[2]).toEqual(rows[0]);
      expect(rows[0].slice(rows[0].length / 2)).toEqual(rows[0].slice(0, rows[0].length / 2));
    }
  });

  test("8 bits stay near float32", async () => {
    const model = await spreadModel(shape);
    const [exact, rounded] = [predicted(model, ids, 0), predicted(model, ids, 0, { quantized: "int8" })];
    const errors = rounded.map((row, t) => relativeError(row, exact[t]));
    expect(Math.max(...errors)).toBeLessThan(0.05);
    expect(Math.max(...errors)).toBeGreaterThan(1e-5);
  });
});

describe("Flipout", () => {
  const SAMPLES = 3;
  const ids = tokenizer.encode(TEXT.slice(20, 50));

  /** Signs as they are drawn: rows of each product's inputs, then of its outputs. */
  function signRows(widths: number[], seed: number): Float32Array[][] {
    const plan = new MemoryPlan(new KernelInstance(TRAINING));
    const at = plan.words(Math.max(...widths) + 16);
    plan.commit();
    const { low, high } = seedOf(seed);
    let row = 0;
    return widths.map((width) =>
      Array.from({ length: SAMPLES }, () => {
        plan.instance.exports.philoxWords(at, width, 0, low, high, row++, STREAM.signs, 0);
        return Float32Array.from(plan.integers(at, width), (word) => (word < 0 ? -1 : 1));
      }),
    );
  }

  /** Every sample's own weights, M + ΔW ∘ (r cᵀ), in double precision. */
  function weightsOf(model: LanguageModel, seed: number): Float64Array[] {
    const { mean, precision, layout, configuration } = model.posterior;
    const { layers, tied, embedding, hidden } = configuration;
    const plan = new MemoryPlan(new KernelInstance(TRAINING));
    const at = plan.words(layout.length);
    plan.commit();
    const { low, high } = seedOf(seed);
    plan.instance.exports.normalArray(at, layout.length, 0, low, high, 0, STREAM.evaluate, 0);
    const noise = plan.floats(at, layout.length);
    const names = [
      "embedding.weight",
      ...Array.from({ length: layers }, (_, l) => [`lstm.weight_ih_l${l}`, `lstm.weight_hh_l${l}`]).flat(),
      ...(tied && embedding !== hidden ? ["projection.weight"] : []),
      tied ? "embedding.weight" : "output.weight",
    ];
    // The embedding's rows are its inputs; the others' columns are.
    const shapes = names.map((name) => layout.find(name).shape);
    const widths = shapes.flatMap(([n, k], i) => (i === 0 ? [n, k] : [k, n]));
    const signs = signRows(widths, seed);
    return Array.from({ length: SAMPLES }, (_, s) => {
      const theta = Float64Array.from(mean);
      names.slice(0, tied ? -1 : undefined).forEach((name, i) => {
        const { offset, shape } = layout.find(name);
        const [rows, columns] = i === 0 ? [0, 1] : [1, 0];
        for (let r = 0; r < shape[0]; r++)
          for (let c = 0; c < shape[1]; c++) {
            const at = offset + r * shape[1] + c;
            const sign = signs[2 * i + rows][s][r] * signs[2 * i + columns][s][c];
            theta[at] += (sign * noise[at]) / Math.sqrt(precision![at]);
          }
      });
      return theta;
    });
  }

  test.each(SHAPES.slice(0, 5))(
    "is the plain computation with every sample's own weights, %o",
    async (shape) => {
      const model = await spreadModel(shape);
      const { configuration, layout } = model.posterior;
      const V = configuration.vocabulary;
      const window = {
        inputs: ids,
        targets: ids,
        steps: ids.length,
        batch: 1,
        state: new Float64Array(configuration.layers * 2 * configuration.hidden),
      };
      const rows = weightsOf(model, 5).map(
        (theta) => reference(configuration, layout, theta, window).probabilities,
      );
      // The samples differ, or this would say nothing.
      expect(relativeError(rows[0], rows[1])).toBeGreaterThan(0.05);
      predicted(model, ids, SAMPLES, { sampling: "flipout" }).forEach((row, t) => {
        const expected = Float64Array.from(
          row,
          (_, v) => rows.reduce((sum, p) => sum + p[t * V + v], 0) / SAMPLES,
        );
        expect(relativeError(row, expected)).toBeLessThan(1e-5);
      });
    },
  );

  test("score and evaluate agree and say so; the same seed gives the same bits", async () => {
    const model = await spreadModel({ hidden: 16 });
    const text = TEXT.slice(0, 120);
    const options = { samples: 4, sampling: "flipout", seed: 9 } as const;
    const score = await model.score(text, options);
    expect(score).toMatchObject({ samples: 4, sampling: "flipout", quantized: null });
    expect(await model.score(text, options)).toEqual(score);
    const evaluation = await evaluate(model, await Corpus.open(text, { tokenizer }), options);
    expect(evaluation).toMatchObject({ samples: 4, sampling: "flipout", quantized: null });
    expect(relativeError([-score.logProbability], [119 * evaluation.nll])).toBeLessThan(1e-6);
    expect(evaluation.mutualInformation).toBeGreaterThan(0.001);
    const independent = await model.score(text, { ...options, sampling: "independent" });
    expect(independent.sampling).toBe("independent");
    expect(independent.logProbability).not.toBe(score.logProbability);
  });
});

describe("8 bits", () => {
  test("cost a trained model at most 0.5 % of its nll", async () => {
    const model = await createModel({ hidden: 48, embedding: 16, layers: 2 });
    await train(model, { inference: adam({ learningRate: 0.01 }), epochs: 12, batch: 4, sequence: 16 });
    const held = await Corpus.open(sentences(60, 77), { tokenizer });
    const plain = await evaluate(model, held);
    const rounded = await evaluate(model, held, { quantized: "int8" });
    expect(plain.nll).toBeLessThan(0.6);
    expect(rounded.nll / plain.nll).toBeLessThan(1.005);
    expect(rounded.nll).not.toBe(plain.nll);
    expect(rounded).toMatchObject({ quantized: "int8", sampling: null, tokens: plain.tokens });
    expect(plain.quantized).toBeNull();
  });

  test("samples of 8 bits are rounded samples, in every way of asking", async () => {
    const model = await spreadModel({ hidden: 16, layers: 2 });
    const text = TEXT.slice(0, 120);
    const options = { samples: 3, seed: 9 };
    const plain = await model.score(text, options);
    const score = await model.score(text, { ...options, quantized: "int8" });
    expect(score).toMatchObject({ samples: 3, sampling: "independent", quantized: "int8" });
    expect(score.logProbability / plain.logProbability).toBeCloseTo(1, 2);
    expect(score.logProbability).not.toBe(plain.logProbability);
    const corpus = await Corpus.open(text, { tokenizer });
    const evaluation = await evaluate(model, corpus, { ...options, quantized: "int8" });
    expect(relativeError([-score.logProbability], [119 * evaluation.nll])).toBeLessThan(1e-6);
    const write = async () => {
      let written = "";
      for await (const { text } of model.generate({
        prompt: "the",
        tokens: 30,
        ...options,
        quantized: "int8",
      }))
        written += text;
      return written;
    };
    expect(await write()).toBe(await write());
  });
});

test("forms that there are not are refused; what is not a number does not pass", async () => {
  const model = await createModel();
  await train(model, { inference: METHODS.ivon, epochs: 1 });
  const corpus = await Corpus.open(TEXT, { tokenizer });
  for (const form of [
    { quantized: "int4" },
    { sampling: "dependent" },
    { sampling: "flipout", quantized: "int8", samples: 2 },
  ] as never[]) {
    await expect(model.score(TEXT, form)).rejects.toMatchObject({ code: "E_OPTION" });
    await expect(evaluate(model, corpus, form)).rejects.toMatchObject({ code: "E_OPTION" });
    await expect(model.generate(form).next()).rejects.toMatchObject({ code: "E_OPTION" });
  }
  const predictor = new Predictor(model.posterior, 0);
  predictor.plan.commit();
  finish(predictor.begin(seedOf(1)));
  for (const token of [-1, 0.5, Number.NaN, model.configuration.vocabulary])
    expect(() => finish(predictor.follow([token]))).toThrow(
      expect.objectContaining({ code: "E_TOKEN_RANGE" }),
    );
  for (const name of [
    "embedding.weight",
    "lstm.weight_hh_l0",
    "lstm.bias_ih_l0",
    "output.weight",
    "output.bias",
    "projection.weight",
  ])
    for (const form of [
      {},
      { quantized: "int8" },
      { samples: 2 },
      { samples: 2, sampling: "flipout" },
    ] as const) {
      const tied = name.startsWith("projection");
      const broken = await spreadModel({ tied });
      const { offset, size } = broken.layout.find(name);
      broken.posterior.mean.fill(Number.NaN, offset, offset + size);
      await expect(broken.score(TEXT, form)).rejects.toMatchObject({ code: "E_DIVERGED" });
    }
});

describe("the sampler", () => {
  /** The plain way: everything sorted, then walked. */
  function plain(p: Float32Array, { topK = 0, topP = 1 }: SamplerOptions, u: number): number {
    const order = Array.from(p.keys()).sort((a, b) => p[b] - p[a] || a - b);
    const kept: number[] = [];
    let sum = 0;
    for (const id of order) {
      kept.push(id);
      sum += p[id];
      if ((topK && kept.length === topK) || (topP < 1 && sum >= topP)) break;
    }
    let left = u * kept.reduce((total, id) => total + p[id], 0);
    for (const id of kept) {
      left -= p[id];
      if (left < 0) return id;
    }
    return kept.at(-1)!;
  }

  test.each<[string, SamplerOptions]>([
    ["all", {}],
    ["top-k", { topK: 50 }],
    ["top-p", { topP: 0.9 }],
    ["both", { topK: 300, topP: 0.99 }],
  ])("takes what sorting everything would: %s", (_, options) => {
    const V = 2000;
    const plan = new MemoryPlan(new KernelInstance(TRAINING));
    const sampler = new Sampler(plan, V, seedOf(3), options);
    const uniform = plan.words(16);
    plan.commit();
    for (const sharpness of [0, 1, 3, 8]) {
      const random = randomNumbers(sharpness + 1);
      // Ties in plenty, and words of no probability.
      const p = Float32Array.from({ length: V }, (_, v) =>
        v % 5 ? Math.round(9 * random()) ** sharpness : 0,
      );
      const total = p.reduce((a, b) => a + b, 0);
      for (let v = 0; v < V; v++) p[v] /= total;
      for (let position = 0; position < 300; position++) {
        plan.instance.exports.uniformArray(uniform, 16, 0, 3, 0, position, STREAM.generate, 0);
        expect(sampler.next(p, position)).toBe(plain(p, options, plan.floats(uniform, 1)[0]));
      }
    }
  });

  test("temperature 0 takes the smallest id of the likeliest", () => {
    const plan = new MemoryPlan(new KernelInstance(TRAINING));
    const sampler = new Sampler(plan, 4, seedOf(3), { temperature: 0 });
    plan.commit();
    expect(sampler.next(Float32Array.of(0.1, 0.4, 0.1, 0.4), 0)).toBe(1);
  });
});

test("a large vocabulary is predicted and generated from as a small one is", async () => {
  const words = wordTokenizer({ words: Array.from({ length: 3000 }, (_, i) => `w${i}`) });
  const model = await LanguageModel.create({ tokenizer: words, embedding: 8, hidden: 12 });
  let count = 0;
  for await (const { probability } of model.generate({ prompt: "w1 w2999", tokens: 20, topK: 40 })) {
    expect(probability).toBeGreaterThan(0);
    count++;
  }
  expect(count).toBe(20);
});
