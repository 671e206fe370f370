/** What a run shows its network: carried state, masks, schedule, first weights, against plain arithmetic. */

import { expect, test } from "vitest";
import { bbb, schedule, sgd } from "../../src/entries/index.ts";
import { KernelInstance } from "../../src/kernels/instance.ts";
import { MemoryPlan } from "../../src/kernels/memory.ts";
import { STREAM, seedOf } from "../../src/kernels/random.ts";
import { TRAINING } from "../../src/kernels/training.ts";
import { scheduleFactor } from "../../src/training/schedule.ts";
import { reference } from "../model/reference.ts";
import { relativeError } from "../model/support.ts";
import { corpusOf, createModel, SMALL, tokenizer, train } from "./support.ts";

const { batch, sequence } = SMALL;

/** Masks of one step: lanes' units by layer, each mask from the next multiple of 16 elements on. */
function masksOf(widths: number[], keep: number, seed: number, step: number): Float64Array[] {
  const plan = new MemoryPlan(new KernelInstance(TRAINING));
  const at = plan.words(1024);
  plan.commit();
  const { low, high } = seedOf(seed);
  let element = 0;
  return widths.map((width) => {
    const size = batch * width;
    plan.instance.exports.dropoutMask(at, size, element, keep, low, high, step, STREAM.dropout, 0);
    element += Math.ceil(size / 16) * 16;
    return Float64Array.from(plan.floats(at, size));
  });
}

test.each([
  { dropout: 0, separator: undefined },
  { dropout: 0.4, separator: undefined },
  { dropout: 0, separator: tokenizer.endOfLine! },
])("losses of a run that hardly moves, over more than a pass: %o", async ({ dropout, separator }) => {
  const model = await createModel({ layers: 2 });
  const weights = Float64Array.from(model.posterior.mean);
  const corpus = await corpusOf();
  const lanes = corpus.lanes(SMALL);
  const records = await train(model, {
    inference: sgd({ learningRate: 1e-9 }),
    products: "float32",
    epochs: 1.2,
    dropout,
    separator,
    seed: 4,
  });
  const [inputs, targets] = [new Int32Array(batch * sequence), new Int32Array(batch * sequence)];
  const { configuration, layout } = model;
  const zeros = new Float64Array(configuration.layers * 2 * batch * configuration.hidden);
  let state = zeros;
  for (const { step, nll } of records) {
    if ((step - 1) % lanes.windows === 0) {
      await lanes.seek(0);
      state = zeros;
    }
    await lanes.next(inputs, targets);
    const { embedding, hidden } = configuration;
    const masks = dropout ? masksOf([embedding, hidden, hidden], 1 - dropout, 4, step - 1) : undefined;
    const window = { inputs, targets, steps: sequence, batch, state, masks, separator };
    const expected = reference(configuration, layout, weights, window);
    expect(relativeError([nll], [expected.loss]), `step ${step}`).toBeLessThan(1e-6);
    state = Float64Array.from(expected.state);
  }
  expect(records.length).toBeGreaterThan(lanes.windows);
});

test("the gradient's norm of several particles is their mean", async () => {
  const norm = async (particles: number) => {
    const inference = bbb({ particles, initialDeviation: 1e-6 });
    return (await train(await createModel(), { inference, epochs: 0.02 }))[0].gradientNorm;
  };
  expect(relativeError([await norm(4)], [await norm(1)])).toBeLessThan(1e-3);
});

test("schedules, step by step", () => {
  const { exports } = new KernelInstance(TRAINING);
  const factors = (s: ReturnType<typeof schedule>) =>
    Array.from({ length: 12 }, (_, step) => scheduleFactor(s, step, 12, exports));
  const rise = [0.25, 0.5, 0.75, 1];
  const warmup = 4;
  const cosine = Array.from({ length: 8 }, (_, i) => 0.1 + 0.9 * 0.5 * (1 + Math.cos((Math.PI * i) / 8)));
  const expected = {
    constant: [...rise, ...new Array(8).fill(1)],
    cosine: [...rise, ...cosine],
    step: [...rise, 1, 1, 0.5, 0.5, 0.25, 0.25, 0.125, 0.125],
  };
  for (const kind of ["constant", "cosine", "step"] as const) {
    const found = factors(schedule(kind, { warmup, floor: 0.1, every: 0.25 }));
    found.forEach((factor, step) => {
      expect(factor, `${kind} ${step}`).toBeCloseTo(expected[kind][step], 12);
    });
  }
});

test("first weights: PyTorch's ranges, forget gates open, all from the seed", async () => {
  for (const [embedding, tied] of [
    [40, false],
    [40, true],
    [20, true],
  ] as const) {
    const shape = { embedding, hidden: 40, layers: 2, tied };
    const model = await createModel(shape);
    for (const s of model.layout.segments) {
      const values = [...model.posterior.mean.subarray(s.offset, s.offset + s.size)];
      if (s.name.startsWith("lstm.bias")) {
        const forget = values.splice(40, 40);
        expect(new Set(forget)).toEqual(new Set([s.name.includes("_ih_") ? 1 : 0]));
      }
      const spread = Math.sqrt(values.reduce((sum, x) => sum + x * x, 0) / values.length);
      // Tied, the output layer reads rows as wide as embeddings.
      const bound = 1 / Math.sqrt(/^(embedding|output)/.test(s.name) && tied ? embedding : 40);
      const normal = s.name === "embedding.weight" && !tied;
      // Within four standard errors of the deviation, of a normal or of a uniform distribution.
      const expected = normal ? 1 : bound / Math.sqrt(3);
      const error = (expected * (normal ? 1 / Math.SQRT2 : Math.sqrt(0.2))) / Math.sqrt(values.length);
      expect(Math.abs(spread - expected), s.name).toBeLessThan(4 * error);
      if (!normal) expect(Math.max(...values.map(Math.abs))).toBeLessThanOrEqual(Math.fround(bound));
    }
    expect((await createModel(shape)).hash()).toBe(model.hash());
    expect((await createModel({ ...shape, seed: 2 })).hash()).not.toBe(model.hash());
    expect((await createModel({ ...shape, seed: 2 ** 32 + 1 })).hash()).not.toBe(model.hash());
  }
});
