/**
 * Statistical claims: where the exact posterior is known, the guides recover it.
 *
 * Linear regression with known noise, y = Σ wᵢ xᵢ + N(0, s²): each example has one feature that is not 0, so that
 * the posterior is a product of normals, with precision 1/sp² + Σ x²/s² and mean (Σ x y / s²) / precision.
 * The guides never see it: they get gradients of a minibatch's mean negative log-likelihood at their draws.
 */

import { expect, test, vi } from "vitest";
import { BbbGuide } from "../../src/inference/bbb.ts";
import type { Guide, GuideContext } from "../../src/inference/guide.ts";
import { IvonGuide } from "../../src/inference/ivon/guide.ts";
import { guideOf } from "../../src/inference/methods.ts";
import { adam, bbb, gaussianPrior, ivon, type PosteriorPrior, sgd } from "../../src/inference/public.ts";
import { KernelInstance } from "../../src/kernels/instance.ts";
import { MemoryPlan } from "../../src/kernels/memory.ts";
import { seedOf } from "../../src/kernels/random.ts";
import { finish } from "../../src/kernels/tape.ts";
import { TRAINING } from "../../src/kernels/training.ts";
import type { Layout, Segment } from "../../src/model/layout.ts";
import { relativeError } from "../model/support.ts";
import { randomNumbers } from "../support/random.ts";

// Seconds of arithmetic, on machines that may be busy.
vi.setConfig({ testTimeout: 30_000 });

const WEIGHTS = 24;
const EXAMPLES = 960;
const PRIOR = 0.7;
const NOISE = 0.5;

/** One segment with a posterior, and a bias that takes no part. */
function layout(): Layout {
  const segments: Segment[] = [
    {
      name: "weight",
      shape: [WEIGHTS],
      offset: 0,
      size: WEIGHTS,
      bias: false,
      role: "embedding",
      init: { kind: "normal" },
    },
    { name: "bias", shape: [3], offset: 32, size: 3, bias: true, role: "bias", init: { kind: "normal" } },
  ];
  return {
    segments,
    length: 48,
    parameters: WEIGHTS + 3,
    weights: WEIGHTS,
    find: (name) => segments.find((s) => s.name === name)!,
  };
}

