/** @module Results that are made twice: which, and what counts where they differ. */
import type { RunPlan } from "./plan.ts";
import type { QueuedResult } from "./queue.ts";

/** Shards of a round whose jobs are repeated: others in every round, so that all come in turn. */
export function sampled({ verify, shards }: RunPlan, round: number): number[] {
  const first = (round + 1) * verify;
  return Array.from({ length: verify }, (_, i) => (first + i) % shards.length);
}

export interface Verdict {
  /** What two workers found, or one where nobody repeated it; null while no two agree. */
  readonly result: QueuedResult | null;
  readonly found: number;
  /** Who made them. */
  readonly workers: readonly string[];
  /** Workers whose results were something else. */
  readonly poisoned: readonly string[];
}

/** A job is a function of its data: honest workers come to the same blobs. */
export function agreement(results: readonly QueuedResult[]): Verdict {
  const keyOf = ({ change, state, text, tokens, nll }: QueuedResult) =>
    JSON.stringify([change, state, text, tokens, nll]);
  const votes = new Map<string, QueuedResult[]>();
  for (const result of results) {
    const key = keyOf(result);
    votes.set(key, [...(votes.get(key) ?? []), result]);
  }
  const workersOf = (found: readonly QueuedResult[]) => new Set(found.map(({ worker }) => worker)).size;
  const [most] = [...votes.values()].sort((a, b) => workersOf(b) - workersOf(a));
  // One worker that repeats itself proves nothing.
  const decided = results.length === 1 || workersOf(most) > 1;
  return {
    result: decided ? most[0] : null,
    found: results.length,
    workers: [...new Set(results.map(({ worker }) => worker))],
    poisoned: decided ? results.filter((r) => keyOf(r) !== keyOf(most[0])).map(({ worker }) => worker) : [],
  };
}
