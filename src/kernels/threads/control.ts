/**
 * @module The memory that the coordinator and its threads speak through, apart from any instance's own.
 *
 * A thread has 32 words of signals, a task (a list of kernel calls), the results of its sums, and a text for what
 * went wrong. A task passes from one side to the other by its state alone: the coordinator writes it while IDLE and
 * sets PENDING; whoever turns PENDING into RUNNING does it, so that a thread which sleeps holds nobody up. Pieces of
 * one call are common to all: written by the coordinator while no thread is RUNNING, and taken by counting up.
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

const SIGNAL_BYTES = 128;
/** Three calls of eighteen arguments with their strides are the longest task. */
const TASK_LENGTH = 240;
/** Blocks of a sum that one task may add up. */
export const MOST_RESULTS = 2048;
const FAILURE_CHARACTERS = 256;
/** Pieces that a call is cut into at most. */
export const MOST_PIECES = 2048;
/** Of these, what a call of 24 arguments and its pieces need: task.ts. */
const PIECES_LENGTH = 6 + 2 * 24 + MOST_PIECES + 1;
const BYTES = SIGNAL_BYTES + 8 * (TASK_LENGTH + MOST_RESULTS) + 2 * FAILURE_CHARACTERS;

export interface Channel {
  readonly signals: Int32Array;
  readonly task: Float64Array;
  readonly results: Float64Array;
  readonly failure: Uint16Array;
}

/** A call cut into pieces. */
export interface Pieces {
  /** One word: the first piece that nobody has taken. */
  readonly next: Int32Array;
  readonly words: Float64Array;
}

export function controlOf(threads: number): SharedArrayBuffer {
  return new SharedArrayBuffer(threads * BYTES + SIGNAL_BYTES + 8 * PIECES_LENGTH);
}

export function piecesOf(control: SharedArrayBuffer): Pieces {
  const words = control.byteLength - 8 * PIECES_LENGTH;
  return {
    next: new Int32Array(control, words - SIGNAL_BYTES, 1),
    words: new Float64Array(control, words, PIECES_LENGTH),
  };
}

export function channelOf(control: SharedArrayBuffer, thread: number): Channel {
  const at = thread * BYTES;
  const results = at + SIGNAL_BYTES + 8 * TASK_LENGTH;
  return {
    signals: new Int32Array(control, at, SIGNAL_BYTES / 4),
    task: new Float64Array(control, at + SIGNAL_BYTES, TASK_LENGTH),
    results: new Float64Array(control, results, MOST_RESULTS),
    failure: new Uint16Array(control, results + 8 * MOST_RESULTS, FAILURE_CHARACTERS),
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
  | { readonly kind: "attach"; readonly id: number; readonly memory: WebAssembly.Memory }
  | { readonly kind: "detach"; readonly id: number };
