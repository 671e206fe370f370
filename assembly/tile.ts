/**
 * C[5,8] (+)= A·B over one block of the depth: the piece that the products of gemm.ts are made of.
 *
 * Why tile5x8 looks odd. It has the order of operations that fills the machine, and everything that is needless
 * in it keeps an engine from another one:
 * - Two products, then their two sums: processors with two multipliers and two adders hand out operations in
 *   pairs, and with product, sum, product, sum one of each idles a fifth of the time. Optimisers undo that order,
 *   for a product that is used once is moved to its use. So each product has two uses: a sum takes it by a shuffle
 *   that selects all of it and nothing of the other, which engines drop.
 * - The V8 of Node 20 and 22 orders a basic block by its uses, and moves loads to the front where a later block
 *   loads: of fifteen registers ten hold sums, so that this spills. A branch after each step ends its block; that
 *   the branch comes together again with the way past it, and could have written to memory, keeps the loads of one
 *   step independent of those of the next; rows are taken last first, as they are emitted in reverse.
 * - The factors are stored four times over: `load_splat` costs the V8 of Node 20 an instruction for its offset and
 *   JavaScriptCore a shuffle, while copying is one part in n of the work.
 */
import { product, storeRow, sum } from "./panels";

/** Rows of a tile. */
export const TILE_ROWS: usize = 5;
/** Bytes of one step's five factors, four times each. */
export const GROUP_BYTES: usize = TILE_ROWS * 16;

/** Bytes of a packed group of rows: of floats, or of pairs of whole numbers and their steps. */
// @ts-ignore: decorator
@inline
export function groupBytes<T>(depth: usize): usize {
  return (isFloat<T>() ? depth : ((depth + 1) >> 1) + 1) * GROUP_BYTES;
}

/** C[5,8] (+)= Ap[depth][5]ᵀ·Bp[depth][8]. */
export function tile5x8(depth: usize, a: usize, panel: usize, c: usize, stride: usize, accumulate: bool): void {
  let c00 = f32x4.splat(0),
    c01 = c00,
    c10 = c00,
    c11 = c00,
    c20 = c00,
    c21 = c00,
    c30 = c00,
    c31 = c00,
    c40 = c00,
    c41 = c00;
  let left = depth;
  let s: v128, b0: v128, b1: v128, p: v128, q: v128;
  while (true) {
    b0 = v128.load(panel, 0);
    b1 = v128.load(panel, 16);
    s = v128.load(a, 64);
    p = product(s, b0);
    q = product(s, b1);
    c40 = sum(c40, p, q, s, b0);
    c41 = sum(c41, q, p, s, b1);
    s = v128.load(a, 48);
    p = product(s, b0);
    q = product(s, b1);
    c30 = sum(c30, p, q, s, b0);
    c31 = sum(c31, q, p, s, b1);
    s = v128.load(a, 32);
    p = product(s, b0);
    q = product(s, b1);
    c20 = sum(c20, p, q, s, b0);
    c21 = sum(c21, q, p, s, b1);
    s = v128.load(a, 16);
    p = product(s, b0);
    q = product(s, b1);
    c10 = sum(c10, p, q, s, b0);
    c11 = sum(c11, q, p, s, b1);
    s = v128.load(a, 0);
    p = product(s, b0);
    q = product(s, b1);
    c00 = sum(c00, p, q, s, b0);
    c01 = sum(c01, q, p, s, b1);
    if (left == 1) {
      if (stride > 0) break;
      store<i32>(c, 0);
    }
    b0 = v128.load(panel, 32);
    b1 = v128.load(panel, 48);
    s = v128.load(a, 144);
    p = product(s, b0);
    q = product(s, b1);
    c40 = sum(c40, p, q, s, b0);
    c41 = sum(c41, q, p, s, b1);
    s = v128.load(a, 128);
    p = product(s, b0);
    q = product(s, b1);
    c30 = sum(c30, p, q, s, b0);
    c31 = sum(c31, q, p, s, b1);
    s = v128.load(a, 112);
    p = product(s, b0);
    q = product(s, b1);
    c20 = sum(c20, p, q, s, b0);
    c21 = sum(c21, q, p, s, b1);
    s = v128.load(a, 96);
    p = product(s, b0);
    q = product(s, b1);
    c10 = sum(c10, p, q, s, b0);
    c11 = sum(c11, q, p, s, b1);
    s = v128.load(a, 80);
    p = product(s, b0);
    q = product(s, b1);
    c00 = sum(c00, p, q, s, b0);
    c01 = sum(c01, q, p, s, b1);
    if (left == 2) {
      if (stride > 0) break;
      store<i32>(c, 0);
    }
    b0 = v128.load(panel, 64);
    b1 = v128.load(panel, 80);
    s = v128.load(a, 224);
    p = product(s, b0);
    q = product(s, b1);
    c40 = sum(c40, p, q, s, b0);
    c41 = sum(c41, q, p, s, b1);
    s = v128.load(a, 208);
    p = product(s, b0);
    q = product(s, b1);
    c30 = sum(c30, p, q, s, b0);
    c31 = sum(c31, q, p, s, b1);
    s = v128.load(a, 192);
    p = product(s, b0);
    q = product(s, b1);
    c20 = sum(c20, p, q, s, b0);
    c21 = sum(c21, q, p, s, b1);
    s = v128.load(a, 176);
    p = product(s, b0);
    q = product(s, b1);
    c10 = sum(c10, p, q, s, b0);
    c11 = sum(c11, q, p, s, b1);
    s = v128.load(a, 160);
    p = product(s, b0);
    q = product(s, b1);
    c00 = sum(c00, p, q, s, b0);
    c01 = sum(c01, q, p, s, b1);
    if (left == 3) {
      if (stride > 0) break;
      store<i32>(c, 0);
    }
    b0 = v128.load(panel, 96);
    b1 = v128.load(panel, 112);
    s = v128.load(a, 304);
    p = product(s, b0);
    q = product(s, b1);
    c40 = sum(c40, p, q, s, b0);
    c41 = sum(c41, q, p, s, b1);
    s = v128.load(a, 288);
    p = product(s, b0);
    q = product(s, b1);
    c30 = sum(c30, p, q, s, b0);
    c31 = sum(c31, q, p, s, b1);
    s = v128.load(a, 272);
    p = product(s, b0);
    q = product(s, b1);
    c20 = sum(c20, p, q, s, b0);
    c21 = sum(c21, q, p, s, b1);
    s = v128.load(a, 256);
    p = product(s, b0);
    q = product(s, b1);
    c10 = sum(c10, p, q, s, b0);
    c11 = sum(c11, q, p, s, b1);
    s = v128.load(a, 240);
    p = product(s, b0);
    q = product(s, b1);
    c00 = sum(c00, p, q, s, b0);
    c01 = sum(c01, q, p, s, b1);
    left -= 4;
    if (left == 0) break;
    a += 320;
    panel += 128;
  }
  const r1 = c + stride;
  const r2 = r1 + stride;
  const r3 = r2 + stride;
  const r4 = r3 + stride;
  storeRow(c, c00, c01, accumulate);
  storeRow(r1, c10, c11, accumulate);
  storeRow(r2, c20, c21, accumulate);
  storeRow(r3, c30, c31, accumulate);
  storeRow(r4, c40, c41, accumulate);
}
