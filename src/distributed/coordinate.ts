/** @module The coordinator: cuts a text into shards, adds every round's jobs to the queue, merges their results. */

import type { Queue, Job as QueueJob, Telemetry } from "bullmq";
import { SviError } from "../errors.ts";
import { sources } from "../kernels/generated/identity.ts";
import { LanguageModel } from "../languageModel.ts";
import { type Kinds, requireOptions } from "../options.ts";
import type { JsonTokenizerReader } from "../text/types.ts";
import { Channel } from "./channel.ts";
import type { RunEvent } from "./events.ts";
import { Merger } from "./merger.ts";
import { hashOf } from "./modelHash.ts";
import { nameOf, planBytes, type RunPlan } from "./plan.ts";
import {
  answers,
  clearStop,
  connect,
  jobsQueue,
  type Libraries,
  leaveRedis,
  libraries,
  listRun,
  openStore,
  type QueuedJob,
  type QueuedResult,
  type QueuedRound,
  quiet,
  type RedisClient,
  type RunEntry,
  readRuns,
  readState,
  requireLock,
  roundsQueue,
  saveState,
  shownAddress,
  stopAsked,
  storeName,
} from "./queue.ts";
import { planRun, RUN, type RunOptions } from "./request.ts";
import type { Job, JobResult } from "./round.ts";
import { initialState, jobsOf, mergeRound, type RoundState, spent } from "./rounds.ts";
import { type Blobs, type Store, StoredBlobs } from "./store.ts";
import { agreement, sampled, type Verdict } from "./verify.ts";

export interface CoordinateOptions extends RunOptions {
  readonly redis: string;
  /**
   * Folder that all workers share, or s3://bucket/prefix?endpoint=https://host:9000 with keys from the environment;
   * Redis itself by default, for models up to 64 MiB compressed.
   */
  readonly store?: string;
  readonly json?: JsonTokenizerReader;
  readonly lockSeconds?: number;
  /** What BullMQ tells spans and metrics to, such as a `BullMQOtel` of its package bullmq-otel. */
  readonly telemetry?: Telemetry;
  readonly signal?: AbortSignal;
}

const OPTIONS: Kinds<CoordinateOptions> = {
  ...RUN,
  redis: "string",
  store: "string",
  json: "function",
  lockSeconds: "number",
  telemetry: "object",
  signal: "signal",
};

/** Times that a job may fail before the run does. */
const ATTEMPTS = 5;
/** Workers of one job among which two must agree. */
const MOST_WORKERS = 5;
/** How long a job waits that only the same worker has taken again, in milliseconds. */
const REPEATED = 1000;
const BACKOFF = { type: "exponential", delay: 1000 };

/**
 * Runs all rounds. Called again with the same options after a crash it continues where the run stood.
 *
 * The last event is "done", or "stopped" where `stopRun` or the signal ended it early; both bring the model.
 * @throws SviError `E_REDIS`, `E_HOST`, `E_OPTION`, `E_STORE`; `E_TEXT_ENCODING`, `E_UNKNOWN_SYMBOL`; `E_BUSY` where another coordinator has the run;
 *   what a job failed with
 */
export async function* coordinate(options: CoordinateOptions): AsyncGenerator<RunEvent, void, void> {
  requireOptions("coordinate", options, OPTIONS);
  const library = await libraries();
  const client = await connect(library, options.redis, options.signal);
  const store = storeName(options.store);
  let run: QueuedRun | null = null;
  try {
    run = new QueuedRun(library, client, options, store, openStore(store, client));
    yield* run.events();
  } finally {
    await leaveRedis(client, async (force) => run?.close(force), options.signal);
  }
}

class QueuedRun {
  readonly #library: Libraries;
  readonly #client: RedisClient;
  readonly #options: CoordinateOptions;
  readonly #storeName: string;
  readonly #blobs: Blobs;
  readonly #channel = new Channel<RunEvent>();
  readonly #closing: ((force: boolean) => Promise<unknown>)[] = [];
  #plan!: RunPlan;
  #planBlob!: string;
  #merger!: Merger;
  #name!: string;
  #started = 0;
  #state: RoundState | null = null;
  /** The round that is being merged: an end waits for it. */
  #merging: Promise<unknown> = Promise.resolve();
  #ended = false;
  #attempt = 1;
  /** When the run was begun first. */
  #since = "";
  /** Why a job has failed for good; the round that waits for it is told no more than that it did. */
  #reason: string | null = null;
  #rounds!: Queue;

