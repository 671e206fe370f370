/** `ivon()` without arguments: what it derives from the gradients, as docs/design/inference.md says. */

import { expect, test } from "vitest";
import { IvonGuide } from "../../src/inference/ivon/guide.ts";
import { gaussianPrior, type IvonMethod, ivon } from "../../src/inference/public.ts";
import { KernelInstance } from "../../src/kernels/instance.ts";
import { MemoryPlan } from "../../src/kernels/memory.ts";
import { seedOf } from "../../src/kernels/random.ts";
import { finish } from "../../src/kernels/tape.ts";
import { TRAINING } from "../../src/kernels/training.ts";
import { configureModel } from "../../src/model/configuration.ts";
import { type Layout, layoutOf, type Segment } from "../../src/model/layout.ts";
import { randomNumbers } from "../support/random.ts";

const [ROWS, WIDTH, TOKENS] = [8, 32, 100];
const LENGTH = ROWS * WIDTH + 16;
const segments: Segment[] = [
  {
    name: "weight",
    shape: [ROWS, WIDTH],
    offset: 0,
    size: ROWS * WIDTH,
    bias: false,
    role: "embedding",
    init: { kind: "normal" },
  },
  {
    name: "bias",
    shape: [4],
    offset: ROWS * WIDTH,
    size: 4,
    bias: true,
    role: "bias",
    init: { kind: "normal" },
  },
];
const layout: Layout = {
  segments,
  length: LENGTH,
  parameters: ROWS * WIDTH + 4,
  weights: ROWS * WIDTH,
  find: (name) => segments.find((s) => s.name === name)!,
};
const WEAK = gaussianPrior(1e6);
/** Size of the gradients of each row, a factor of 1.4 apart. */
const sizes = Array.from({ length: ROWS }, (_, r) => 0.01 * Math.SQRT2 ** r);

/** Feeds gradients of known size, of random sign, for so many steps. */
function follow(
  options: Partial<IvonMethod>,
  lambda: number,
  steps: number,
  size = (_step: number) => 1,
  run = 1000,
) {
  const plan = new MemoryPlan(new KernelInstance(TRAINING));
  const guide = new IvonGuide(
    { plan, layout, seed: seedOf(1), steps: run, lambda },
    ivon({ beta2: 0.999999, ...options }),
  );
  plan.commit();
  finish(guide.start(new Float32Array(LENGTH), null));
  const gradient = plan.floats(guide.gradient, LENGTH);
  const random = randomNumbers(3);
  for (let step = 0; step < steps; step++) {
    const position = { step, learningRate: 1, tokens: TOKENS };
    finish(guide.draw(position, 0));
    gradient.fill(0);
    for (let i = 0; i < ROWS * WIDTH; i++)
      gradient[i] = sizes[Math.floor(i / WIDTH)] * size(step) * (random() < 0.5 ? -1 : 1);
    finish(guide.update(position));
  }
  const precision = new Float32Array(LENGTH);
  finish(guide.precision(precision));
  return { precision, mean: plan.floats(guide.mean, LENGTH).slice() };
}

/** Nats a token that full noise costs where a weight's curvature is tokens × its squared gradient. */
function cost(precision: Float32Array, size = 1): number {
  let sum = 0;
  for (let i = 0; i < ROWS * WIDTH; i++)
    sum += (TOKENS * (sizes[Math.floor(i / WIDTH)] * size) ** 2) / (2 * precision[i]);
  return sum;
}

test("h is in proportion to the root of its row's mean squared gradient", () => {
  const { precision } = follow({ noiseCost: 0.005 }, 1e3, 60);
  for (let r = 1; r < ROWS; r++)
    expect(precision[r * WIDTH] / precision[0] / (sizes[r] / sizes[0])).toBeCloseTo(1, 1);
});

test("full noise costs noiseCost nats a token, whatever the number of tokens", () => {
  // So few tokens that the posterior's own width would cost more than that.
  for (const lambda of [300, 1000])
    for (const noiseCost of [0.01, 0.05])
      expect(cost(follow({ noiseCost, prior: WEAK }, lambda, 60).precision) / noiseCost).toBeCloseTo(1, 1);
});

test("without one given the noise may cost 0.005 nats for every epoch, at most 0.05", () => {
  const costs = (run: number, lambda: number) =>
    cost(follow({ prior: WEAK }, lambda, 60, undefined, run).precision);
  // 60 steps of 100 tokens are 6 passes over 1,000, and 20 over 300.
  expect(costs(60, 1000) / 0.03).toBeCloseTo(1, 1);
  expect(costs(60, 300) / 0.05).toBeCloseTo(1, 1);
});

