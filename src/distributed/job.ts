/** @module One job: a shard's part of a round, a function of the job's data and the shard's text alone. */
import type { Posterior } from "../model/posterior.ts";
import { Corpus } from "../text/corpus.ts";
import type { JsonTokenizerReader } from "../text/types.ts";
import { readModel, writeModel } from "../training/modelFile.ts";
import { type LearnOptions, learnShard } from "./learn.ts";
import { changeOf, changeToBytes, type Normal } from "./naturals.ts";
import type { RunPlan } from "./plan.ts";
import { type Job, type JobResult, WARM_UP } from "./round.ts";
import type { Blobs } from "./store.ts";
import { openShard } from "./texts.ts";

export interface JobOptions extends LearnOptions {
  readonly json?: JsonTokenizerReader;
}

/** @throws SviError `E_STORE`, `E_DIVERGED`, what opening the text throws; the signal's reason */
export async function runJob(
  plan: RunPlan,
  job: Job,
  blobs: Blobs,
  options: JobOptions,
): Promise<Omit<JobResult, "worker">> {
  const started = performance.now();
  const model = readModel(await blobs.get(job.model), { json: options.json });
  const { tokenizer, posterior } = model;
  const before = { mean: posterior.mean.slice(), precision: posterior.precision?.slice() };
  const state = job.state === null ? null : await blobs.get(job.state);
  const text = await openShard(plan.shards[job.shard]);
  try {
    const { lineEnds } = plan;
    const corpus = await Corpus.open(text.sources, { tokenizer, lineEnds, signal: options.signal });
    const learnt = await learnShard(plan, job, posterior, corpus, state, options);
    const change =
      job.round === WARM_UP
        ? writeModel(model)
        : changeToBytes(changeOf(posterior.layout, normalOf(posterior), before as Normal));
    const [changed, left, fingerprint] = await Promise.all([
      blobs.put(change),
      blobs.put(learnt.state),
      corpus.fingerprint(),
    ]);
    return {
      change: changed,
      state: left,
      text: fingerprint,
      tokens: learnt.tokens,
      nll: learnt.nll,
      seconds: (performance.now() - started) / 1000,
    };
  } finally {
    await text.close();
  }
}

function normalOf({ mean, precision }: Posterior): Normal {
  return { mean, precision: precision! };
}
