/** @module The same rounds without a queue: jobs done by whoever is given, a few at a time, on one machine. */
import type { JsonTokenizerReader } from "../text/types.ts";
import { planBytes, type RunPlan } from "./plan.ts";
import {
  initialState,
  type Job,
  type JobResult,
  jobsOf,
  mergeRound,
  type RoundState,
  spent,
} from "./rounds.ts";
import type { Blobs, Store } from "./store.ts";

/** Does one job, in this process or another; several may be asked for at once. */
export type JobRunner = (job: Job) => Promise<JobResult>;

/**
 * All rounds of a plan, one state after each; the jobs' results are those of a distributed run, to the bit.
 * @param atOnce jobs under way at a time
 */
export async function* runLocally(
  plan: RunPlan,
  blobs: Blobs,
  runner: JobRunner,
  atOnce: number,
  json?: JsonTokenizerReader,
): AsyncGenerator<RoundState, void, void> {
  const planBlob = await blobs.put(planBytes(plan));
  for (let state = initialState(plan); state.round < plan.rounds; ) {
    const results = await inTurns(jobsOf(planBlob, state), runner, atOnce);
    const next = await mergeRound(plan, blobs, state, results, json);
    await blobs.remove(spent(state, next, results));
    state = next;
    yield state;
  }
}

/** Results in the order of the jobs. */
async function inTurns(jobs: readonly Job[], runner: JobRunner, atOnce: number): Promise<JobResult[]> {
  const results = new Array<JobResult>(jobs.length);
  let next = 0;
  const lane = async () => {
    for (let i = next++; i < jobs.length; i = next++) results[i] = await runner(jobs[i]);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, jobs.length) }, lane));
  return results;
}

/** Blobs in this process's memory. */
export function memoryStore(): Store {
  const blobs = new Map<string, Uint8Array>();
  return {
    write: async (name, bytes) => void blobs.set(name, bytes),
    read: async (name) => blobs.get(name) ?? null,
    remove: async (name) => void blobs.delete(name),
  };
}
