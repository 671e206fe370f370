/** @module The course of a run, whatever does its jobs: which jobs a round has, and what their results come to. */
import { SviError } from "../errors.ts";
import type { Merger } from "./merger.ts";
import type { RunPlan } from "./plan.ts";
import { type Job, type JobResult, WARM_UP } from "./round.ts";

/** Where a run stands before a round. */
export interface RoundState {
  readonly round: number;
  readonly model: string;
  readonly shards: readonly { readonly state: string | null; readonly text: string | null }[];
  /** Blob: how the mean moved in the last round; null before the first one. */
  readonly velocity: string | null;
  /** Tokens trained on so far. */
  readonly tokens: number;
  readonly nll: number | null;
}

export function initialState(plan: RunPlan): RoundState {
  const shards = plan.shards.map(() => ({ state: null, text: null }));
  return { round: WARM_UP, model: plan.initial, shards, velocity: null, tokens: 0, nll: null };
}

export function jobsOf(planBlob: string, { round, model, shards }: RoundState): Job[] {
  const all = round === WARM_UP ? shards.slice(0, 1) : shards;
  return all.map(({ state }, shard) => ({ plan: planBlob, round, shard, model, state }));
}

/**
 * The state after a round: the posterior's natural parameters follow the changes, each by its shard's share.
 * @param results in the order of the jobs
 * @throws SviError `E_TEXT_CHANGED` where a shard's text is not that of the rounds before
 */
export async function mergeRound(
  merger: Merger,
  state: RoundState,
  results: readonly JobResult[],
): Promise<RoundState> {
  requireSameText(state, results);
  const round = state.round + 1;
  const tokens = results.reduce((sum, result) => sum + result.tokens, 0);
  const nll = results.reduce((sum, result) => sum + result.tokens * result.nll, 0) / tokens;
  const done = { round, tokens: state.tokens + tokens, nll };
  if (state.round === WARM_UP) {
    // All shards continue what the first one has begun, its momentum and its level of h included.
    const [{ change, state: begun, text }] = results;
    const shards = state.shards.map((_, i) => ({ state: begun, text: i === 0 ? text : null }));
    return { ...done, model: change, shards, velocity: null };
  }
  const moved = await merger.merged(state, results);
  return { ...done, ...moved, shards: results.map(({ state, text }) => ({ state, text })) };
}

function requireSameText(state: RoundState, results: readonly JobResult[]): void {
  results.forEach(({ text }, i) => {
    const before = state.shards[i].text;
    if (before !== null && before !== text)
      throw new SviError("E_TEXT_CHANGED", `The text of shard ${i} changed during the run`, {
        value: i,
        remedy: "Begin a new run, and leave its text as it is",
      });
  });
}

/** Blobs of a round that nothing after it reads. */
export function spent(before: RoundState, after: RoundState, results: readonly JobResult[]): Set<string> {
  const kept = new Set([after.model, after.velocity, ...after.shards.map(({ state }) => state)]);
  const old = [
    before.model,
    before.velocity,
    ...before.shards.map(({ state }) => state),
    ...results.map(({ change }) => change),
  ];
  return new Set(old.filter((name): name is string => name !== null && !kept.has(name)));
}
