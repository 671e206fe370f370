/** @module The two forms of matrix products, by one set of names: what works with one works with the other. */
import type { KernelExports } from "./generated/signatures.ts";

/**
 * What the products of training are made of: floats, or int16, twice as many in a vector. A row or
 * column of up to 256 numbers is then one float, its step, times numbers of 12 or 13 bits with their signs
 * (assembly/packing16.ts); weights, gradients, cells and losses are floats in both.
 */
export type ProductForm = "float32" | "int16";

/** Rows of a transposed A that are packed at a time: SHORT_ROWS of assembly/gemm.ts. */
export const SHORT_ROWS = 40;

/** Kernels that there are in both. */
export const TWO_FORMS = [
  "packedSize",
  "packColumns",
  "packRows",
  "gemm",
  "gemmPair",
  "recurrentForward",
  "recurrentBackward",
] as const;
export type TwoForms = (typeof TWO_FORMS)[number];

/** What a kernel that has two forms is exported as. */
export function nameInForm<N extends TwoForms>(name: N, form: ProductForm): N | `${N}16` {
  return form === "int16" ? `${name}16` : name;
}

/** The kernels with the products of a form in the places of those of floats. */
export function kernelsOfForm(k: KernelExports, form: ProductForm): KernelExports {
  if (form === "float32") return k;
  return { ...k, ...Object.fromEntries(TWO_FORMS.map((name) => [name, k[nameInForm(name, form)]])) };
}

/** Bytes of a packed matrix of `n` columns before column j of the block of `depth` that begins at k0. */
export function packedOffset(k: KernelExports, n: number, k0: number, j: number, depth: number): number {
  return 4 * (k.packedSize(n, k0) + (j / k.panelColumns()) * k.packedSize(1, depth));
}