test("without one given the noise rises over three passes, at most over 0.6 of the run", () => {
  const guideOf = (steps: number, lambda: number) =>
    new IvonGuide(
      { plan: new MemoryPlan(new KernelInstance(TRAINING)), layout, seed: seedOf(1), steps, lambda },
      ivon({ probe: 0 }),
    );
  const noise = (guide: IvonGuide, step: number) => guide.noise({ step, learningRate: 1, tokens: 100 });
  const [short, long] = [guideOf(1000, 50_000), guideOf(1000, 5000)];
  expect(noise(short, 300)).toBeCloseTo(0.5, 12);
  expect(noise(short, 600)).toBe(1);
  // Three of twenty passes.
  expect(noise(long, 75)).toBeCloseTo(0.5, 12);
  expect(noise(long, 149)).toBeLessThan(1);
  expect(noise(long, 150)).toBe(1);
});

test("in a small vocabulary the recurrence moves farther, the embedding's readers and the logits less; in a large one all farther", () => {
  for (const [vocabulary, less, embedding] of [
    [64, 0.4, 1],
    [400, 1, 1.5],
    [900, 1, 1.5],
  ]) {
    const configuration = configureModel(vocabulary, { embedding: 8, hidden: 8, layers: 2 });
    const own = layoutOf(configuration);
    const plan = new MemoryPlan(new KernelInstance(TRAINING));
    const context = { plan, layout: own, seed: seedOf(1), steps: 1000, lambda: 1e6 };
    const guide = new IvonGuide(context, ivon({ beta2: 0.999999, prior: WEAK, probe: 1, h0: 1 }));
    plan.commit();
    finish(guide.start(new Float32Array(own.length), null));
    for (let step = 0; step < 3; step++) {
      plan.floats(guide.gradient, own.length).fill(0.01);
      finish(guide.update({ step, learningRate: 1e-9, tokens: 100 }));
    }
    const precision = new Float32Array(own.length);
    finish(guide.precision(precision));
    const moves = (name: string) =>
      precision[own.find("embedding.weight").offset] / precision[own.find(name).offset];
    expect(context.lambda / precision[0]).toBeCloseTo(embedding, 3);
    expect(moves("lstm.weight_ih_l0")).toBeCloseTo(less, 5);
    expect(moves("lstm.weight_ih_l1")).toBeCloseTo(1, 5);
    expect(moves("lstm.weight_hh_l1")).toBeCloseTo(less < 1 ? 2 : 1, 5);
    expect(moves("output.weight")).toBeCloseTo(less, 5);
  }
});

test("with many tokens it costs less: the noise is no wider than the posterior of the rows' mean curvature", () => {
  const lambda = 1e6;
  const { precision } = follow({}, lambda, 60);
  const curvature = (TOKENS * sizes.reduce((sum, s) => sum + s * s, 0)) / ROWS;
  const average = precision.slice(0, ROWS * WIDTH).reduce((sum, p) => sum + p / lambda, 0) / (ROWS * WIDTH);
  expect(average / curvature).toBeCloseTo(1, 1);
  expect(cost(precision)).toBeLessThan(0.005);
});

test("the level of h changes the noise alone: a step stays as long as it was", () => {
  const [wide, narrow] = [0.02, 0.2].map((noiseCost) => follow({ noiseCost, prior: WEAK }, 300, 60));
  expect(wide.precision[0] / narrow.precision[0]).toBeCloseTo(10, 0);
  for (let i = 0; i < ROWS * WIDTH; i++) expect(wide.mean[i]).toBeCloseTo(narrow.mean[i], 3);
});

test("h follows the gradients as they shrink, and its level keeps the cost", () => {
  const late = (step: number) => (step < 60 ? 1 : 0.5);
  const { precision } = follow({ noiseCost: 0.005 }, 300, 400, late);
  expect(cost(precision, 0.5) / 0.005).toBeCloseTo(1, 1);
});

test("a level that is given stands, and rows are spread about it", () => {
  const { precision } = follow({ h0: 0.5, prior: WEAK }, 300, 60);
  const mean = precision.slice(0, ROWS * WIDTH).reduce((sum, p) => sum + p / 300, 0) / (ROWS * WIDTH);
  // The bias has no gradient here: the segments' average is half of the weights'.
  expect(mean / 0.5).toBeCloseTo(2, 1);
});
