/** @module Runs sliced work to its end, giving the host a turn between slices. */
import { pause } from "../pause.ts";

/**
 * Does the work, with a pause after every slice.
 * @throws the signal's reason, before a slice
 */
export async function drive<T>(work: Generator<unknown, T, void>, signal?: AbortSignal): Promise<T> {
  for (;;) {
    // Before every slice: a step that is done within one must not begin either.
    signal?.throwIfAborted();
    const { done, value } = work.next();
    if (done) return value;
    await pause();
  }
}
