/** The adaptive softmax: exact, and cheap where targets are in its head. */

import { describe, expect, test, vi } from "vitest";
import { KernelInstance } from "../../src/kernels/instance.ts";
import { MemoryPlan } from "../../src/kernels/memory.ts";
import { finish, Tape } from "../../src/kernels/tape.ts";
import { TRAINING } from "../../src/kernels/training.ts";
import { defaultCutoffs, tailsOf } from "../../src/model/clusters.ts";
import { configureModel } from "../../src/model/configuration.ts";
import { initialWeights } from "../../src/model/initialise.ts";
import { layoutOf } from "../../src/model/layout.ts";
import { Network } from "../../src/model/network.ts";
import { randomNumbers } from "../support/random.ts";
import { BOUND, type Case, compare } from "./compare.ts";
import { centralDifferences, reference } from "./reference.ts";
import { Rig, relativeError, Worst } from "./support.ts";

// Seconds of arithmetic, on machines that may be busy.
vi.setConfig({ testTimeout: 30_000 });

const adaptive = (vocabulary: number, cutoffs?: number[], hidden = 9) =>
  configureModel(vocabulary, { embedding: 4, hidden, softmax: "adaptive", cutoffs });

test.each([[[3]], [[2, 5]], [[1, 3, 7]]])(
  "the reference's gradient is that of central differences: %o",
  (cutoffs) => {
    const model = adaptive(11, cutoffs, 5);
    const layout = layoutOf(model);
    const random = randomNumbers(5);
    const weights = Float64Array.from({ length: layout.length }, () => 1.4 * random() - 0.7);
    const window = {
      inputs: Int32Array.of(1, 2, 0, 3, 6, 2, 5, 10),
      targets: Int32Array.of(2, 0, 10, 6, 2, 5, 8, 1),
      steps: 4,
      batch: 2,
      state: Float64Array.from({ length: 2 * 2 * 5 }, () => random() - 0.5),
      masks: [8, 10].map((n) => Float64Array.from({ length: n }, () => 2 * random())),
      separator: 2,
    };
    const { gradient } = reference(model, layout, weights, window);
    const found = centralDifferences(model, layout, weights, window);
    const worst = new Worst();
    for (const s of layout.segments) {
      const [from, to] = [s.offset, s.offset + s.size];
      expect(gradient.subarray(from, to).some((x) => x !== 0)).toBe(true);
      worst.add(s.name, gradient.subarray(from, to), found.subarray(from, to));
    }
    expect(worst.error).toBeLessThan(1e-7);
  },
);

test("loss, states and gradients at odd shapes, with one to three tails, some of them without a target", () => {
  const random = randomNumbers(21);
  const pick = (n: number) => Math.floor(random() * n);
  let worst = { forward: new Worst(), gradients: new Worst() };
  let empty = 0;
  for (let i = 0; i < 96; i++) {
    const sequence = 1 + pick(9);
    const tails = 1 + (i % 3);
    const cutoffs = [1 + pick(9)];
    while (cutoffs.length < tails) cutoffs.push(cutoffs[cutoffs.length - 1] + 1 + pick(14));
    const c: Case = {
      vocabulary: cutoffs[tails - 1] + 1 + pick(23),
      embedding: 1 + pick(9),
      hidden: 1 + pick(21),
      layers: 1 + (i % 2),
      tied: false,
      cutoffs,
      batch: 1 + (i % 5),
      sequence,
      dropout: i % 2 === 1,
      resets: (i >> 1) % 2 === 1,
      windows: [sequence, sequence, 1 + pick(sequence)],
    };
    const { forward, gradients, targets } = compare(c, 100 + i);
    for (const seen of targets)
      for (const { first, size } of tailsOf({ ...c, cutoffs }))
        if (!seen.some((target) => target >= first && target < first + size)) empty++;
    expect(forward.error, `${forward} of ${JSON.stringify(c)}`).toBeLessThan(BOUND);
    expect(gradients.error, `${gradients} of ${JSON.stringify(c)}`).toBeLessThan(BOUND);
    if (gradients.error > worst.gradients.error) worst = { forward, gradients };
  }
  expect(empty).toBeGreaterThan(20);
  console.log(`odd shapes: forward ${worst.forward}, gradients ${worst.gradients}; ${empty} empty clusters`);
});

test.each([
  // 65 rows; a chunk holds 26 of 40,000 logits: head or tail take several.
  { cutoffs: [40000], dropout: false, resets: false },
  { cutoffs: [10, 20], dropout: false, resets: false },
  { cutoffs: [10, 100], dropout: true, resets: true },
])("logits in chunks %o", (options) => {
  const shape = { vocabulary: 40041, embedding: 4, hidden: 17, layers: 1, tied: false };
  const { forward, gradients } = compare(
    { ...shape, batch: 5, sequence: 13, windows: [13, 4], ...options },
    3,
  );
  console.log(`chunks: forward ${forward}, gradients ${gradients}`);
  expect(forward.error).toBeLessThan(BOUND);
  expect(gradients.error).toBeLessThan(BOUND);
});

