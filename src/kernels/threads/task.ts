/**
 * @module A task: kernel calls as numbers, since that is all that shared memory holds.
 *
 * [instance, calls, then of each: kernel, arguments, repeats, kept, the arguments, and where it repeats how much each
 * of them moves from one repeat to the next]. `kept` is 1 where the results are wanted, in order.
 */

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

/** Does a task; `results` receives what its calls return, where that is kept. */
export function execute(kernels: readonly Kernel[], words: Float64Array, results: Float64Array): void {
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