  constructor(
    library: Libraries,
    client: RedisClient,
    options: CoordinateOptions,
    storeName: string,
    store: Store,
  ) {
    this.#library = library;
    this.#client = client;
    this.#options = options;
    this.#storeName = storeName;
    this.#blobs = new StoredBlobs(store);
  }

  async *events(): AsyncGenerator<RunEvent, void, void> {
    const { plan, warning } = await planRun(this.#options, this.#blobs);
    this.#plan = plan;
    this.#name = nameOf(this.#plan);
    this.#merger = new Merger(this.#plan, this.#blobs, this.#options.json);
    this.#planBlob = await this.#blobs.put(planBytes(this.#plan));
    const resumed = await this.#begin();
    yield { event: "run", run: this.#name, resumed, rounds: plan.rounds, warning };
    // A Redis that is away for a while is asked again.
    const watch = setInterval(() => void this.#stopWhereAsked().catch(() => {}), 1000);
    const stop = () => void this.#stop().catch((error) => this.#channel.fail(error));
    this.#options.signal?.addEventListener("abort", stop);
    try {
      if (this.#options.signal?.aborted) stop();
      yield* this.#channel.values();
    } finally {
      clearInterval(watch);
      this.#options.signal?.removeEventListener("abort", stop);
    }
  }

  /** @returns whether the run was under way already */
  async #begin(): Promise<boolean> {
    const { Worker, QueueEvents } = this.#library;
    const connection = this.#client;
    const { telemetry } = this.#options;
    const rounds = quiet(new this.#library.Queue(roundsQueue(this.#name), { connection, telemetry }));
    this.#rounds = rounds;
    this.#closing.push(() => rounds.close());
    if ((await rounds.getWorkersCount()) > 0)
      throw new SviError("E_BUSY", `Run ${this.#name} has a coordinator`, {
        value: this.#name,
        remedy: "Wait for it, or end it first; a run has one coordinator at a time",
      });
    const known = (await readRuns(connection)).get(this.#name);
    const under = known?.status === "running" || known?.status === "stopped";
    this.#attempt = under ? known.attempt : (known?.attempt ?? 0) + 1;
    this.#since = known?.started ?? new Date().toISOString();
    await clearStop(connection, this.#name);
    const saved = known?.status === "done" ? null : await readState(connection, this.#name);
    const state = saved ?? initialState(this.#plan);
    this.#state = state;
    await this.#list(state, "running", null);
    if (!(await rounds.getJob(this.#id(state.round)))) await this.#addRound(state);
    const lockDuration = requireLock(this.#options.lockSeconds);
    const worker = new Worker<QueuedRound>(
      roundsQueue(this.#name),
      (job, token) => this.#merge(job, token!),
      { connection, lockDuration, stalledInterval: lockDuration, maxStalledCount: 1_000_000, telemetry },
    );
    worker.on("failed", (_job, error) => void this.#fail(error));
    worker.on("error", () => {});
    const events = new QueueEvents(jobsQueue(), { connection });
    events.on("completed", ({ returnvalue }) => this.#completed(returnvalue as unknown as QueuedResult));
    events.on("failed", ({ jobId, failedReason }) => {
      if (jobId.startsWith(this.#name)) this.#reason = failedReason;
    });
    events.on("error", () => {});
    this.#closing.push(
      (force) => worker.close(force),
      () => events.close(),
    );
    this.#started = performance.now();
    return saved !== null || under;
  }

  #completed({ run, again, round, shard, worker, change }: QueuedResult): void {
    if (run !== this.#name || again > 0) return;
    this.#channel.push({ event: "shard", round: round + 1, shard, worker });
    if (this.#state?.round === round) this.#merger.told(this.#state, shard, change);
  }

  /** One atomic addition: the jobs, and the job that waits for them all. */
  async #addRound(state: RoundState): Promise<void> {
    const { FlowProducer } = this.#library;
    const flow = quiet(new FlowProducer({ connection: this.#client, telemetry: this.#options.telemetry }));
    try {
      const jobs = jobsOf(this.#planBlob, state);
      const repeated = sampled(this.#plan, state.round).filter((shard) => shard < jobs.length);
      await flow.add({
        name: "merge",
        queueName: roundsQueue(this.#name),
        data: { attempt: this.#attempt, state } satisfies QueuedRound,
        opts: { jobId: this.#id(state.round) },
        children: [
          ...jobs.map((job) => this.#child(job, 0)),
          ...repeated.map((shard) => this.#child(jobs[shard], 1)),
        ],
      });
    } finally {
      await flow.close();
    }
  }

  /** @param done workers that have done it: it waits for another */
  #child(job: Job, again: number, done: readonly string[] = []) {
    const data: QueuedJob = { ...job, run: this.#name, store: this.#storeName, again, done };
    return {
      name: again > 0 ? "repeat" : "shard",
      queueName: jobsQueue(),
      data,
      opts: { ...this.#childOptions(job.round, job.shard, again), failParentOnFailure: true },
    };
  }

  #childOptions(round: number, shard: number, again: number) {
    return {
      jobId: `${this.#id(round)}-${shard}-${again}`,
      attempts: ATTEMPTS,
      backoff: BACKOFF,
      removeOnComplete: { age: 86400 },
    };
  }

  async #merge(job: QueueJob, token: string): Promise<{ model: string }> {
    const { attempt, state } = job.data as QueuedRound;
    if (this.#ended) await this.#leave(job, token);
    // Left over of a run that has ended: its coordinator was lost just then.
    if (attempt !== this.#attempt) return { model: state.model };
    const saved = await readState(this.#client, this.#name);
    // A coordinator that was lost after its merge, whose blobs may be gone: the next round is under way.
    if (saved && saved.round > state.round) return this.#skip(saved);
    this.#state = state;
    const results = await this.#agreed(job, token, state);
    if (this.#ended) await this.#leave(job, token);
    const merging = this.#advance(state, results);
    this.#merging = merging.catch(() => {});
    return merging;
  }

  /** For the coordinator that continues the run. */
  async #leave(job: QueueJob, token: string): Promise<never> {
    await job.moveToDelayed(Date.now() + 1000, token);
    throw new this.#library.DelayedError();
  }

  /** Merges what a round has come to, and begins the next one. */
  async #advance(state: RoundState, results: readonly JobResult[]): Promise<{ model: string }> {
    const next = await mergeRound(this.#merger, state, results);
    this.#channel.push({
      event: "round",
      round: next.round,
      rounds: this.#plan.rounds,
      tokens: next.tokens,
      nll: next.nll!,
      seconds: (performance.now() - this.#started) / 1000,
    });
    if (next.round === this.#plan.rounds) {
      this.#state = next;
      await this.#end("done");
    } else {
      if (!(await this.#rounds.getJob(this.#id(next.round)))) await this.#addRound(next);
      await this.#list(next, "running", null);
      this.#state = next;
    }
    await this.#blobs.remove(spent(state, next, results));
    return { model: next.model };
  }

  async #skip(saved: RoundState): Promise<{ model: string }> {
    this.#state = saved;
    if (saved.round === this.#plan.rounds) await this.#end("done");
    return { model: saved.model };
  }

  /** One result a shard; where two differ, a third worker decides. */
  async #agreed(job: QueueJob, token: string, state: RoundState): Promise<JobResult[]> {
    const jobs = jobsOf(this.#planBlob, state);
    for (;;) {
      const found = Object.values(await job.getChildrenValues<QueuedResult>());
      const verdicts = jobs.map((_, shard) => agreement(found.filter((result) => result.shard === shard)));
      const open = verdicts.flatMap(({ result }, shard) => (result === null ? [shard] : []));
      if (open.length === 0) {
        this.#reportPoisoned(state, verdicts);
        return verdicts.map(({ result }) => result!);
      }
      for (const shard of open) await this.#repeat(job, jobs[shard], verdicts[shard]);
      if (await job.moveToWaitingChildren(token)) throw new this.#library.WaitingChildrenError();
    }
  }

  async #repeat(parent: QueueJob, job: Job, { found: again, workers }: Verdict): Promise<void> {
    if (workers.length >= MOST_WORKERS)
      throw new SviError("E_WORKER", `No two of ${workers.length} workers agree on shard ${job.shard}`, {
        value: workers,
        remedy: "Find the machines whose arithmetic fails, and run the same command again",
      });
    const queue = quiet(
      new this.#library.Queue<QueuedJob>(jobsQueue(), {
        connection: this.#client,
        telemetry: this.#options.telemetry,
      }),
    );
    try {
      const { data, name, opts } = this.#child(job, again, workers);
      const { id, queueQualifiedName } = parent;
      const delay = again > workers.length ? REPEATED : 0;
      await queue.add(name, data, { ...opts, delay, parent: { id: id!, queue: queueQualifiedName } });
    } finally {
      await queue.close();
    }
  }

  #reportPoisoned({ round }: RoundState, verdicts: readonly Verdict[]): void {
    verdicts.forEach(({ poisoned }, shard) => {
      for (const worker of poisoned)
        this.#channel.push({ event: "poisoned", round: round + 1, shard, worker });
    });
  }

  async #list(state: RoundState, status: RunEntry["status"], hash: string | null): Promise<void> {
    const { round, tokens, nll } = state;
    const { version, shards, rounds } = this.#plan;
    await listRun(this.#client, this.#name, {
      version,
      sources,
      rounds,
      shards: shards.length,
      store: this.#storeName,
      started: this.#since,
      status,
      round,
      tokens,
      nll,
      hash,
      attempt: this.#attempt,
    });
    await saveState(this.#client, this.#name, state);
  }

  async #stop(): Promise<void> {
    if (await answers(this.#client)) return this.#end("stopped");
    const { redis } = this.#options;
    throw new SviError("E_REDIS", `${shownAddress(redis)} no longer answers`, {
      value: shownAddress(redis),
      remedy: `Start it again; the same command then continues run ${this.#name} at its last merged round`,
    });
  }

  async #stopWhereAsked(): Promise<void> {
    if (await stopAsked(this.#client, this.#name)) await this.#end("stopped");
  }

  /** The same command then begins at the last merged round, with new jobs. */
  async #fail(error: Error): Promise<void> {
    if (this.#state) await this.#list(this.#state, "failed", null);
    this.#channel.fail(failureOf(error, this.#reason ?? error.message));
  }

  /** Brings the model as it is after the last merged round. */
  async #end(why: "done" | "stopped"): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    // Whatever it lists would undo the end.
    if (why === "stopped") await this.#merging;
    const state = this.#state!;
    this.#state = null;
    const event = state.round === this.#plan.rounds ? "done" : why;
    const model = await LanguageModel.load(await this.#blobs.get(state.model), { json: this.#options.json });
    await this.#list(state, event, await hashOf(model.posterior));
    const { tokens, nll } = state;
    this.#channel.push({ event, run: this.#name, tokens, nll, model });
    this.#channel.end();
  }

  #id(round: number): string {
    return `${this.#name}-${this.#attempt}-${round + 1}`;
  }

  async close(force: boolean): Promise<void> {
    // What has gone answers none of them: each would wait for the one before.
    if (force) await Promise.allSettled(this.#closing.map((close) => close(true)));
    else for (const close of this.#closing) await close(false);
  }
}

/** @param reason of the job, which begins with the code of its error */
function failureOf(error: Error, reason: string): unknown {
  if (error instanceof SviError) return error;
  return new SviError("E_WORKER", `A job failed: ${reason.replace(/\.$/, "")}`, {
    value: reason,
    remedy: "Mend what it names; the same command then continues the run at the last merged round",
    cause: error,
  });
}
