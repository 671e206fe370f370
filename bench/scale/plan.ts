/** The shards and rounds of a run that come to a loss soonest. */
import { type Curve, type Drift, efficiency, tokensFor } from "./learning.ts";
import { type Estimate, type Machine, type Network, simulate } from "./simulate.ts";

export interface Target {
  readonly parameters: number;
  readonly workers: number;
  /** Tokens of the text: a run reads them at most `epochs` times. */
  readonly textTokens: number;
  readonly epochs: number;
  /** Held out, nats a token. */
  readonly loss: number;
}

export interface Plan extends Estimate {
  readonly shards: number;
  readonly rounds: number;
  readonly tokens: number;
  /** Epochs over its shard that a job reads. */
  readonly local: number;
}

/** Windows of a job at the least: fewer would be all overhead. */
const LEAST_JOB_TOKENS = 8 * 64;

/** @returns null where no shards and rounds come to the loss within the epochs */
export function plan(
  target: Target,
  curve: Curve,
  drift: Drift,
  machine: Machine,
  network: Network,
): Plan | null {
  const alone = tokensFor(curve, target.loss);
  if (alone === null) return null;
  let best: Plan | null = null;
  for (const shards of shardCounts(target.workers))
    for (let jobTokens = LEAST_JOB_TOKENS; jobTokens <= target.textTokens / shards; jobTokens *= 1.5) {
      const tokens = alone / efficiency(drift, shards, jobTokens);
      if (tokens > target.epochs * target.textTokens) break;
      const rounds = Math.max(1, Math.round(tokens / shards / jobTokens));
      const { parameters, workers } = target;
      const found = simulate({ parameters, workers, shards, rounds, tokens }, machine, network);
      if (best && best.seconds <= found.seconds) continue;
      const local = tokens / rounds / shards / (target.textTokens / shards);
      best = { ...found, shards, rounds, tokens, local };
    }
  return best;
}

/** One to four waves of jobs, and fewer shards than workers where more would teach too little. */
function shardCounts(workers: number): number[] {
  const counts = new Set([1, workers, 2 * workers, 4 * workers]);
  for (let count = 2; count < workers; count *= 2) counts.add(count);
  return [...counts];
}