test("weights that change from particle to particle leave nothing behind", () => {
  const rig = new Rig(
    { vocabulary: 30, embedding: 5, hidden: 8, softmax: "adaptive", cutoffs: [4, 11] },
    { batch: 2, sequence: 5 },
    (plan, layout) => ({ other: plan.words(layout.length) }),
  );
  const { plan, layout, model, network } = rig;
  const random = randomNumbers(8);
  const tokens = () => Int32Array.from({ length: 10 }, () => Math.floor(random() * 30));
  // The second window has targets in the head alone.
  for (const [inputs, targets] of [
    [tokens(), tokens()],
    [tokens(), tokens().map((token) => token % 4)],
  ])
    for (const theta of [rig.theta, rig.more.other]) {
      const weights = plan.floats(theta, layout.length);
      for (const s of layout.segments)
        for (let i = 0; i < s.size; i++) weights[s.offset + i] = 1.6 * random() - 0.8;
      const state = Float64Array.from(plan.floats(rig.state, network.stateSize));
      const exact = Float64Array.from(weights);
      const expected = reference(model, layout, exact, { inputs, targets, steps: 5, batch: 2, state });
      expect(rig.run(inputs, targets, 5, { theta, carry: false })).toBeCloseTo(expected.loss, 5);
      for (const s of layout.segments) {
        const of = expected.gradient.subarray(s.offset, s.offset + s.size);
        expect(relativeError(rig.segment(rig.gradient, s.name), of), s.name).toBeLessThan(BOUND);
      }
    }
});

describe("probabilities", () => {
  test.each([
    { vocabulary: 40041, cutoffs: [10, 20], rows: 33 },
    { vocabulary: 40041, cutoffs: [40000], rows: 33 },
    { vocabulary: 7, cutoffs: [1, 2, 3, 4, 5, 6], rows: 5 },
    { vocabulary: 41, cutoffs: [6, 13], rows: 40 },
    { vocabulary: 2, cutoffs: [1], rows: 1 },
  ])("of all tokens, as the reference has them, sum to 1 and agree with the loss: %o", (c) => {
    const model = configureModel(c.vocabulary, {
      embedding: 3,
      hidden: 21,
      softmax: "adaptive",
      cutoffs: c.cutoffs,
    });
    const layout = layoutOf(model);
    const plan = new MemoryPlan(new KernelInstance(TRAINING));
    const tape = new Tape(plan.instance);
    const network = new Network(tape, plan, model, layout, { batch: 1, sequence: c.rows, training: false });
    const theta = plan.words(layout.length);
    const state = plan.words(network.stateSize);
    plan.commit();
    const random = randomNumbers(4);
    const weights = plan.floats(theta, layout.length);
    for (let i = 0; i < weights.length; i++) weights[i] = 2 * random() - 1;
    const tokens = () => Int32Array.from({ length: c.rows }, () => Math.floor(random() ** 3 * c.vocabulary));
    const [inputs, targets] = [tokens(), tokens()];
    const window = { inputs, targets, steps: c.rows, batch: 1, state: new Float64Array(network.stateSize) };
    const expected = reference(model, layout, Float64Array.from(weights), window);
    network.setWindow(inputs, targets, c.rows);
    network.pack(theta);
    network.forward(theta, state);
    const { logits, logitStride, nll } = network.buffers;
    let seen = 0;
    network.probabilities(theta, (chunk) => {
      expect(chunk.row).toBe(seen);
      for (let r = 0; r < chunk.rows; r++) {
        const row = plan.floats(logits + 4 * r * logitStride, logitStride);
        const from = (chunk.row + r) * c.vocabulary;
        const exact = expected.probabilities.subarray(from, from + c.vocabulary);
        expect(relativeError(row.subarray(0, c.vocabulary), exact)).toBeLessThan(2e-6);
        expect(Math.abs(row.reduce((sum, p) => sum + p, 0) - 1)).toBeLessThan(2e-6);
        // What lies between rows is not a probability.
        expect(row.subarray(c.vocabulary).every((p) => p === 0)).toBe(true);
      }
      seen += chunk.rows;
    });
    finish(tape.run());
    expect(seen).toBe(c.rows);
    expect(relativeError(plan.floats(nll, c.rows), expected.nll)).toBeLessThan(1e-6);
    // The loss, without a gradient, of a network that was not made for training.
    const likelihoods = plan.floats(nll, c.rows).slice();
    let loss = 0;
    network.loss(theta, 0, (nll) => {
      loss = nll;
    });
    finish(tape.run());
    expect(loss / c.rows).toBeCloseTo(expected.loss, 5);
    expect(relativeError(plan.floats(nll, c.rows), likelihoods)).toBeLessThan(1e-6);
  });
});

