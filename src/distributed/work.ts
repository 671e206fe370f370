/** @module A worker: takes jobs of any run of its own version from the queue, one after the other. */

import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import type { Job as QueueJob, Telemetry } from "bullmq";
import { SviError } from "../errors.ts";
import { packageVersion, sources } from "../kernels/generated/identity.ts";
import type { Kernels } from "../kernels/kernels.ts";
import { type Kinds, requireOptions } from "../options.ts";
import type { JsonTokenizerReader } from "../text/types.ts";
import { Channel } from "./channel.ts";
import { runJob } from "./job.ts";
import { Kept } from "./kept.ts";
import { planFromBytes, type RunPlan } from "./plan.ts";
import {
  connect,
  isOwn,
  jobsQueue,
  type Libraries,
  leaveRedis,
  libraries,
  openStore,
  type QueuedJob,
  type QueuedResult,
  type RedisClient,
  readRuns,
  requireLock,
} from "./queue.ts";
import { StoredBlobs } from "./store.ts";

export interface WorkOptions {
  /** Address of Redis or Valkey: redis://host:port. */
  readonly redis: string;
  /** Folder or s3 address of the blobs where this machine sees them elsewhere than the coordinator. */
  readonly store?: string;
  readonly kernels?: Kernels;
  /** `jsonTokenizer` of `svi-lm/tokenizers`, for runs with a tokenizer.json. */
  readonly json?: JsonTokenizerReader;
  /** Seconds after which the queue gives a job of a worker that is gone to another; 30 by default. */
  readonly lockSeconds?: number;
  /** What BullMQ tells spans and metrics to, such as a `BullMQOtel` of its package bullmq-otel. */
  readonly telemetry?: Telemetry;
  readonly signal?: AbortSignal;
}

export type WorkEvent =
  | { readonly event: "ready"; readonly worker: string }
  | { readonly event: "job"; readonly run: string; readonly round: number; readonly shard: number }
  | ({ readonly event: "done" } & QueuedResult)
  | { readonly event: "failed"; readonly run: string; readonly code: string; readonly message: string };

const OPTIONS: Kinds<WorkOptions> = {
  redis: "string",
  store: "string",
  kernels: "kernels",
  json: "function",
  lockSeconds: "number",
  telemetry: "object",
  signal: "signal",
};

/** For how long a job is left to the other workers. */
const ANOTHER_MILLISECONDS = 500;
/** Errors that another try, or another worker, would meet again. */
const FINAL: ReadonlySet<string> = new Set([
  "E_TEXT_CHANGED",
  "E_TEXT_EMPTY",
  "E_TEXT_SHORT",
  "E_TEXT_ENCODING",
  "E_UNKNOWN_SYMBOL",
  "E_OPTION",
  "E_DIVERGED",
]);

/**
 * Works until the signal aborts; the job under way is then given back to the queue.
 *
 * @throws SviError `E_REDIS`, `E_HOST`, and `E_VERSION` where every run under way is of another version
 */
export async function* work(options: WorkOptions): AsyncGenerator<WorkEvent, void, void> {
  requireOptions("work", options, OPTIONS);
  const lockDuration = requireLock(options.lockSeconds);
  const library = await libraries();
  const client = await connect(library, options.redis, options.signal);
  const channel = new Channel<WorkEvent>();
  const abort = new AbortController();
  let close = async (_force: boolean) => {};
  try {
    await requireVersion(client);
    const worker = startWorker(library, client, { ...options, signal: abort.signal }, channel, lockDuration);
    close = (force) => worker.close(force);
    await worker.waitUntilReady();
    channel.push({ event: "ready", worker: worker.opts.name! });
    options.signal?.addEventListener("abort", () => channel.end());
    if (options.signal?.aborted) channel.end();
    yield* channel.values();
  } finally {
    abort.abort();
    await leaveRedis(client, close, options.signal);
  }
}

function startWorker(
  library: Libraries,
  client: RedisClient,
  options: WorkOptions,
  channel: Channel<WorkEvent>,
  lockDuration: number,
) {
  const name = `${hostname()}-${process.pid}-${randomBytes(2).toString("hex")}`;
  const plans = new Map<string, RunPlan>();
  const kept = new Kept();
  const handle = async (job: QueueJob<QueuedJob>, token?: string): Promise<QueuedResult> => {
    const { run, round, shard, store, again, done: others } = job.data;
    if (others.includes(name)) {
      await job.moveToDelayed(Date.now() + ANOTHER_MILLISECONDS, token!);
      throw new library.DelayedError();
    }
    channel.push({ event: "job", run, round, shard });
    try {
      const blobs = new StoredBlobs(openStore(options.store ?? store, client));
      const plan = plans.get(job.data.plan) ?? planFromBytes(await blobs.get(job.data.plan));
      plans.set(job.data.plan, plan);
      const { kernels, json, signal } = options;
      const progress = (tokens: number) => void job.updateProgress({ tokens }).catch(() => {});
      const result = await runJob(plan, job.data, blobs, { kernels, json, signal, progress, kept });
      const done = { ...result, worker: name, run, round, shard, again };
      channel.push({ event: "done", ...done });
      return done;
    } catch (error) {
      if (!options.signal?.aborted) throw failureOf(error, library.UnrecoverableError);
      await job.moveToWait(token!);
      throw new library.WaitingError();
    }
  };
  const worker = new library.Worker<QueuedJob, QueuedResult>(jobsQueue(), handle, {
    connection: client,
    lockDuration,
    stalledInterval: lockDuration,
    maxStalledCount: 1_000_000,
    name,
    telemetry: options.telemetry,
  });
  worker.on("failed", (job, error) =>
    channel.push({ event: "failed", run: job?.data.run ?? "", ...described(error) }),
  );
  // A Redis that is away for a while comes back; the queue's own commands wait for it.
  worker.on("error", () => {});
  return worker;
}

/** The queue keeps an error's message alone: the code goes in front of it. */
function failureOf(error: unknown, Unrecoverable: new (message: string) => Error): Error {
  if (!(error instanceof SviError)) return error as Error;
  const message = `${error.code}: ${error.message}`;
  return FINAL.has(error.code) ? new Unrecoverable(message) : new Error(message, { cause: error });
}

function described({ message }: Error): { code: string; message: string } {
  const [, code, text] = /^(E_[A-Z_]+): ([\s\S]*)$/.exec(message) ?? [null, "E_WORKER", message];
  return { code: code!, message: text! };
}

async function requireVersion(client: RedisClient): Promise<void> {
  const running = [...(await readRuns(client)).values()].filter(({ status }) => status === "running");
  if (running.length === 0 || running.some(isOwn)) return;
  const [other] = running;
  throw new SviError(
    "E_VERSION",
    `The run under way is of svi-lm ${other.version} with kernels ${other.sources}, this worker of ${packageVersion} with ${sources}`,
    { value: other.version, remedy: `Install svi-lm ${other.version} on this machine` },
  );
}
