/** @module Matrix products, and the packing before them, in slices of bounded work. */

import { kernelsOfForm, type ProductForm, packedOffset, SHORT_ROWS } from "../kernels/forms.ts";
import type { KernelExports } from "../kernels/generated/signatures.ts";
import type { MemoryPlan } from "../kernels/memory.ts";
import { PART, type Slices, sliceOf, Work } from "./work.ts";

export type { Slices } from "./work.ts";

/** Rows that one slice of a product has at least: fewer would read B too often. The kernel takes five at a time. */
const LEAST_ROWS = 25;
/** Floats of B, 1 MiB, that all slices of rows find in a near cache. */
const NEAR = 2 ** 18;
/** Operations that take as long as packing one element. */
const PACKING = 60;

/** Rows and columns of a product, and its depth. */
export type Shape = readonly [m: number, n: number, k: number];

interface Left {
  readonly at: number;
  readonly stride: number;
  readonly transposed?: boolean;
}

/** A packed B, and where the product with it goes. */
interface Factor {
  readonly packed: number;
  readonly columns: number;
  readonly to: number;
}

interface Result {
  readonly at: number;
  readonly stride: number;
  readonly accumulate?: boolean;
}

export class Products extends Work {
  readonly #plan: MemoryPlan;
  /** All kernels, the products in this one's form. */
  readonly kernels: KernelExports;
  readonly form: ProductForm;
  /** What a product needs for itself, for kernels that make some on the way. */
  readonly scratch: number;
  /** Columns of a packed panel, and depth of a block of panels. */
  readonly #columns: number;
  readonly #depth: number;

  constructor(plan: MemoryPlan, form: ProductForm = "float32") {
    super(sliceOf(plan.instance));
    this.#plan = plan;
    this.form = form;
    this.kernels = kernelsOfForm(plan.instance.exports, form);
    this.scratch = plan.words(this.kernels.gemmScratchSize() / 4);
    this.#columns = this.kernels.panelColumns();
    this.#depth = this.kernels.blockDepth();
  }

  /** Room for a packed B[k,n], or for a smaller one. */
  planPacked(n: number, k: number): number {
    return this.#plan.words(this.kernels.packedSize(n, k) + 16);
  }

  /** C[m,n] (+)= A·B, B packed; A is [m,k] with stride lda, or [k,m] where `transposed`. */
  *multiply([m, n, k]: Shape, a: Left, packedB: number, c: Result): Slices {
    const flops = 2 * m * n * k;
    if (flops <= this.slice) {
      this.#gemm(m, n, k, a, packedB, c);
      yield* this.spend(flops);
      return;
    }
    if (this.#wide(m, n, k, a)) {
      yield* this.#blocks(m, n, k, a, packedB, c);
      return;
    }
    const step = a.transposed
      ? this.#shortRows(n, k)
      : Math.max(LEAST_ROWS, 5 * Math.floor(this.slice / (10 * n * k)));
    for (let row = 0; row < m; row += step) {
      const rows = Math.min(step, m - row);
      const from = { ...a, at: a.at + 4 * row * (a.transposed ? 1 : a.stride) };
      const to = { ...c, at: c.at + 4 * row * c.stride };
      if (2 * rows * n * k <= 2 * this.slice) {
        this.#gemm(rows, n, k, from, packedB, to);
        yield* this.spend(2 * rows * n * k);
      } else yield* this.#blocks(rows, n, k, from, packedB, to);
    }
  }

