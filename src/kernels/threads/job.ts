/**
 * @module A job: kernel calls as numbers, since that is all that shared memory holds.
 *
 * [instance, turns, calls, pieces, units, elements of a sum's block or 0, where the edges are, then of each call: kernel,
 * arguments, which of them counts the units, which is each part's own (or -1), how far apart these are, the arguments,
 * how much each moves from one unit to the next, and from one turn to the next; at last the unit at which every piece
 * begins]. The first pieces belong to a part each; the others are taken by whoever is early.
 */
import type { Job } from "./control.ts";

// biome-ignore lint/suspicious/noExplicitAny: kernels of every signature
export type KernelFunction = (...args: any[]) => any;

/** In an order that all instances of a module share: a kernel's number is its place. */
export function kernelNames(module: WebAssembly.Module): string[] {
  return WebAssembly.Module.exports(module)
    .filter(({ kind }) => kind === "function")
    .map(({ name }) => name)
    .sort();
}

/** A call that is independent for each of its units, such as rows. */
export interface Units {
  readonly kernel: number;
  readonly args: readonly number[];
  /** Which argument counts the units. */
  readonly count: number;
  /** Which argument is an address of each part's own, and how far apart these are; -1 for none. */
  readonly own: number;
  readonly apart: number;
  /** How much each argument moves from one unit to the next, and from one turn to the next. */
  readonly moves: readonly number[];
  readonly turns: readonly number[];
}

const HEAD = 7;
const CALL = 5;
const argumentLists: number[][] = Array.from({ length: 24 }, (_, count) => new Array<number>(count).fill(0));

/** Writes calls that are made `turns` times; piece i begins at unit `edges[i]`, the last edge is the end. */
export function writeJob(
  { next, words }: Job,
  instance: number,
  calls: readonly Units[],
  { turns, parts, edges, block }: JobShape,
): void {
  words.set([instance, turns, calls.length, edges.length - 1, edges.at(-1)!, block]);
  let at = HEAD;
  for (const { kernel, args, count, own, apart, moves, turns: ahead } of calls) {
    words.set([kernel, args.length, count, own, apart, ...args, ...moves, ...ahead], at);
    at += CALL + 3 * args.length;
  }
  words[6] = at;
  words.set(edges, at);
  Atomics.store(next, 0, parts);
}

export interface JobShape {
  readonly turns: number;
  readonly parts: number;
  readonly edges: readonly number[];
  /** Units of a sum's block, each of which leaves a result; 0 where nothing is summed. */
  readonly block: number;
}

/** Does a part of a job, and then pieces that nobody has taken. */
export function execute(
  kernels: readonly KernelFunction[],
  { next, words, results }: Job,
  part: number,
): void {
  const [, turns, calls, pieces, , block, edges] = words;
  for (let piece = part; piece < pieces; piece = Atomics.add(next, 0, 1)) {
    const from = words[edges + piece];
    const to = words[edges + piece + 1];
    if (block > 0)
      for (let at = from; at < to; at += block)
        results[at / block] = call(kernels, words, HEAD, part, at, Math.min(block, to - at), 0);
    else
      for (let turn = 0; turn < turns; turn++) {
        let at = HEAD;
        for (let c = 0; c < calls; c++) {
          call(kernels, words, at, part, from, to - from, turn);
          at += CALL + 3 * words[at + 1];
        }
      }
  }
}

function call(
  kernels: readonly KernelFunction[],
  words: Float64Array,
  at: number,
  part: number,
  from: number,
  units: number,
  turn: number,
): number {
  const count = words[at + 1];
  const args = argumentLists[count];
  const first = at + CALL;
  const moves = first + count;
  const ahead = moves + count;
  for (let i = 0; i < count; i++)
    args[i] = words[first + i] + from * words[moves + i] + turn * words[ahead + i];
  args[words[at + 2]] = units;
  const own = words[at + 3];
  if (own >= 0) args[own] += part * words[at + 4];
  return kernels[words[at]](...args);
}
