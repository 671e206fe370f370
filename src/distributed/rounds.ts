/** @module The course of a run, whatever does its jobs: which jobs a round has, and what their results come to. */
import { SviError } from "../errors.ts";
import { Posterior } from "../model/posterior.ts";
import type { JsonTokenizerReader } from "../text/types.ts";
import { readModel, writeModel } from "../training/modelFile.ts";
import { carryOn, velocityFromBytes, velocityToBytes } from "./momentum.ts";
import { addChange, changeFromBytes, naturalsOf, normalOf } from "./naturals.ts";
import { priorPrecisionOf, type RunPlan, sharesOf } from "./plan.ts";
import { type Job, type JobResult, WARM_UP } from "./round.ts";
import type { Blobs } from "./store.ts";

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
  plan: RunPlan,
  blobs: Blobs,
  state: RoundState,
  results: readonly JobResult[],
  json?: JsonTokenizerReader,
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
  const moved = await merged(plan, blobs, state, results, json);
  return { ...done, ...moved, shards: results.map(({ state, text }) => ({ state, text })) };
}

/** One result at a time, the next one being read meanwhile: memory does not grow with the number of shards. */
export async function merged(
  plan: RunPlan,
  blobs: Blobs,
  state: RoundState,
  results: readonly Pick<JobResult, "change">[],
  json?: JsonTokenizerReader,
): Promise<Pick<RoundState, "model" | "velocity">> {
  const { posterior, tokenizer } = readModel(await blobs.get(state.model), { json });
  const { layout, configuration, mean, lambda } = posterior;
  const naturals = naturalsOf(layout, { mean, precision: posterior.precision! });
  const shares = sharesOf(plan.shards);
  const read = (i: number) => {
    const bytes = blobs.get(results[i].change);
    // Awaited below, unless what comes before fails.
    bytes.catch(() => {});
    return bytes;
  };
  let coming = read(0);
  for (let i = 0; i < results.length; i++) {
    const bytes = await coming;
    if (i + 1 < results.length) coming = read(i + 1);
    addChange(naturals, changeFromBytes(bytes), plan.damping * shares[i]);
  }
  const normal = normalOf(layout, naturals, priorPrecisionOf(plan.method));
  const velocity = state.velocity === null ? null : velocityFromBytes(await blobs.get(state.velocity));
  const moved = carryOn(mean, normal.mean, velocity, plan.momentum);
  const next = new Posterior(configuration, normal.mean, normal.precision, lambda);
  return {
    model: await blobs.put(writeModel({ posterior: next, tokenizer })),
    velocity: plan.momentum > 0 ? await blobs.put(velocityToBytes(moved)) : null,
  };
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
