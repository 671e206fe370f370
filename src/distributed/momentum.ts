/**
 * @module What rounds before this one add to its change.
 *
 * A merge is a mean over shards: what they agree on is as long as one shard's own way, though as many shards have read
 * as many times its tokens. Momentum over rounds makes the way longer where rounds agree too, and leaves out what they
 * do not agree on (Nesterov's, as between rounds of local training in Douillard et al. 2023). The mean alone has it:
 * the precision says how much was read, and moves as the shards say.
 */
import { arraysFromBytes, arraysToBytes } from "./arrays.ts";

/** Most that a round takes over of the one before: beyond, a run of a few dozen rounds ends in mid-swing. */
const MOST_MOMENTUM = 0.9;

/** 1 − S^(−3/4) of S shards: rounds that agree come S^(3/4) times as far as without. */
export function momentumFor(shards: number): number {
  return Math.min(MOST_MOMENTUM, 1 - 1 / (Math.sqrt(shards) * Math.sqrt(Math.sqrt(shards))));
}

/** Moves `merged` in place. @returns the velocity that the next round takes over */
export function carryOn(
  before: Float32Array,
  merged: Float32Array,
  velocity: Float32Array | null,
  momentum: number,
): Float32Array {
  const next = new Float32Array(merged.length);
  for (let i = 0; i < merged.length; i++) {
    const change = merged[i] - before[i];
    next[i] = momentum * (velocity ? velocity[i] : 0) + change;
    merged[i] = before[i] + (momentum * next[i] + change);
  }
  return next;
}

export function velocityToBytes(velocity: Float32Array): Uint8Array {
  return arraysToBytes(new Map([["velocity", velocity]]));
}

export function velocityFromBytes(bytes: Uint8Array): Float32Array {
  return arraysFromBytes(bytes).arrays.get("velocity")!;
}
