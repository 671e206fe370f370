/**
 * @module The memory that the coordinator and its threads speak through, apart from any instance's own.
 *
 * A thread has 32 words of signals and a text for what went wrong; the job at hand and the results of sums are common to
 * all. A part of it passes from one side to the other by the thread's state alone: the coordinator writes the job while
 * all are IDLE, and sets PENDING; whoever turns PENDING into RUNNING does it, so that a thread which sleeps holds nobody
 * up. Pieces of a job are taken by counting up.
 */

/** Words of a thread's signals. */
export const STATE = 0;
/** Messages sent to the thread, and how many of them it has taken. */
export const POSTED = 1;
export const TAKEN = 2;
/** 1 while the thread waits for the bell, which is rung by counting it up. */
export const ASLEEP = 3;
export const BELL = 4;
/** 1 while the coordinator waits for the state to change. */
export const AWAITED = 5;
export const FAILURE_LENGTH = 6;
/** Counted up whenever the thread begins to watch: a sign of life. */
export const PULSE = 7;

export const IDLE = 0;
export const PENDING = 1;
export const RUNNING = 2;
export const FAILED = 3;

/** Which part of the job is the thread's own. */
export const OWN_PART = 8;

const SIGNAL_BYTES = 128;
const FAILURE_CHARACTERS = 256;
const BYTES = SIGNAL_BYTES + 2 * FAILURE_CHARACTERS;
/** Blocks of a sum that one job may add up. */
export const MOST_RESULTS = 2048;
/** Pieces that a job is cut into at most. */
export const MOST_PIECES = 2048;
/** Words of a job: seven calls of eighteen arguments with their moves, and its pieces: job.ts. */
const JOB_LENGTH = 512 + MOST_PIECES + 1;
const COMMON_BYTES = SIGNAL_BYTES + 8 * (JOB_LENGTH + MOST_RESULTS);

export interface Channel {
  readonly signals: Int32Array;
  readonly failure: Uint16Array;
}

/** What all threads have in common. */
export interface Job {
  /** One word: the first piece that nobody has taken. */
  readonly next: Int32Array;
  readonly words: Float64Array;
  readonly results: Float64Array;
}

export function controlOf(threads: number): SharedArrayBuffer {
  return new SharedArrayBuffer(threads * BYTES + COMMON_BYTES);
}

export function jobOf(control: SharedArrayBuffer): Job {
  const at = control.byteLength - COMMON_BYTES;
  return {
    next: new Int32Array(control, at, 1),
    words: new Float64Array(control, at + SIGNAL_BYTES, JOB_LENGTH),
    results: new Float64Array(control, at + SIGNAL_BYTES + 8 * JOB_LENGTH, MOST_RESULTS),
  };
}

export function channelOf(control: SharedArrayBuffer, thread: number): Channel {
  const at = thread * BYTES;
  return {
    signals: new Int32Array(control, at, SIGNAL_BYTES / 4),
    failure: new Uint16Array(control, at + SIGNAL_BYTES, FAILURE_CHARACTERS),
  };
}

export function writeFailure({ signals, failure }: Channel, text: string): void {
  const length = Math.min(text.length, failure.length);
  for (let i = 0; i < length; i++) failure[i] = text.charCodeAt(i);
  Atomics.store(signals, FAILURE_LENGTH, length);
}

export function readFailure({ signals, failure }: Channel): string {
  return String.fromCharCode(...failure.subarray(0, Atomics.load(signals, FAILURE_LENGTH)));
}

/** What the coordinator posts; a thread takes messages only while it is in its event loop. */
export type Message =
  | {
      readonly kind: "start";
      readonly control: SharedArrayBuffer;
      readonly thread: number;
      readonly module: WebAssembly.Module;
    }
  | {
      readonly kind: "attach";
      readonly id: number;
      readonly memory: WebAssembly.Memory;
      readonly wide: boolean;
    }
  | { readonly kind: "detach"; readonly id: number };
