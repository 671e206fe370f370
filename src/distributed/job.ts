/** @module One job: a shard's part of a round, a function of the job's data and the shard's text alone. */
import { Posterior } from "../model/posterior.ts";
import type { JsonTokenizerReader } from "../text/types.ts";
import { writeModel } from "../training/modelFile.ts";
import { Kept } from "./kept.ts";
import { type LearnOptions, learnShard } from "./learn.ts";
import { changeOf, changeToBytes, type Normal } from "./naturals.ts";
import type { RunPlan } from "./plan.ts";
import { type Job, type JobResult, WARM_UP } from "./round.ts";
import type { Blobs } from "./store.ts";

export interface JobOptions extends LearnOptions {
  readonly json?: JsonTokenizerReader;
  /** Of the jobs before. */
  readonly kept?: Kept;
}

/** @throws SviError `E_STORE`, `E_DIVERGED`, what opening the text throws; the signal's reason */
export async function runJob(
  plan: RunPlan,
  job: Job,
  blobs: Blobs,
  { json, kept = new Kept(), ...options }: JobOptions,
): Promise<Omit<JobResult, "worker">> {
  const started = performance.now();
  const [{ tokenizer, posterior: before }, state] = await Promise.all([
    kept.model(job.model, blobs, json),
    job.state === null ? null : kept.state(job.state, blobs),
  ]);
  const text = await kept.corpus(plan, job, tokenizer, options.signal);
  try {
    const posterior = copyOf(before);
    const learnt = await learnShard(plan, job, posterior, text.corpus, state, {
      ...options,
      kernels: kept.kernels(options.kernels),
    });
    const change =
      job.round === WARM_UP
        ? writeModel({ posterior, tokenizer })
        : changeToBytes(changeOf(posterior.layout, normalOf(posterior), normalOf(before)));
    const [changed, left, fingerprint] = await Promise.all([
      blobs.put(change),
      blobs.put(learnt.state),
      text.corpus.fingerprint(),
    ]);
    kept.leave(left, learnt.state);
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

/** Training writes into its arrays. */
function copyOf({ configuration, mean, precision, lambda }: Posterior): Posterior {
  return new Posterior(configuration, mean.slice(), precision?.slice() ?? null, lambda);
}

function normalOf({ mean, precision }: Posterior): Normal {
  return { mean, precision: precision! };
}
