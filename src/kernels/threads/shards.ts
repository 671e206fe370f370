/**
 * @module How each kernel is split over threads: by its outputs, never along a sum, so that no number of threads can
 * change a bit. A sum over a flat array is one of fixed blocks, each added up by itself, then all in their order.
 */
import type { KernelExports } from "../generated/signatures.ts";
import { MOST_RESULTS } from "./control.ts";
import { edge, edges, Parts } from "./parts.ts";
import type { Attachment, ThreadPool } from "./pool.ts";
import { ProductShards } from "./products.ts";
import { type Name, SPLITS, type Split, SUM_BLOCK, SUMS } from "./splits.ts";

/** An instance's kernels, each call of some length done by all threads that are there. */
export class Shards {
  readonly #parts: Parts;
  readonly #own: KernelExports;
  readonly #index: ReadonlyMap<string, number>;

  constructor(pool: ThreadPool, attachment: Attachment, own: KernelExports, names: readonly string[]) {
    this.#parts = new Parts(pool, attachment);
    this.#own = own;
    this.#index = new Map(names.map((name, i) => [name, i]));
  }

  /** Kernels that are not split are the instance's own. */
  get exports(): KernelExports {
    const split: Partial<Record<string, unknown>> = { ...this.#own };
    for (const [name, how] of Object.entries(SPLITS)) split[name] = this.#split(name as Name, how);
    for (const [name, how] of Object.entries(SUMS)) split[name] = this.#sum(name as Name, how, how.combine);
    const rowsOfLosses = split.crossEntropy as KernelExports["crossEntropy"];
    const shared: Partial<KernelExports> = {
      scatterAddRows: (table, from, ids, count, width) =>
        (split as unknown as KernelExports).scatterAddColumns(table, from, ids, count, width, width),
      crossEntropy: (...args) => {
        rowsOfLosses(...args);
        return this.#total(args[3], args[4]);
      },
    };
    const all = Object.assign(split, shared) as unknown as KernelExports;
    new ProductShards(this.#parts, this.#own, this.#index).join(all);
    return all;
  }

  /** The sum of losses as the kernel adds them up: in double precision, one row after another. */
  #total(nll: number, rows: number): number {
    const losses = new Float32Array(this.#own.memory.buffer, nll, rows);
    let total = 0;
    for (let r = 0; r < rows; r++) total += losses[r];
    return total;
  }

  #split(name: Name, { count, granule, strides, cost }: Split): (...args: number[]) => void {
    const kernel = this.#index.get(name)!;
    const own = this.#own[name] as (...args: number[]) => void;
    return (...args) => {
      const size = args[count];
      const by = granule(args);
      const parts = this.#parts.of(size * cost(args), Math.ceil(size / by));
      if (parts === 1) return own(...args);
      const units = { kernel, args, moves: strides(args), count, own: -1, apart: 0 };
      this.#parts.share(units, parts, edges(parts, size, by, cost(args)));
    };
  }

  /** Blocks of a sum in rounds of what the results have room for, combined in the order of the blocks. */
  #sum(
    name: Name,
    { count, strides, cost }: Split,
    combine: (a: number, b: number) => number,
  ): (...args: number[]) => number {
    const kernel = this.#index.get(name)!;
    const own = this.#own[name] as (...args: number[]) => number;
    return (...args) => {
      const size = args[count];
      const blocks = Math.ceil(size / SUM_BLOCK);
      if (this.#parts.of(size * cost(args), blocks) === 1) return own(...args);
      const moves = args.map((_, i) => SUM_BLOCK * (strides(args)[i] ?? 0));
      let total: number | null = null;
      for (let first = 0; first < blocks; ) {
        const round = Math.min(blocks - first, MOST_RESULTS);
        const parts = this.#parts.of(SUM_BLOCK * round * cost(args), round);
        for (let p = 0; p < parts; p++) {
          const from = first + edge(p, parts, round, 1);
          const to = first + edge(p + 1, parts, round, 1);
          const task = this.#parts.begin(p);
          const whole = Math.min(to, blocks - 1);
          const at = (block: number, elements: number) =>
            args.map((value, i) => (i === count ? elements : value + block * moves[i]));
          if (whole > from) task.repeat(kernel, at(from, SUM_BLOCK), whole - from, moves, true);
          if (to === blocks) task.repeat(kernel, at(to - 1, size - (to - 1) * SUM_BLOCK), 1, moves, true);
        }
        this.#parts.run(parts);
        for (let p = 0; p < parts; p++) {
          const results = this.#parts.resultsOf(p);
          const found = edge(p + 1, parts, round, 1) - edge(p, parts, round, 1);
          for (let i = 0; i < found; i++) total = total === null ? results[i] : combine(total, results[i]);
        }
        first += round;
      }
      return total ?? own(...args);
    };
  }
}
