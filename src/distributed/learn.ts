/** @module What a job learns from its shard: a function of the run's plan, a posterior and the shard's tokens alone. */
import type { Kernels } from "../kernels/kernels.ts";
import { seedOf } from "../kernels/random.ts";
import { drive } from "../kernels/slices.ts";
import type { Layout } from "../model/layout.ts";
import type { Posterior } from "../model/posterior.ts";
import type { Corpus } from "../text/corpus.ts";
import type { LaneReader } from "../text/tokens.ts";
import { schedule } from "../training/schedule.ts";
import { Trainer } from "../training/trainer.ts";
import { arraysFromBytes, arraysToBytes } from "./arrays.ts";
import { priorPrecisionOf, type RunPlan, sharesOf } from "./plan.ts";
import { type Job, WARM_UP } from "./round.ts";

export interface LearnOptions {
  readonly kernels?: Kernels;
  readonly signal?: AbortSignal;
  /** Told about once a second how many tokens have been trained on. */
  readonly progress?: (tokens: number) => void;
}

export interface Learnt {
  /** What the shard's next job continues with. */
  readonly state: Uint8Array;
  readonly tokens: number;
  /** Mean training loss, nats a token. */
  readonly nll: number;
}

/** Which steps of its shard's whole run a job makes, and the window that it begins with. */
interface Span {
  readonly count: number;
  /** Made by the shard's jobs before, or by the warm-up. */
  readonly before: number;
  /** Warm-up and all rounds. */
  readonly total: number;
  readonly window: number;
}

const PROGRESS_MILLISECONDS = 1000;

/**
 * Trains on one shard what all shards have learnt so far: as if a run on one machine were in the middle, with the
 * shard's tokens in place of all. The warm-up begins that run.
 * @param posterior where all shards begin; has the weights after the last step then
 * @param state what the shard's last job left, or null
 * @throws SviError `E_DIVERGED`, `E_TEXT_SHORT`; the signal's reason
 */
export async function learnShard(
  plan: RunPlan,
  job: Pick<Job, "round" | "shard">,
  posterior: Posterior,
  corpus: Corpus,
  state: Uint8Array | null,
  options: LearnOptions,
): Promise<Learnt> {
  const { batch, sequence } = plan;
  const lanes = corpus.lanes({ batch, sequence });
  try {
    const span = spanOf(plan, job, lanes.windows);
    // One number for all shards, or their precisions would not be of one posterior.
    const lambda = posterior.lambda ?? corpus.tokens / sharesOf(plan.shards)[job.shard];
    const trainer = trainerOf(plan, job, posterior, lambda, span, options);
    try {
      if (state !== null) resume(trainer, posterior, plan, state);
      else trainer.step = span.before;
      const nll = await train(trainer, lanes, span, options);
      return { state: remembered(trainer, posterior.layout), tokens: span.count * batch * sequence, nll };
    } finally {
      trainer.release();
    }
  } finally {
    await lanes.close();
  }
}

function spanOf(
  { local, rounds, warmUp }: RunPlan,
  { round, shard }: Pick<Job, "round" | "shard">,
  windows: number,
): Span {
  const steps = (epochs: number) => Math.max(1, Math.round(epochs * windows));
  const [begin, count] = [warmUp > 0 ? steps(warmUp) : 0, steps(local)];
  const total = begin + rounds * count;
  if (round === WARM_UP) return { count: begin, before: 0, total, window: 0 };
  // The first shard has been read from by the warm-up.
  const before = begin + round * count;
  return { count, before, total, window: (round * count + (shard === 0 ? begin : 0)) % windows };
}