describe("configuration", () => {
  test("cutoffs from the vocabulary", () => {
    expect(defaultCutoffs(100_000)).toEqual([2154, 14676]);
    expect(defaultCutoffs(10_000)).toEqual([464, 2154]);
    expect(defaultCutoffs(1000)).toEqual([100, 316]);
    expect(defaultCutoffs(2)).toEqual([1]);
    for (const vocabulary of [2, 3, 4, 5, 27, 4_194_304]) {
      const { cutoffs } = adaptive(vocabulary);
      expect(cutoffs).toEqual(defaultCutoffs(vocabulary));
      expect(tailsOf(adaptive(vocabulary)).reduce((sum, { size }) => sum + size, cutoffs[0])).toBe(
        vocabulary,
      );
    }
  });

  test("names and shapes are those of PyTorch's AdaptiveLogSoftmaxWithLoss", () => {
    const shapes = layoutOf(adaptive(100, [10, 30, 60], 50)).segments.map(({ name, shape }) => [name, shape]);
    expect(Object.fromEntries(shapes.filter(([name]) => `${name}`.startsWith("output")))).toEqual({
      "output.head.weight": [13, 50],
      "output.head.bias": [13],
      "output.tail.0.0.weight": [12, 50],
      "output.tail.0.1.weight": [20, 12],
      "output.tail.1.0.weight": [3, 50],
      "output.tail.1.1.weight": [30, 3],
      // PyTorch would project to no dimension at all.
      "output.tail.2.0.weight": [1, 50],
      "output.tail.2.1.weight": [40, 1],
    });
  });

  test.each([
    { softmax: "adaptive", tied: true },
    { softmax: "hierarchical" },
    { cutoffs: [4] },
    { softmax: "adaptive", cutoffs: [] },
    { softmax: "adaptive", cutoffs: [0, 5] },
    { softmax: "adaptive", cutoffs: [5, 5] },
    { softmax: "adaptive", cutoffs: [7, 5] },
    { softmax: "adaptive", cutoffs: [2.5] },
    { softmax: "adaptive", cutoffs: [20] },
    { softmax: "adaptive", cutoffs: [1, 2, 3, 4, 5, 6, 7, 8, 9] },
    { softmax: "adaptive", cutoffs: "5" },
    { softmax: "adaptive", cutoffs: [Number.NaN] },
  ] as object[])("refuses %o", (options) => {
    expect(() => configureModel(20, options)).toThrowError(expect.objectContaining({ code: "E_OPTION" }));
  });

  test("first weights are uniform within one over the root of the width they read", () => {
    const model = configureModel(4000, {
      embedding: 4,
      hidden: 64,
      softmax: "adaptive",
      cutoffs: [500, 2000],
    });
    const layout = layoutOf(model);
    const weights = initialWeights(new KernelInstance(TRAINING), layout, { low: 3, high: 0 });
    const widths = { "head.weight": 64, "head.bias": 64, "tail.0.0.weight": 64, "tail.1.0.weight": 64 };
    for (const [name, width] of Object.entries({ ...widths, "tail.0.1.weight": 16, "tail.1.1.weight": 4 })) {
      const { offset, size } = layout.find(`output.${name}`);
      const drawn = weights.subarray(offset, offset + size);
      const bound = 1 / Math.sqrt(width);
      expect(
        drawn.every((x) => Math.abs(x) <= bound * (1 + 1e-6)),
        name,
      ).toBe(true);
      expect(drawn.reduce((a, x) => a + x * x, 0) / size / bound ** 2, name).toBeGreaterThan(0.29);
      expect(drawn.reduce((a, x) => a + x * x, 0) / size / bound ** 2, name).toBeLessThan(0.38);
      expect(Math.abs(drawn.reduce((a, x) => a + x, 0) / size / bound), name).toBeLessThan(0.06);
    }
  });
});

test("slices: pausing between them changes no bit, and there are some in a tail's work", () => {
  const options = {
    vocabulary: 30_000,
    embedding: 16,
    hidden: 64,
    softmax: "adaptive",
    cutoffs: [100, 5000],
  } as const;
  const rig = new Rig(options, { batch: 16, sequence: 20 });
  const random = randomNumbers(6);
  const { layout, plan, network } = rig;
  const weights = plan.floats(rig.theta, layout.length);
  for (const s of layout.segments)
    for (let i = 0; i < s.size; i++) weights[s.offset + i] = 0.4 * random() - 0.2;
  const tokens = Int32Array.from({ length: 320 }, () => Math.floor(random() * 30_000));
  rig.run(tokens, tokens, 20, { carry: false });
  const whole = plan.floats(rig.gradient, layout.length).slice();
  network.setWindow(tokens, tokens, 20);
  network.pack(rig.theta);
  network.forward(rig.theta, rig.state);
  finish(rig.tape.run());
  network.loss(rig.theta, rig.gradient, () => {});
  let slices = 0;
  for (const _ of rig.tape.run()) slices++;
  network.backward(rig.gradient);
  finish(rig.tape.run());
  expect(slices).toBeGreaterThan(1);
  expect(plan.floats(rig.gradient, layout.length).every((x, i) => x === whole[i])).toBe(true);
});