  /** Rows of a transposed A that make a slice. */
  #shortRows(n: number, k: number): number {
    return SHORT_ROWS * Math.max(1, Math.round(this.slice / (2 * SHORT_ROWS * n * k)));
  }

  /**
   * Aᵀ·B for two B, each of the width of its result, and one A[k,m], which is packed once where slices of rows serve.
   */
  *multiplyPair([m, k]: readonly [number, number], a: Left, first: Factor, second: Factor): Slices {
    const n = first.columns + second.columns;
    if (2 * SHORT_ROWS * n * k > 2 * this.slice) {
      for (const { packed, columns, to } of [first, second])
        yield* this.multiply([m, columns, k], a, packed, { at: to, stride: columns });
      return;
    }
    const step = this.#shortRows(n, k);
    for (let row = 0; row < m; row += step) {
      const rows = Math.min(step, m - row);
      const of = ({ packed, columns, to }: Factor) =>
        [columns, packed, to + 4 * row * columns, columns] as const;
      this.kernels.gemmPair(rows, k, a.at + 4 * row, a.stride, ...of(first), ...of(second), this.scratch);
      yield* this.spend(2 * rows * n * k);
    }
  }

  /**
   * Whether slices of rows would read a large B again and again, where blocks of it read it once. Columns of a
   * transposed A are packed anew for each block: rows are better where B is small.
   */
  #wide(m: number, n: number, k: number, { transposed }: Left): boolean {
    if (transposed && k * n <= NEAR) return false;
    return k > this.#depth ? 3 * this.slice >= 4 * m * n * this.#depth : n > 4 * m;
  }

  /**
   * A product whose fewest rows are too much for a slice, or that is wide: block by block of the depth, as the
   * kernel itself goes, and in groups of panels within a block; several blocks at once where they are small. Every
   * element is the same chain of sums.
   */
  *#blocks(rows: number, n: number, k: number, a: Left, packedB: number, c: Result): Slices {
    const panels = Math.max(1, Math.floor(this.slice / (2 * rows * this.#depth * this.#columns)));
    const whole = panels * this.#columns >= n;
    const most = whole
      ? this.#depth * Math.max(1, Math.floor(this.slice / (2 * rows * n * this.#depth)))
      : this.#depth;
    for (let k0 = 0; k0 < k; k0 += most) {
      const depth = Math.min(most, k - k0);
      const from = { ...a, at: a.at + 4 * k0 * (a.transposed ? a.stride : 1) };
      const accumulate = c.accumulate || k0 > 0;
      for (let j = 0; j < n; j += panels * this.#columns) {
        const columns = Math.min(panels * this.#columns, n - j);
        const to = { ...c, at: c.at + 4 * j, accumulate };
        this.#gemm(rows, columns, depth, from, packedB + packedOffset(this.kernels, n, k0, j, depth), to);
        yield* this.spend(2 * rows * columns * depth);
      }
    }
  }

  /** A single row of floats takes the vector kernel. */
  #gemm(m: number, n: number, k: number, a: Left, packedB: number, c: Result): void {
    const accumulate = Number(c.accumulate ?? false);
    if (m === 1 && !a.transposed && this.form === "float32")
      this.kernels.gemv(n, k, a.at, packedB, c.at, accumulate);
    else {
      const transposed = Number(a.transposed ?? false);
      this.kernels.gemm(
        m,
        n,
        k,
        a.at,
        a.stride,
        transposed,
        packedB,
        c.at,
        c.stride,
        accumulate,
        this.scratch,
      );
    }
  }

  /** Packs B[k,n], row-major with stride `stride`. */
  *packColumns(packed: number, b: number, stride: number, k: number, n: number): Slices {
    yield* this.#pack(packed, k, n, (to, k0, depth, j, columns) => {
      this.kernels.packColumns(to, b + 4 * (k0 * stride + j), stride, depth, columns);
    });
  }

  /** Packs Bᵀ, B[n,k] row-major with stride `stride`. */
  *packRows(packed: number, b: number, stride: number, k: number, n: number): Slices {
    yield* this.#pack(packed, k, n, (to, k0, depth, j, columns) => {
      this.kernels.packRows(to, b + 4 * (j * stride + k0), stride, depth, columns);
    });
  }

  /** At once where it is little; else by blocks of the depth and groups of panels, as the panels lie. */
  *#pack(
    packed: number,
    k: number,
    n: number,
    visit: (to: number, k0: number, depth: number, j: number, columns: number) => void,
  ): Slices {
    if (k * n <= PART) {
      visit(packed, 0, k, 0, n);
      yield* this.spend(PACKING * k * n);
      return;
    }
    const group = this.#columns * Math.max(1, Math.floor(PART / (this.#depth * this.#columns)));
    for (let k0 = 0; k0 < k; k0 += this.#depth) {
      const depth = Math.min(this.#depth, k - k0);
      for (let j = 0; j < n; j += group) {
        const columns = Math.min(group, n - j);
        visit(packed + packedOffset(this.kernels, n, k0, j, depth), k0, depth, j, columns);
        yield* this.spend(PACKING * depth * columns);
      }
    }
  }
}
