/** @module The two forms of matrix products. */

/**
 * What the products of training are made of: floats, or int16, twice as many in a vector. A row or column
 * of up to 256 numbers is then one float, its scale, times numbers of 12 or 13 bits with their signs
 * (assembly/packing16.ts); weights, gradients, cells and losses are floats in both.
 */
export type ProductForm = "float32" | "int16";

/** As kernels take it: `Form` of assembly/types.ts. */
export const FORM: Readonly<Record<ProductForm, number>> = { float32: 0, int16: 1 };
