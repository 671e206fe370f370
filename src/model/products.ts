/** @module Matrix products in slices of bounded work, so that a step can be left and resumed in its middle. */
import type { KernelExports } from "../kernels/exports.ts";
import type { MemoryPlan } from "../kernels/memory.ts";

/** Resumable work: yields between slices, returns a result. */
export type Slices<T = void> = Generator<void, T, void>;

/** About 2.5 ms at 40 GFLOP/s. Counted, not timed: edge clocks stand still, and slices must not change with load. */
const SLICE_FLOPS = 1e8;
/** Rows that one slice of a product has at least: fewer would repack panels too often. */
const LEAST_ROWS = 24;

export class Products {
  readonly #k: KernelExports;
  readonly #scratch: number;
  #spent = 0;

  constructor(plan: MemoryPlan) {
    this.#k = plan.instance.exports;
    this.#scratch = plan.words(this.#k.gemmScratchSize() / 4);
  }

  /** Counts work done outside of products; yields when a slice is full. */
  *spend(flops: number): Slices {
    this.#spent += flops;
    if (this.#spent < SLICE_FLOPS) return;
    this.#spent = 0;
    yield;
  }

  /** A small product at once: C[m,n] (+)= A[m,k]·B, B packed. A single row takes the vector kernel. */
  now(m: number, n: number, k: number, a: number, packedB: number, c: number, accumulate: boolean): void {
    if (m === 1) this.#k.gemv(n, k, a, packedB, c, Number(accumulate));
    else this.#k.gemm(m, n, k, a, k, 0, packedB, c, n, Number(accumulate), this.#scratch);
    this.#spent += 2 * m * n * k;
  }

  /** C[m,n] (+)= A·B, B packed; A is [m,k] with stride lda, or [k,m] where `transposed`. */
  *multiply(
    [m, n, k]: readonly [number, number, number],
    a: { at: number; stride: number; transposed?: boolean },
    packedB: number,
    c: { at: number; stride: number; accumulate?: boolean },
  ): Slices {
    const step = Math.max(LEAST_ROWS, Math.floor(SLICE_FLOPS / (2 * n * k)));
    for (let row = 0; row < m; row += step) {
      const rows = Math.min(step, m - row);
      const from = a.at + 4 * row * (a.transposed ? 1 : a.stride);
      this.#k.gemm(
        rows,
        n,
        k,
        from,
        a.stride,
        Number(a.transposed ?? false),
        packedB,
        c.at + 4 * row * c.stride,
        c.stride,
        Number(c.accumulate ?? false),
        this.#scratch,
      );
      yield* this.spend(2 * rows * n * k);
    }
  }
}
