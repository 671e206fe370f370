/** @module Work in slices of bounded size, so that a step can be left and resumed in its middle. */

import type { KernelInstance } from "../kernels/instance.ts";
import { finish, type Slices } from "../kernels/tape.ts";

/** Resumable work: yields between slices, returns a result. */
export { finish, type Slices };

/** About 2.5 ms at 40 GFLOP/s. Counted, not timed: edge clocks stand still, and slices must not change with load. */
export const SLICE_FLOPS = 1e8;
/** Elements that one pass over a flat vector takes at a time: a multiple of 16 (draws) and of 4096 (sums). */
export const PART = 2 ** 19;

/**
 * Several threads are done with twice as much as soon, and half as many pauses, in which all but one stand idle.
 * No more than twice: they may all be busy elsewhere.
 */
export function sliceOf(instance: KernelInstance): number {
  return instance.threads > 1 ? 2 * SLICE_FLOPS : SLICE_FLOPS;
}

/** Counts what has been done since the last yield; a pass over memory counts as what it could have computed. */
export class Work {
  /** Operations between two places to stop in. */
  readonly slice: number;
  #spent = 0;

  constructor(slice = SLICE_FLOPS) {
    this.slice = slice;
  }

  /** Counts work without a place to stop in. */
  add(flops: number): void {
    this.#spent += flops;
  }

  /** Counts work; yields when a slice is full. */
  *spend(flops: number): Slices {
    this.#spent += flops;
    if (this.#spent < this.slice) return;
    this.#spent = 0;
    yield;
  }

  /**
   * Visits `count` units in parts of `size` units at most, with room to stop between them.
   * @param cost of a unit, in floating-point operations that take as long
   */
  *parts(count: number, size: number, cost: number, visit: (from: number, size: number) => void): Slices {
    for (let from = 0; from < count; from += size) {
      const part = Math.min(size, count - from);
      visit(from, part);
      yield* this.spend(cost * part);
    }
  }
}

/** No work: the result is there. */
// biome-ignore lint/correctness/useYield: there is nothing to stop in.
export function* ready<T>(value: T): Slices<T> {
  return value;
}

/** Units of `each` elements that make a part of a vector; at least one. */
export function unitsOfPart(each: number): number {
  return Math.max(1, Math.floor(PART / each));
}
