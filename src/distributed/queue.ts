/** @module The queues of BullMQ that a run uses, and the connection to Redis or Valkey that they share. */
import { resolve } from "node:path";
import type { Redis } from "ioredis";
import { requireNumber, SviError } from "../errors.ts";
import { packageVersion, sources } from "../kernels/generated/identity.ts";
import { isObject, objectStore } from "./objects.ts";
import { absent, notInstalled } from "./packages.ts";
import type { Job, JobResult } from "./round.ts";
import type { RoundState } from "./rounds.ts";
import { type BytesClient, folderStore, redisStore, type Store } from "./store.ts";

/** What a job's data holds besides the job. */
export interface QueuedJob extends Job {
  readonly run: string;
  /** "redis", or the folder or s3 address of the blobs. */
  readonly store: string;
  /** How many have done it before, to compare. */
  readonly again: number;
  /** Names of workers that have done it: it waits for another. */
  readonly done: readonly string[];
}

/** Data of the job that waits for all jobs of a round. */
export interface QueuedRound {
  readonly attempt: number;
  readonly state: RoundState;
}

export type QueuedResult = JobResult & Pick<QueuedJob, "run" | "round" | "shard" | "again">;

/** A run as Redis lists it. */
export interface RunEntry {
  readonly version: string;
  readonly sources: string;
  readonly rounds: number;
  readonly shards: number;
  readonly store: string;
  readonly started: string;
  readonly status: "running" | "done" | "stopped" | "failed";
  readonly round: number;
  readonly tokens: number;
  readonly nll: number | null;
  readonly hash: string | null;
  /** How often it was begun: jobs of an ended run must not be taken for those of the next. */
  readonly attempt: number;
}

const RUNS = "svi-lm:runs";
/** Milliseconds that a first connection may take. */
const CONNECT_TIMEOUT = 5000;
/** That the host of a connection may take to answer, and that one which is left has to close it. */
const ANSWER_TIMEOUT = 10_000;
const CLOSE_TIMEOUT = 100;
/** That it may take to answer whoever leaves it: a command is to end within half a second. */
const LEAVE_TIMEOUT = 150;
/** Between two tries to reach a Redis that was there before. */
const RECONNECT_MILLISECONDS = 500;

/** Connections that queues made for themselves, as for commands that block. */
const DUPLICATES = new WeakMap<RedisClient, RedisClient[]>();

/** What a worker must be of to do a run's jobs: its version, and the hash of its kernels' sources. */
type Release = Pick<RunEntry, "version" | "sources">;

const OWN: Release = { version: packageVersion, sources };

export function isOwn({ version, sources }: Release): boolean {
  return version === OWN.version && sources === OWN.sources;
}

/** Workers take the jobs of their own version and kernels alone. */
export function jobsQueue({ version, sources }: Release = OWN): string {
  return `svi-lm-jobs-${version}-${sources}`;
}

export function roundsQueue(run: string): string {
  return `svi-lm-rounds-${run}`;
}

/** @throws SviError `E_HOST` where the packages are not installed */
export async function libraries(): Promise<Libraries> {
  try {
    const [bullmq, client] = await Promise.all([
      import("bullmq").catch(absent),
      import("ioredis").catch(absent),
    ]);
    return { ...bullmq, Redis: client.Redis };
  } catch (cause) {
    throw notInstalled(["bullmq", "ioredis"], cause);
  }
}

export type Libraries = typeof import("bullmq") & { readonly Redis: typeof Redis };
export type RedisClient = Redis;

/**
 * A connection that waits for a Redis which goes away later, but not for one that was never there.
 * @throws SviError `E_REDIS` where it cannot be reached, or wants a password; the signal's reason
 */
export async function connect({ Redis }: Libraries, url: string, signal?: AbortSignal): Promise<RedisClient> {
  requireAddress(url);
  signal?.throwIfAborted();
  let reached = false;
  const client = new Redis(url, {
    lazyConnect: true,
    connectTimeout: CONNECT_TIMEOUT,
    disconnectTimeout: CLOSE_TIMEOUT,
    maxRetriesPerRequest: null,
    retryStrategy: () => (reached ? RECONNECT_MILLISECONDS : null),
  });
  // An error event that nobody hears ends the process; what matters is thrown below or by the command that fails.
  let last: unknown = null;
  client.on("error", (error) => {
    last = error;
  });
  const duplicate = client.duplicate.bind(client);
  const duplicates: RedisClient[] = [];
  DUPLICATES.set(client, duplicates);
  client.duplicate = (options) => {
    duplicates.push(duplicate(options));
    return duplicates.at(-1)!;
  };
  // A host that does not answer is waited for no longer.
  const leave = () => client.disconnect();
  signal?.addEventListener("abort", leave);
  const silent = setTimeout(() => {
    last ??= new Error("there is no answer");
    leave();
  }, ANSWER_TIMEOUT);
  try {
    await client.connect();
    await client.ping();
  } catch (cause) {
    client.disconnect();
    signal?.throwIfAborted();
    throw unreachable(url, (last ?? cause) as Error);
  } finally {
    clearTimeout(silent);
    signal?.removeEventListener("abort", leave);
  }
  reached = true;
  return client;
}

