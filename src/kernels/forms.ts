/** @module The two forms of matrix products, by one set of names: what works with one works with the other. */
import type { KernelExports } from "./exports.ts";

/**
 * What the products of training are made of: floats, or whole numbers of 16 bits, twice as many in a vector. A row or
 * column of up to 256 numbers is then one float, its step, times numbers of 12 or 13 bits with their signs
 * (assembly/packing16.ts); weights, gradients, cells and losses are floats in both.
 */
export type ProductForm = "float32" | "int16";

/** The kernels with the products of a form in the places of those of floats. */
export function kernelsOfForm(k: KernelExports, form: ProductForm): KernelExports {
  if (form === "float32") return k;
  return {
    ...k,
    packedSize: k.packedSize16,
    packColumns: k.packColumns16,
    packRows: k.packRows16,
    gemm: k.gemm16,
    gemmPair: k.gemmPair16,
    recurrentForward: k.recurrentForward16,
    recurrentBackward: k.recurrentBackward16,
  };
}