function normals(random: () => number): () => number {
  return () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** Features of different sizes, so that the precisions differ between weights; examples shuffled. */
function regression(seed: number) {
  const random = randomNumbers(seed);
  const normal = normals(random);
  const truth = Float64Array.from({ length: WEIGHTS }, normal);
  const data = Array.from({ length: EXAMPLES }, (_, n) => {
    const weight = n % WEIGHTS;
    const x = (0.4 + (1.6 * weight) / WEIGHTS) * normal();
    return { weight, x, y: truth[weight] * x + NOISE * normal() };
  });
  for (let i = EXAMPLES - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [data[i], data[j]] = [data[j], data[i]];
  }
  const precision = new Float64Array(WEIGHTS).fill(1 / PRIOR ** 2);
  const mean = new Float64Array(WEIGHTS);
  for (const { weight, x, y } of data) {
    precision[weight] += (x * x) / NOISE ** 2;
    mean[weight] += (x * y) / NOISE ** 2;
  }
  for (let i = 0; i < WEIGHTS; i++) mean[i] /= precision[i];
  return { data, mean, precision };
}

interface Found {
  mean: Float64Array;
  precision: Float64Array;
  kl: number;
  /** Closed form of the KL of the guide as it is now. */
  klExpected: number;
  bias: Float32Array;
}

/** Runs a guide over minibatches; means and precisions are averaged over the last part of the steps, the half. */
function infer(
  create: (context: GuideContext) => Guide,
  data: ReturnType<typeof regression>["data"],
  {
    steps,
    batch,
    rate,
    last = 0.5,
    lambda = data.length,
  }: { steps: number; batch: number; rate: (step: number) => number; last?: number; lambda?: number },
): Found {
  const plan = new MemoryPlan(new KernelInstance(TRAINING));
  const guide = create({ plan, layout: layout(), seed: seedOf(2), steps, lambda });
  plan.commit();
  const start = new Float32Array(48);
  start.set([1, 2, 3], 32);
  finish(guide.start(start, null));
  const theta = plan.floats(guide.theta, 48);
  const gradient = plan.floats(guide.gradient, 48);
  const random = randomNumbers(9);
  const mean = new Float64Array(WEIGHTS);
  const precision = new Float64Array(WEIGHTS);
  const spread = new Float32Array(48);
  let averaged = 0;
  for (let step = 0; step < steps; step++) {
    const position = { step, learningRate: rate(step), tokens: batch };
    const from = Math.floor(random() * (data.length / batch)) * batch;
    for (let particle = 0; particle < guide.particles; particle++) {
      finish(guide.draw(position, particle));
      const g = new Float64Array(WEIGHTS);
      for (const { weight, x, y } of data.slice(from, from + batch))
        g[weight] += ((theta[weight] * x - y) * x) / NOISE ** 2 / batch;
      gradient.fill(0);
      gradient.set(g);
      finish(guide.gather(position, particle));
    }
    finish(guide.update(position));
    if (step < steps * (1 - last)) continue;
    averaged++;
    const known = finish(guide.precision(spread));
    for (let i = 0; i < WEIGHTS; i++) {
      mean[i] += plan.floats(guide.mean, 48)[i];
      precision[i] += known ? spread[i] : 0;
    }
  }
  let klExpected = 0;
  const now = plan.floats(guide.mean, 48);
  for (let i = 0; i < WEIGHTS; i++) {
    const ratio = 1 / (spread[i] * PRIOR ** 2);
    klExpected += 0.5 * (ratio + (now[i] / PRIOR) ** 2 - 1 - Math.log(ratio));
  }
  return {
    mean: mean.map((x) => x / averaged),
    precision: precision.map((x) => x / averaged),
    kl: finish(guide.kl()),
    klExpected,
    bias: plan.floats(guide.mean, 48).slice(32, 35),
  };
}

/** Largest error of a mean in posterior standard deviations, and of a precision in relation to the exact one. */
function errors(found: Found, exact: ReturnType<typeof regression>) {
  const means = found.mean.map((m, i) => Math.abs(m - exact.mean[i]) * Math.sqrt(exact.precision[i]));
  const precisions = found.precision.map((p, i) => Math.abs(p / exact.precision[i] - 1));
  return { mean: Math.max(...means), precision: Math.max(...precisions) };
}

const NO_CLIP = { clip: Number.POSITIVE_INFINITY } as const;
const prior = gaussianPrior(PRIOR);

test.each([1, 4])("IVON recovers mean and precision of the exact posterior, %i particles", (particles) => {
  const exact = regression(1);
  const method = ivon({
    ...NO_CLIP,
    prior,
    particles,
    h0: 0.05,
    beta1: 0.9,
    beta2: 0.999,
    probe: 0,
    noiseRamp: 0,
    clamp: Number.POSITIVE_INFINITY,
    // A pull besides the prior's.
    embeddingDecay: 0,
  });
  // The rate is on SGD's scale: lr (h0 + delta) / (h + delta) is what a Newton step is multiplied by.
  const run = { steps: 24000, batch: 96, rate: (step: number) => (step < 4000 ? 1 : 0.05) };
  const found = infer((context) => new IvonGuide(context, method), exact.data, run);
  const { mean, precision } = errors(found, exact);
  console.log(`ivon, ${particles}: mean off by ${mean.toFixed(3)} sd, precision by ${precision.toFixed(3)}`);
  expect(mean).toBeLessThan(0.15);
  expect(precision).toBeLessThan(0.1);
  expect(found.kl / found.klExpected).toBeCloseTo(1, 5);
  expect([...found.bias]).toEqual([1, 2, 3]);
});

/** The exact posterior of the first examples, as a prior for the others. */
function posteriorOfFirst({ data }: ReturnType<typeof regression>, count: number): PosteriorPrior {
  const mean = new Float32Array(48);
  const precision = new Float32Array(48);
  precision.fill(1 / PRIOR ** 2, 0, WEIGHTS);
  for (const { weight, x, y } of data.slice(0, count)) {
    precision[weight] += (x * x) / NOISE ** 2;
    mean[weight] += (x * y) / NOISE ** 2;
  }
  for (let i = 0; i < WEIGHTS; i++) mean[i] /= precision[i];
  mean.set([1, 2, 3], 32);
  return { kind: "posterior", mean, precision, lambda: count };
}

test.each([192, 480, 864])(
  "IVON with the posterior of the first %i examples as its prior finds that of all examples from the others",
  (count) => {
    const exact = regression(1);
    const method = ivon({ ...NO_CLIP, prior: posteriorOfFirst(exact, count), beta2: 0.998, clamp: Infinity });
    const run = { steps: 12000, batch: 96, lambda: EXAMPLES, last: 0.8 };
    const rate = () => 0.1;
    const found = infer((context) => new IvonGuide(context, method), exact.data.slice(count), {
      ...run,
      rate,
    });
    const { mean, precision } = errors(found, exact);
    console.log(`prior of ${count}: mean off by ${mean.toFixed(3)} sd, precision by ${precision.toFixed(3)}`);
    expect(mean).toBeLessThan(0.25);
    expect(precision).toBeLessThan(0.1);
    [1, 2, 3].forEach((bias, i) => {
      expect(found.bias[i]).toBeCloseTo(bias, 5);
    });
  },
);

test("IVON as it comes, with its ramp, probe and clamp, ends near the exact posterior", () => {
  const exact = regression(3);
  const method = ivon({ ...NO_CLIP, prior, h0: 0.05 });
  // h is still on its way while the noise rises, so that the end of the run counts; and the clamp, whose scale is
  // the segment's, holds back the weights with the largest features.
  const run = { steps: 24000, batch: 96, last: 0.05, rate: (step: number) => (step < 8000 ? 1 : 0.05) };
  const found = infer((context) => new IvonGuide(context, method), exact.data, run);
  const { mean, precision } = errors(found, exact);
  console.log(`ivon, as it comes: mean off by ${mean.toFixed(3)} sd, precision by ${precision.toFixed(3)}`);
  expect(mean).toBeLessThan(0.35);
  expect(precision).toBeLessThan(0.45);
});

test.each([1, 4])("Bayes by Backprop recovers them too, %i particles", (particles) => {
  const exact = regression(1);
  const method = bbb({ ...NO_CLIP, prior, particles, initialDeviation: 0.1 });
  const run = { steps: 24000, batch: 96, rate: (step: number) => (step < 4000 ? 0.01 : 0.0005) };
  const found = infer((context) => new BbbGuide(context, method), exact.data, run);
  const { mean, precision } = errors(found, exact);
  console.log(`bbb, ${particles}: mean off by ${mean.toFixed(3)} sd, precision by ${precision.toFixed(3)}`);
  expect(mean).toBeLessThan(0.15);
  expect(precision).toBeLessThan(0.1);
  expect(found.kl / found.klExpected).toBeCloseTo(1, 5);
  expect([...found.bias]).toEqual([1, 2, 3]);
});

test("the delta guide with the prior finds the posterior's mode, without it the likelihood's", () => {
  const exact = regression(1);
  const likelihood = exact.mean.map(
    (m, i) => (m * exact.precision[i]) / (exact.precision[i] - 1 / PRIOR ** 2),
  );
  const run = { steps: 4000, batch: EXAMPLES, rate: (step: number) => (step < 2000 ? 0.05 : 0.002) };
  for (const make of [sgd, adam]) {
    const map = infer((context) => guideOf(context, make({ ...NO_CLIP, prior })), exact.data, run);
    expect(relativeError(map.mean, exact.mean)).toBeLessThan(1e-4);
    expect([...map.bias]).toEqual([1, 2, 3]);
    const mle = infer((context) => guideOf(context, make(NO_CLIP)), exact.data, run);
    expect(relativeError(mle.mean, likelihood)).toBeLessThan(1e-4);
    expect(relativeError(likelihood, exact.mean)).toBeGreaterThan(1e-2);
  }
});

test("more particles make a quieter estimate: the variance of a step falls with their number", () => {
  const exact = regression(1);
  const variance = (particles: number) => {
    const method = bbb({ ...NO_CLIP, prior, particles, initialDeviation: 0.3 });
    const plan = new MemoryPlan(new KernelInstance(TRAINING));
    const context = { plan, layout: layout(), seed: seedOf(2), steps: 400, lambda: EXAMPLES };
    const guide = new BbbGuide(context, method);
    plan.commit();
    finish(guide.start(new Float32Array(48), null));
    const [theta, gradient] = [guide.theta, guide.gradient].map((at) => plan.floats(at, 48));
    let sum = 0;
    for (let step = 0; step < 400; step++) {
      const position = { step, learningRate: 1e-9, tokens: 1 };
      let total = 0;
      for (let particle = 0; particle < particles; particle++) {
        finish(guide.draw(position, particle));
        for (let i = 0; i < WEIGHTS; i++) gradient[i] = theta[i] * (exact.precision[i] / EXAMPLES);
        total += gradient[0] / particles;
        finish(guide.gather(position, particle));
      }
      finish(guide.update(position));
      sum += total ** 2;
    }
    return sum / 400;
  };
  expect(variance(1) / variance(8)).toBeGreaterThan(5.5);
  expect(variance(1) / variance(8)).toBeLessThan(11);
});
