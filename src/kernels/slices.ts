/** @module Runs sliced work to its end, giving the host a turn between slices. */

/** Milliseconds without a frame after which a page is left alone until it has had one. */
const LATE = 20;
/** Milliseconds after which a page that was left alone is taken not to be shown, and for how long. */
const NOT_SHOWN = 60;
const UNWATCHED = 1000;

/**
 * A macrotask: timers, input, signals and repaints come before it resolves, which awaited microtasks never allow.
 * setImmediate where the host has it; elsewhere a MessageChannel, since timers are held back in pages; a timer
 * where there is neither, as in edge-runtime.
 */
export const pause: () => Promise<void> =
  typeof setImmediate === "function" ? () => new Promise((resolve) => setImmediate(resolve)) : messages();

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

function messages(): () => Promise<void> {
  if (typeof MessageChannel !== "function") return () => new Promise((resolve) => setTimeout(resolve));
  if (typeof document === "object") {
    const message = messagesOfOneChannel();
    const frame = framesInTime();
    return () => frame()?.then(message) ?? message();
  }
  // An open channel would keep other hosts' scripts and requests from ending.
  return "DedicatedWorkerGlobalScope" in globalThis ? messagesOfOneChannel() : messageOfItsOwn;
}

function messagesOfOneChannel(): () => Promise<void> {
  const { port1, port2 } = new MessageChannel();
  const waiting: (() => void)[] = [];
  port1.onmessage = () => waiting.shift()!();
  return () =>
    new Promise((resolve) => {
      waiting.push(resolve);
      port2.postMessage(null);
    });
}

function messageOfItsOwn(): Promise<void> {
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
 * Frames where none has come for a while, else nothing. Firefox puts a frame off up to four times while a task is
 * waiting, and between slices one always is: only where none is does the frame come, then at once.
 */
function framesInTime(): () => Promise<void> | undefined {
  let last = Number.NEGATIVE_INFINITY;
  let asked = 0;
  let watching = false;
  let blindUntil = 0;
  let waiting: (() => void)[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  const release = () => {
    clearTimeout(timer);
    for (const resolve of waiting) resolve();
    waiting = [];
  };
  const frame = () => {
    last = performance.now();
    release();
    watching = last - asked < UNWATCHED;
    if (watching) requestAnimationFrame(frame);
  };
  const giveUp = () => {
    blindUntil = performance.now() + UNWATCHED;
    release();
  };
  return () => {
    asked = performance.now();
    if (!watching) {
      watching = true;
      last = asked;
      requestAnimationFrame(frame);
    }
    if (asked - last < LATE || asked < blindUntil || document.visibilityState !== "visible") return undefined;
    return new Promise((resolve) => {
      // A frame that is out of sight may never come.
      if (waiting.push(resolve) === 1) timer = setTimeout(giveUp, NOT_SHOWN);
    });
  };
}