/**
 * Ends what uses a connection, and the connection. Whoever was asked to stop does not wait for a Redis that has gone:
 * the lock of a job that it cannot give back runs out.
 * @param close ends what uses it; by force where Redis has gone
 */
export async function leaveRedis(
  client: RedisClient,
  close: (force: boolean) => Promise<unknown>,
  signal?: AbortSignal,
): Promise<void> {
  if (!signal?.aborted || (await answers(client))) await close(false);
  else {
    void close(true).catch(() => {});
    for (const own of DUPLICATES.get(client) ?? []) own.disconnect();
  }
  client.disconnect();
}

/** An error that a queue emits and nobody hears is printed; what matters is thrown by the command that fails. */
export function quiet<Q extends { on(event: "error", heard: () => void): unknown }>(queue: Q): Q {
  queue.on("error", () => {});
  return queue;
}

/** Whether Redis still does. */
export async function answers(client: RedisClient): Promise<boolean> {
  if (client.status !== "ready") return false;
  const answer = client.ping().then(
    () => true,
    () => false,
  );
  const late = new Promise<false>((resolve) => setTimeout(resolve, LEAVE_TIMEOUT, false));
  return Promise.race([answer, late]);
}

function requireAddress(url: string): void {
  if (/^rediss?:\/\//.test(url) && URL.canParse(url)) return;
  throw new SviError("E_OPTION", `redis is ${JSON.stringify(url)}`, {
    option: "redis",
    value: url,
    remedy: "Give an address such as redis://localhost:6379",
  });
}

/** Without its password. */
export function shownAddress(url: string): string {
  return url.replace(/\/\/[^@/]*@/, "//…@");
}

function unreachable(url: string, cause: Error): SviError {
  const denied = /NOAUTH|WRONGPASS|ERR invalid password/.test(cause.message);
  const shown = shownAddress(url);
  return new SviError(
    "E_REDIS",
    denied ? `${shown} wants another password` : `${shown} cannot be reached: ${cause.message}`,
    {
      value: shown,
      remedy: denied
        ? "Put user and password into the address: redis://user:password@host:port"
        : "Start Redis or Valkey there, or correct the address",
      cause,
    },
  );
}

/** What jobs tell workers of a store: a folder by its absolute path. */
export function storeName(given: string | undefined): string {
  if (!given) return "redis";
  return isObject(given) ? given : resolve(given);
}

/** The store that a run names. @throws SviError `E_OPTION` */
export function openStore(name: string, client: RedisClient): Store {
  if (isObject(name)) return objectStore(name);
  return name === "redis" ? redisStore(client as unknown as BytesClient) : folderStore(name);
}

export async function listRun(client: RedisClient, run: string, entry: RunEntry): Promise<void> {
  await client.hset(RUNS, run, JSON.stringify(entry));
}

export async function readRuns(client: RedisClient): Promise<Map<string, RunEntry>> {
  const runs = await client.hgetall(RUNS);
  return new Map(Object.entries(runs).map(([run, entry]) => [run, JSON.parse(entry) as RunEntry]));
}

/** Where a run stands: what a coordinator continues from. */
export async function saveState(client: RedisClient, run: string, state: RoundState): Promise<void> {
  await client.set(`svi-lm:state:${run}`, JSON.stringify(state));
}

export async function readState(client: RedisClient, run: string): Promise<RoundState | null> {
  const text = await client.get(`svi-lm:state:${run}`);
  return text === null ? null : JSON.parse(text);
}

/** A request to stop is nobody's but its own: what the coordinator lists meanwhile must not take it back. */
const STOP = "svi-lm:stop:";

export async function askToStop(client: RedisClient, run: string): Promise<void> {
  await client.set(STOP + run, "1");
}

export async function stopAsked(client: RedisClient, run: string): Promise<boolean> {
  return (await client.get(STOP + run)) !== null;
}

export async function clearStop(client: RedisClient, run: string): Promise<void> {
  await client.del(STOP + run);
}

/** Milliseconds after which a job whose worker is gone is given to another. */
export function requireLock(seconds = 30): number {
  return 1000 * requireNumber("lockSeconds", seconds, "a number of at least 1", (v) => v >= 1);
}
