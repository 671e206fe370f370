/**
 * @module A task: kernel calls as numbers, since that is all that shared memory holds.
 *
 * [instance, calls, then of each: kernel, arguments, repeats, kept, the arguments, and where it repeats how much each
 * of them moves from one repeat to the next]. `kept` is 1 where the results are wanted, in order. A task without calls
 * has the number of a part instead, whose pieces of the common call it does, and then any that nobody has taken.
 */
import type { Pieces } from "./control.ts";

// biome-ignore lint/suspicious/noExplicitAny: kernels of every signature
export type Kernel = (...args: any[]) => any;

/** In an order that all instances of a module share: a kernel's number is its place. */
export function kernelNames(module: WebAssembly.Module): string[] {
  return WebAssembly.Module.exports(module)
    .filter(({ kind }) => kind === "function")
    .map(({ name }) => name)
    .sort();
}

const HEAD = 4;
const argumentLists: number[][] = Array.from({ length: 24 }, (_, count) => new Array<number>(count).fill(0));

/** Writes a task in place. */
export class Task {
  readonly words: Float64Array;
  #end = 2;

  constructor(words: Float64Array) {
    this.words = words;
  }

  begin(instance: number): void {
    this.words[0] = instance;
    this.words[1] = 0;
    this.#end = 2;
  }

  /** Pieces of the common call, beginning with that of part `part`. */
  share(instance: number, part: number): void {
    this.begin(instance);
    this.words[2] = part;
  }

  call(kernel: number, args: readonly number[]): void {
    this.#write(kernel, args, 1, 0);
  }

  /** As many calls, whose arguments move by `moves` from one to the next. */
  repeat(
    kernel: number,
    args: readonly number[],
    repeats: number,
    moves: readonly number[],
    kept = false,
  ): void {
    this.#write(kernel, args, repeats, Number(kept));
    if (repeats === 1) return;
    this.words.set(moves, this.#end);
    this.#end += moves.length;
  }

  #write(kernel: number, args: readonly number[], repeats: number, kept: number): void {
    const { words } = this;
    const at = this.#end;
    words[at] = kernel;
    words[at + 1] = args.length;
    words[at + 2] = repeats;
    words[at + 3] = kept;
    for (let i = 0; i < args.length; i++) words[at + HEAD + i] = args[i];
    this.#end = at + HEAD + args.length;
    words[1]++;
  }
}

/**
 * Where the words of pieces are: [kernel, which argument counts the units, which is each part's own (or -1), how far
 * apart these are, arguments, pieces, the arguments, how much each moves from one unit to the next, ..., and the unit
 * at which every piece begins].
 */
const ARGUMENTS = 6;
const EDGES = ARGUMENTS + 2 * 24;

/** A call that is independent for each of its units, such as rows. */
export interface Units {
  readonly kernel: number;
  readonly args: readonly number[];
  /** How much each argument moves from one unit to the next; none where there is no number. */
  readonly moves: readonly number[];
  /** Which argument counts the units. */
  readonly count: number;
  /** Which argument is an address of each part's own, and how far apart these are; -1 for none. */
  readonly own: number;
  readonly apart: number;
}

/** Writes a call, of which the first pieces belong to a part each; piece i begins at unit `edges[i]`. */
export function writePieces(
  { next, words }: Pieces,
  units: Units,
  parts: number,
  edges: readonly number[],
): void {
  const { args, moves } = units;
  words[0] = units.kernel;
  words[1] = units.count;
  words[2] = units.own;
  words[3] = units.apart;
  words[4] = args.length;
  words[5] = edges.length - 1;
  for (let i = 0; i < args.length; i++) {
    words[ARGUMENTS + i] = args[i];
    words[ARGUMENTS + args.length + i] = moves[i] ?? 0;
  }
  for (let i = 0; i < edges.length; i++) words[EDGES + i] = edges[i];
  Atomics.store(next, 0, parts);
}

function executePieces(kernels: readonly Kernel[], { next, words }: Pieces, part: number): void {
  const kernel = kernels[words[0]];
  const own = words[2];
  const count = words[4];
  const pieces = words[5];
  const args = argumentLists[count];
  for (let piece = part; piece < pieces; piece = Atomics.add(next, 0, 1)) {
    const from = words[EDGES + piece];
    for (let i = 0; i < count; i++) args[i] = words[ARGUMENTS + i] + from * words[ARGUMENTS + count + i];
    args[words[1]] = words[EDGES + piece + 1] - from;
    if (own >= 0) args[own] += part * words[3];
    kernel.apply(undefined, args);
  }
}

/** Does a task; `results` receives what its calls return, where that is kept. */
export function execute(
  kernels: readonly Kernel[],
  words: Float64Array,
  results: Float64Array,
  pieces: Pieces,
): void {
  if (words[1] === 0) {
    executePieces(kernels, pieces, words[2]);
    return;
  }
  let at = 2;
  let result = 0;
  for (let calls = words[1]; calls > 0; calls--) {
    const kernel = kernels[words[at]];
    const count = words[at + 1];
    const repeats = words[at + 2];
    const kept = words[at + 3];
    const args = argumentLists[count];
    at += HEAD;
    for (let i = 0; i < count; i++) args[i] = words[at + i];
    at += count;
    for (let left = repeats; ; ) {
      const value = kernel.apply(undefined, args);
      if (kept) results[result++] = value;
      if (--left === 0) break;
      for (let i = 0; i < count; i++) args[i] += words[at + i];
    }
    if (repeats > 1) at += count;
  }
}
