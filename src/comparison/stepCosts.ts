/** @module What a step of each method costs beside Adam's, with the steps taken in turn. */

import { PREDICTION } from "../kernels/calls.ts";
import { KernelInstance } from "../kernels/instance.ts";
import { seedOf } from "../kernels/random.ts";
import { configureModel } from "../model/configuration.ts";
import { initialWeights } from "../model/initialise.ts";
import { layoutOf } from "../model/layout.ts";
import { Posterior } from "../model/posterior.ts";
import type { Slices } from "../model/work.ts";
import { pause } from "../pause.ts";
import type { Corpus } from "../text/corpus.ts";
import { schedule } from "../training/schedule.ts";
import { Trainer } from "../training/trainer.ts";
import { type MethodSpec, methodOf, type Shape } from "./run.ts";
import { median } from "./statistics.ts";
import type { StepCosts } from "./summary.ts";

const STEPS = 1e6;
const METHODS: Readonly<Record<keyof StepCosts, { method: MethodSpec; dropout: number }>> = {
  adam: { method: { kind: "adam", learningRate: 1e-6 }, dropout: 0 },
  adamw: { method: { kind: "adamw", learningRate: 1e-6 }, dropout: 0 },
  sgd: { method: { kind: "sgd", learningRate: 1e-6 }, dropout: 0 },
  dropout: { method: { kind: "adam", learningRate: 1e-6 }, dropout: 0.2 },
  bbb: { method: { kind: "bbb", learningRate: 1e-6 }, dropout: 0 },
  noiseless: { method: { kind: "ivon", learningRate: 1e-6, noise: false }, dropout: 0 },
  ivon: { method: { kind: "ivon", learningRate: 1e-6 }, dropout: 0 },
};
/** Adam first: the others are relative to it. */
export const COST_NAMES = Object.keys(METHODS) as (keyof StepCosts)[];

/**
 * The median over rounds of a method's time by that of Adam's step beside it: a drift of the machine, or another
 * program on it, meets both. Steps are of the text's own windows, at full noise, with weights that hardly move.
 * @param rounds steps of every method
 * @throws the signal's reason, within a step
 */
export async function measureStepCosts(
  corpus: Corpus,
  shape: Shape,
  rounds: number,
  signal?: AbortSignal,
): Promise<StepCosts> {
  const names = COST_NAMES;
  const steps = names.map((name) => stepper(METHODS[name].method, METHODS[name].dropout, corpus, shape));
  const times: number[][] = names.map(() => []);
  const size = shape.batch * shape.sequence;
  const [inputs, targets] = [new Int32Array(size), new Int32Array(size)];
  const lanes = corpus.lanes({ batch: shape.batch, sequence: shape.sequence });
  const WARM = 3;
  for (let round = 0; round < rounds + WARM; round++) {
    if (lanes.cursor === lanes.windows) await lanes.seek(0);
    const time = await lanes.next(inputs, targets);
    for (const [i, step] of steps.entries()) {
      const taken = await timed(step(inputs, targets, time), signal);
      if (round >= WARM) times[i].push(taken);
    }
  }
  await lanes.close();
  const ratios = times.map((own) => median(own.map((time, i) => time / times[0][i])));
  return Object.fromEntries(names.map((name, i) => [name, ratios[i]])) as unknown as StepCosts;
}

/** Does the work with pauses that do not count. @returns milliseconds */
async function timed(work: Slices, signal: AbortSignal | undefined): Promise<number> {
  for (let milliseconds = 0; ; ) {
    signal?.throwIfAborted();
    const started = performance.now();
    const { done } = work.next();
    milliseconds += performance.now() - started;
    if (done) return milliseconds;
    await pause();
  }
}

/** Takes a step of its own trainer. */
function stepper(spec: MethodSpec, dropout: number, corpus: Corpus, shape: Shape) {
  const configuration = configureModel(corpus.tokenizer.vocabularySize, shape);
  const layout = layoutOf(configuration);
  const seed = seedOf(1);
  const weights = initialWeights(new KernelInstance(PREDICTION), layout, seed);
  const trainer = new Trainer(new Posterior(configuration, weights, null, null), {
    method: methodOf(spec),
    batch: shape.batch,
    sequence: shape.sequence,
    steps: STEPS,
    lambda: corpus.tokens,
    seed,
    schedule: schedule("constant"),
    dropout,
    separator: -1,
    averaging: 0,
  });
  // Past the beginning, where IVON has no noise yet.
  trainer.step = spec.kind === "ivon" ? STEPS - 100_000 : 0;
  return function* (inputs: Int32Array, targets: Int32Array, time: number): Slices {
    yield* trainer.update(yield* trainer.differentiate(inputs, targets, time), false);
  };
}
