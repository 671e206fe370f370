/** @module Runs sliced work to its end, giving the host a turn between slices. */

/**
 * A macrotask: timers, input, signals and repaints come before it resolves, which awaited microtasks never allow.
 * setImmediate where the host has it; elsewhere a MessageChannel, since timers are held back in pages; a timer
 * where there is neither, as in edge-runtime.
 */
export const pause: () => Promise<void> =
  typeof setImmediate === "function"
    ? () => new Promise((resolve) => setImmediate(resolve))
    : typeof MessageChannel === "function"
      ? message
      : () => new Promise((resolve) => setTimeout(resolve));

function message(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}

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