function trainerOf(
  { method, batch, sequence, seed, products }: RunPlan,
  { shard }: Pick<Job, "shard">,
  posterior: Posterior,
  lambda: number,
  { total }: Span,
  { kernels }: LearnOptions,
): Trainer {
  return new Trainer(posterior, {
    method,
    batch,
    sequence,
    steps: total,
    // Steps are the shard's own, and λ is the whole text's: the noise goes by an S-th of the epochs, which is better
    // than by all of them (docs/lab/shards.md).
    lambda,
    // Noise of its own for every shard.
    seed: seedOf(seed + (shard + 1) * 2 ** 32),
    schedule: schedule("cosine"),
    dropout: 0,
    separator: -1,
    averaging: 0,
    products: products === "int16" ? products : undefined,
    kernels,
  });
}

/** What the shard's last job left, with the mean and the curvature of the posterior that was merged since. */
function resume(trainer: Trainer, posterior: Posterior, plan: RunPlan, state: Uint8Array): void {
  const { arrays, lists } = arraysFromBytes(state);
  const { layout, mean } = posterior;
  const hessian = new Float32Array(layout.length);
  visitUnweighted(layout, arrays.get(UNWEIGHTED)!, (values, offset) => hessian.set(values, offset));
  followPrecision(hessian, posterior, priorPrecisionOf(plan.method));
  arrays.set("mean", mean);
  arrays.set("hessian", hessian);
  trainer.restore(arrays, lists);
}

function followPrecision(hessian: Float32Array, posterior: Posterior, prior: number): void {
  const precision = posterior.precision!;
  const lambda = posterior.lambda!;
  for (const { offset, size, bias } of posterior.layout.segments)
    if (!bias) for (let i = offset; i < offset + size; i++) hessian[i] = (precision[i] - prior) / lambda;
}

/** All but the mean and the curvature of weights, which are the posterior's. */
function remembered(trainer: Trainer, layout: Layout): Uint8Array {
  const { arrays, scalars } = trainer.saved();
  const hessian = arrays.get("hessian")!;
  const kept = new Float32Array(unweighted(layout).reduce((sum, [from, to]) => sum + to - from, 0));
  visitUnweighted(layout, kept, (values, offset) =>
    values.set(hessian.subarray(offset, offset + values.length)),
  );
  arrays.delete("mean");
  arrays.delete("hessian");
  return arraysToBytes(arrays.set(UNWEIGHTED, kept), scalars);
}

/** Of the curvature: that of biases, and what lies between segments. */
const UNWEIGHTED = "hessian of biases";

/** Ranges of the flat vector that are not weights. */
function unweighted({ segments, length }: Layout): [from: number, to: number][] {
  const ranges: [number, number][] = [];
  let from = 0;
  for (const { offset, size, bias } of segments) {
    if (bias) continue;
    ranges.push([from, offset]);
    from = offset + size;
  }
  return [...ranges, [from, length]];
}

/** @param values of these ranges, one after the other */
function visitUnweighted(
  layout: Layout,
  values: Float32Array,
  visit: (values: Float32Array, offset: number) => void,
): void {
  let at = 0;
  for (const [from, to] of unweighted(layout)) {
    visit(values.subarray(at, at + to - from), from);
    at += to - from;
  }
}

/** The steps of a span; the posterior then has the weights after the last one. @returns the mean loss */
async function train(
  trainer: Trainer,
  lanes: LaneReader,
  { count, window }: Span,
  { signal, progress }: LearnOptions,
): Promise<number> {
  const { batch, sequence } = trainer.options;
  const inputs = new Int32Array(batch * sequence);
  const targets = new Int32Array(batch * sequence);
  let total = 0;
  let told = performance.now();
  await lanes.seek(window);
  for (let step = 0; step < count; step++) {
    if (lanes.cursor === lanes.windows) await lanes.seek(0);
    if (lanes.cursor === 0) trainer.resetState();
    const time = await lanes.next(inputs, targets);
    const gradient = await drive(trainer.differentiate(inputs, targets, time), signal);
    total += (await drive(trainer.update(gradient, false))).nll;
    if (progress && performance.now() - told > PROGRESS_MILLISECONDS) {
      told = performance.now();
      progress((step + 1) * batch * sequence);
    }
  }
  await drive(trainer.prove(), signal);
  await drive(trainer.publish());
  return total / count;
}
