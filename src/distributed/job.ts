/** @module One job: a shard's part of a round, a function of the job's data and the shard's text alone. */
import type { Kernels } from "../kernels/kernels.ts";
import { seedOf } from "../kernels/random.ts";
import { drive } from "../kernels/slices.ts";
import type { Posterior } from "../model/posterior.ts";
import { Corpus } from "../text/corpus.ts";
import type { LaneReader } from "../text/tokens.ts";
import type { JsonTokenizerReader } from "../text/types.ts";
import { readModel, writeModel } from "../training/modelFile.ts";
import { schedule } from "../training/schedule.ts";
import { Trainer } from "../training/trainer.ts";
import { arraysFromBytes, arraysToBytes } from "./arrays.ts";
import { changeOf, changeToBytes, type Normal } from "./naturals.ts";
import { priorPrecisionOf, type RunPlan, sharesOf } from "./plan.ts";
import { type Job, type JobResult, WARM_UP } from "./rounds.ts";
import type { Blobs } from "./store.ts";
import { openShard } from "./texts.ts";

export interface JobOptions {
  readonly kernels?: Kernels;
  readonly json?: JsonTokenizerReader;
  readonly signal?: AbortSignal;
  /** Told about once a second how many tokens have been trained on. */
  readonly progress?: (tokens: number) => void;
}

/** Which steps of its shard's whole run a job makes, and the window that it begins with. */
interface Span {
  readonly count: number;
  /** Warm-up and all rounds. */
  readonly total: number;
  readonly window: number;
}

const PROGRESS_MILLISECONDS = 1000;

/**
 * Trains on one shard what all shards have learnt so far: as if a run on one machine were in the middle, with the
 * shard's tokens in place of all. The warm-up begins that run.
 * @throws SviError `E_STORE`, `E_DIVERGED`, what opening the text throws; the signal's reason
 */
export async function runJob(
  plan: RunPlan,
  job: Job,
  blobs: Blobs,
  options: JobOptions,
): Promise<Omit<JobResult, "worker">> {
  const started = performance.now();
  const model = readModel(await blobs.get(job.model), { json: options.json });
  const before = { mean: model.posterior.mean.slice(), precision: model.posterior.precision?.slice() };
  const text = await openShard(plan.shards[job.shard]);
  try {
    const { tokenizer, posterior } = model;
    const { lineEnds, batch, sequence } = plan;
    const corpus = await Corpus.open(text.sources, { tokenizer, lineEnds, signal: options.signal });
    const lanes = corpus.lanes({ batch, sequence });
    const span = spanOf(plan, job, lanes.windows);
    // One number for all shards, or their precisions would not be of one posterior.
    const lambda = posterior.lambda ?? corpus.tokens / sharesOf(plan.shards)[job.shard];
    const trainer = trainerOf(plan, job, posterior, lambda, span, options);
    try {
      if (job.state !== null) resume(trainer, posterior, plan, await blobs.get(job.state));
      const nll = await train(trainer, lanes, span, options);
      const change =
        job.round === WARM_UP
          ? writeModel(model)
          : changeToBytes(changeOf(posterior.layout, normalOf(posterior), before as Normal));
      return {
        change: await blobs.put(change),
        state: await blobs.put(remembered(trainer)),
        text: await corpus.fingerprint(),
        tokens: span.count * batch * sequence,
        nll,
        seconds: (performance.now() - started) / 1000,
      };
    } finally {
      trainer.release();
      await lanes.close();
    }
  } finally {
    await text.close();
  }
}

function normalOf({ mean, precision }: Posterior): Normal {
  return { mean, precision: precision! };
}

function spanOf({ local, rounds, warmUp }: RunPlan, { round, shard }: Job, windows: number): Span {
  const steps = (epochs: number) => Math.max(1, Math.round(epochs * windows));
  const [begin, count] = [steps(warmUp), steps(local)];
  const total = begin + rounds * count;
  if (round === WARM_UP) return { count: begin, total, window: 0 };
  // The first shard has been read from by the warm-up.
  return { count, total, window: (round * count + (shard === 0 ? begin : 0)) % windows };
}

function trainerOf(
  { method, batch, sequence, seed, products }: RunPlan,
  { shard }: Job,
  posterior: Posterior,
  lambda: number,
  { total }: Span,
  { kernels }: JobOptions,
): Trainer {
  return new Trainer(posterior, {
    method,
    batch,
    sequence,
    steps: total,
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
  const { layout, mean, lambda } = posterior;
  const precision = posterior.precision!;
  const prior = priorPrecisionOf(plan.method);
  const hessian = arrays.get("hessian")!;
  for (const { offset, size, bias } of layout.segments)
    if (!bias) for (let i = offset; i < offset + size; i++) hessian[i] = (precision[i] - prior) / lambda!;
  arrays.set("mean", mean);
  trainer.restore(arrays, lists);
}

/** All but the mean, which is the posterior's. */
function remembered(trainer: Trainer): Uint8Array {
  const { arrays, scalars } = trainer.saved();
  arrays.delete("mean");
  return arraysToBytes(arrays, scalars);
}

/** The steps of a span; the posterior then has the weights after the last one. @returns the mean loss */
async function train(
  trainer: Trainer,
  lanes: LaneReader,
  { count, window }: Span,
  { signal, progress }: JobOptions,
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
