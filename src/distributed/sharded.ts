/** @module A run over shards on one machine: threads do what a queue's workers would, to the same bits. */

import type { Worker } from "node:worker_threads";
import { requireInteger } from "../errors.ts";
import { LanguageModel } from "../languageModel.ts";
import { type Kinds, requireOptions } from "../options.ts";
import { jsonTokenizer } from "../text/json.ts";
import { Channel } from "./channel.ts";
import { type Member, ownThread, ownWorker, ThreadMember } from "./crew.ts";
import type { RunEvent } from "./events.ts";
import { Merger } from "./merger.ts";
import { nameOf, planBytes, type RunPlan } from "./plan.ts";
import { planRun, RUN, type RunOptions } from "./request.ts";
import type { JobResult } from "./round.ts";
import { initialState, jobsOf, mergeRound, type RoundState, spent } from "./rounds.ts";
import { type Blobs, MemoryBlobs } from "./store.ts";

export interface ShardedOptions extends Omit<RunOptions, "verify"> {
  /** Jobs done side by side, each in a thread of its own; 1 by default, which needs none. */
  readonly workers?: number;
  /** Makes a thread that imports svi-lm/distributed/thread, where a bundler has moved that file. */
  readonly worker?: () => Worker;
  readonly signal?: AbortSignal;
}

const { verify: _, ...SHARED } = RUN;
const OPTIONS: Kinds<ShardedOptions> = {
  ...SHARED,
  workers: "number",
  worker: "function",
  signal: "signal",
};
const MOST_WORKERS = 256;

/**
 * Trains over the shards of a text with threads of this process: no Redis, and the model that `coordinate` gives for
 * the same options, whatever the number of workers.
 *
 * ```ts
 * import { trainSharded } from "svi-lm/distributed";
 *
 * for await (const event of trainSharded({ model, texts: ["book.txt"], shards: 2, rounds: 2, workers: 1 }))
 *   if (event.event === "done") console.log(event.model.hash());
 * ```
 *
 * The last event is "done", or "stopped" where the signal ended it early or an error did, which is thrown after it; it
 * has the model of the last merged round. A run that fails before any round was merged has no such event.
 * @throws SviError `E_OPTION`, `E_TEXT_SHORT`, `E_TEXT_ENCODING`, `E_UNKNOWN_SYMBOL`, `E_FILE_MISSING`, `E_FILE_READ`, `E_TEXT_CHANGED`, `E_DIVERGED`;
 *   `E_WORKER` where a thread is lost
 */
export async function* trainSharded(options: ShardedOptions): AsyncGenerator<RunEvent, void, void> {
  requireOptions("trainSharded", options, OPTIONS);
  const workers = requireInteger("workers", options.workers ?? 1, 1, MOST_WORKERS);
  const blobs = new MemoryBlobs();
  const { plan, warning } = await planRun(options, blobs);
  yield { event: "run", run: nameOf(plan), resumed: false, rounds: plan.rounds, warning };
  const abort = new AbortController();
  const stop = () => abort.abort(options.signal!.reason);
  options.signal?.addEventListener("abort", stop);
  if (options.signal?.aborted) stop();
  const crew = crewOf(plan, blobs, Math.min(workers, plan.shards.length), abort.signal, options);
  const run = new LocalRun(plan, blobs, crew, abort.signal);
  try {
    yield* run.events();
  } finally {
    options.signal?.removeEventListener("abort", stop);
    abort.abort();
    for (const member of crew) await member.end();
  }
}

function crewOf(
  plan: RunPlan,
  blobs: MemoryBlobs,
  count: number,
  signal: AbortSignal,
  { worker = ownWorker }: ShardedOptions,
): Member[] {
  if (count === 1) return [ownThread(plan, blobs, signal)];
  return Array.from({ length: count }, (_, i) => new ThreadMember(`thread ${i + 1}`, worker(), plan, blobs));
}

class LocalRun {
  readonly #plan: RunPlan;
  readonly #blobs: Blobs;
  readonly #merger: Merger;
  readonly #crew: readonly Member[];
  readonly #signal: AbortSignal;
  /** Resolves when the signal comes, which does not wait for jobs in threads. */
  readonly #stopped: Promise<null>;
  readonly #channel = new Channel<RunEvent>();
  readonly #started = performance.now();

  constructor(plan: RunPlan, blobs: Blobs, crew: readonly Member[], signal: AbortSignal) {
    this.#plan = plan;
    this.#blobs = blobs;
    this.#merger = new Merger(plan, blobs, jsonTokenizer);
    this.#crew = crew;
    this.#signal = signal;
    this.#stopped = new Promise((resolve) => {
      if (signal.aborted) resolve(null);
      signal.addEventListener("abort", () => resolve(null), { once: true });
    });
  }

  async *events(): AsyncGenerator<RunEvent, void, void> {
    void this.#rounds().then(
      () => this.#channel.end(),
      (error) => this.#channel.fail(error),
    );
    yield* this.#channel.values();
  }

  async #rounds(): Promise<void> {
    const planBlob = await this.#blobs.put(planBytes(this.#plan));
    let state = initialState(this.#plan);
    try {
      while (state.round < this.#plan.rounds) {
        const next = await this.#next(planBlob, state);
        if (!next) return await this.#end("stopped", state);
        this.#tell(next);
        state = next;
      }
    } catch (error) {
      if (state.tokens > 0) await this.#end("stopped", state);
      throw error;
    }
    await this.#end("done", state);
  }

  /** The state after a round; null where the signal came first. */
  async #next(planBlob: string, state: RoundState): Promise<RoundState | null> {
    const results = await this.#round(planBlob, state);
    if (!results) return null;
    const next = await mergeRound(this.#merger, state, results);
    await this.#blobs.remove(spent(state, next, results));
    return next;
  }

  /** The results in the order of the jobs; null where the signal came first. */
  async #round(planBlob: string, state: RoundState): Promise<JobResult[] | null> {
    const jobs = jobsOf(planBlob, state);
    const results: JobResult[] = new Array(jobs.length);
    let next = 0;
    const busy = this.#crew.map(async (member) => {
      while (next < jobs.length && !this.#signal.aborted) {
        const job = jobs[next++];
        const result = await member.do(job);
        results[job.shard] = result;
        this.#merger.told(state, job.shard, result.change);
        const { worker } = result;
        this.#channel.push({ event: "shard", round: state.round + 1, shard: job.shard, worker });
      }
    });
    const done = Promise.all(busy).then(
      () => results,
      (error) => {
        if (!this.#signal.aborted) throw error;
        return null;
      },
    );
    return Promise.race([this.#stopped, done]);
  }

  #tell({ round, tokens, nll }: RoundState): void {
    const seconds = (performance.now() - this.#started) / 1000;
    const { rounds } = this.#plan;
    this.#channel.push({ event: "round", round, rounds, tokens, nll: nll!, seconds });
  }

  async #end(event: "done" | "stopped", { model, tokens, nll }: RoundState): Promise<void> {
    const read = await LanguageModel.load(await this.#blobs.get(model), { json: jsonTokenizer });
    this.#channel.push({ event, run: nameOf(this.#plan), tokens, nll, model: read });
  }
}
