/** @module Matrix products of one form on a tape, with the packing before them and the rows around them. */
import type { Address } from "../kernels/address.ts";
import { SHORT_ROWS, SLICE } from "../kernels/cuts.ts";
import { FORM, type ProductForm } from "../kernels/forms.ts";
import type { Signatures } from "../kernels/generated/signatures.ts";
import type { MemoryPlan } from "../kernels/memory.ts";
import type { Tape } from "../kernels/tape.ts";

/** Floating-point operations of a slice. */
const SLICE_FLOPS = 40 * SLICE;

/** Rows and columns of a product, and its depth. */
export type Shape = readonly [m: number, n: number, k: number];

interface Left {
  readonly at: Address;
  readonly stride: number;
  readonly transposed?: boolean;
}

/** A packed B, and where the product with it goes. */
interface Factor {
  readonly packed: Address;
  readonly columns: number;
  readonly to: Address;
}

interface Result {
  readonly at: Address;
  readonly stride: number;
  readonly accumulate?: boolean;
}

export class Products {
  readonly tape: Tape;
  readonly form: ProductForm;
  readonly #plan: MemoryPlan;
  readonly #scratch: Address;

  constructor(tape: Tape, plan: MemoryPlan, form: ProductForm = "float32") {
    this.tape = tape;
    this.form = form;
    this.#plan = plan;
    this.#scratch = plan.words(plan.instance.exports.gemmScratchSize() / 4);
  }

  /** Room for a packed B[k,n], or for a smaller one. */
  planPacked(n: number, k: number): Address {
    return this.#plan.words(this.#plan.instance.exports.packedSize(n, k, FORM[this.form]) + 16);
  }

  /** C[m,n] (+)= A·B, B packed; A is [m,k] with stride lda, or [k,m] where `transposed`. */
  gemm([m, n, k]: Shape, a: Left, packedB: Address, c: Result): Signatures["gemm"] {
    return {
      m,
      n,
      k,
      a: a.at,
      lda: a.stride,
      transposed: a.transposed ?? false,
      packedB,
      c: c.at,
      ldc: c.stride,
      accumulate: c.accumulate ?? false,
      scratch: this.#scratch,
      form: FORM[this.form],
      first: 0,
      width: n,
    };
  }

  multiply(shape: Shape, a: Left, packedB: Address, c: Result): void {
    this.tape.k.gemm(this.gemm(shape, a, packedB, c));
  }

  /** Aᵀ·B for two B and one A[k,m], which is packed once; two products where forty rows are more than a slice. */
  multiplyPair([m, k]: readonly [number, number], a: Left, one: Factor, two: Factor): void {
    if (SHORT_ROWS * (one.columns + two.columns) * k > SLICE_FLOPS) {
      for (const { packed, columns, to } of [one, two])
        this.multiply([m, columns, k], { ...a, transposed: true }, packed, { at: to, stride: columns });
      return;
    }
    this.tape.k.gemmPair({
      m,
      k,
      a: a.at,
      lda: a.stride,
      n: one.columns,
      packedB: one.packed,
      c: one.to,
      ldc: one.columns,
      n2: two.columns,
      packedB2: two.packed,
      c2: two.to,
      ldc2: two.columns,
      scratch: this.#scratch,
      form: FORM[this.form],
    });
  }

  /** Packs B[k,n], row-major. */
  packColumns(packed: Address, b: Address, k: number, n: number): void {
    this.tape.k.packColumns({ packed, b, ldb: n, k, n, form: FORM[this.form], first: 0, width: n });
  }

  /** Packs Bᵀ, B[n,k] row-major. */
  packRows(packed: Address, b: Address, k: number, n: number): void {
    this.tape.k.packRows({ packed, b, ldb: k, k, n, form: FORM[this.form], first: 0, width: n });
  }
}
