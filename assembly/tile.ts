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
import { multiplyAdd } from "./fused";
import { PANEL_BYTES, linesOf, product, storeRow, sum } from "./panels";

/** Rows of a tile. */
export const TILE_ROWS: usize = 5;
/** Bytes of one step's five factors, four times each. */
export const GROUP_BYTES: usize = TILE_ROWS * 16;

/** Bytes of a packed group of rows. */
// @ts-ignore: decorator
@inline
export function groupBytes<T>(depth: usize): usize {
  return linesOf<T>(depth) * GROUP_BYTES;
}

/**
 * C[5,8] (+)= Ap[steps][5]ᵀ·Bp[steps][8]: a step is one of the depth, or two of integers, whose products are then
 * times the steps of quantisation that stand behind both factors.
 */
export function tile5x8<T>(steps: usize, a: usize, panel: usize, c: usize, stride: usize, accumulate: bool): void {
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
  // Before the loop, which moves both.
  const rows = a + steps * GROUP_BYTES;
  const columns = panel + steps * PANEL_BYTES;
  let left = steps;
  let s: v128, b0: v128, b1: v128, p: v128, q: v128;
  while (true) {
    b0 = v128.load(panel, 0);
    b1 = v128.load(panel, 16);
    s = v128.load(a, 64);
    p = product<T>(s, b0);
    q = product<T>(s, b1);
    c40 = sum<T>(c40, p, q, s, b0);
    c41 = sum<T>(c41, q, p, s, b1);
    s = v128.load(a, 48);
    p = product<T>(s, b0);
    q = product<T>(s, b1);
    c30 = sum<T>(c30, p, q, s, b0);
    c31 = sum<T>(c31, q, p, s, b1);
    s = v128.load(a, 32);
    p = product<T>(s, b0);
    q = product<T>(s, b1);
    c20 = sum<T>(c20, p, q, s, b0);
    c21 = sum<T>(c21, q, p, s, b1);
    s = v128.load(a, 16);
    p = product<T>(s, b0);
    q = product<T>(s, b1);
    c10 = sum<T>(c10, p, q, s, b0);
    c11 = sum<T>(c11, q, p, s, b1);
    s = v128.load(a, 0);
    p = product<T>(s, b0);
    q = product<T>(s, b1);
    c00 = sum<T>(c00, p, q, s, b0);
    c01 = sum<T>(c01, q, p, s, b1);
    if (left == 1) {
      if (stride > 0) break;
      store<i32>(c, 0);
    }
    b0 = v128.load(panel, 32);
    b1 = v128.load(panel, 48);
    s = v128.load(a, 144);
    p = product<T>(s, b0);
    q = product<T>(s, b1);
    c40 = sum<T>(c40, p, q, s, b0);
    c41 = sum<T>(c41, q, p, s, b1);
    s = v128.load(a, 128);
    p = product<T>(s, b0);
    q = product<T>(s, b1);
    c30 = sum<T>(c30, p, q, s, b0);
    c31 = sum<T>(c31, q, p, s, b1);
    s = v128.load(a, 112);
    p = product<T>(s, b0);
    q = product<T>(s, b1);
    c20 = sum<T>(c20, p, q, s, b0);
    c21 = sum<T>(c21, q, p, s, b1);
    s = v128.load(a, 96);
    p = product<T>(s, b0);
    q = product<T>(s, b1);
    c10 = sum<T>(c10, p, q, s, b0);
    c11 = sum<T>(c11, q, p, s, b1);
    s = v128.load(a, 80);
    p = product<T>(s, b0);
    q = product<T>(s, b1);
    c00 = sum<T>(c00, p, q, s, b0);
    c01 = sum<T>(c01, q, p, s, b1);
    if (left == 2) {
      if (stride > 0) break;
      store<i32>(c, 0);
    }
    b0 = v128.load(panel, 64);
    b1 = v128.load(panel, 80);
    s = v128.load(a, 224);
    p = product<T>(s, b0);
    q = product<T>(s, b1);
    c40 = sum<T>(c40, p, q, s, b0);
    c41 = sum<T>(c41, q, p, s, b1);
    s = v128.load(a, 208);
    p = product<T>(s, b0);
    q = product<T>(s, b1);
    c30 = sum<T>(c30, p, q, s, b0);
    c31 = sum<T>(c31, q, p, s, b1);
    s = v128.load(a, 192);
    p = product<T>(s, b0);
    q = product<T>(s, b1);
    c20 = sum<T>(c20, p, q, s, b0);
    c21 = sum<T>(c21, q, p, s, b1);
    s = v128.load(a, 176);
    p = product<T>(s, b0);
    q = product<T>(s, b1);
    c10 = sum<T>(c10, p, q, s, b0);
    c11 = sum<T>(c11, q, p, s, b1);
    s = v128.load(a, 160);
    p = product<T>(s, b0);
    q = product<T>(s, b1);
    c00 = sum<T>(c00, p, q, s, b0);
    c01 = sum<T>(c01, q, p, s, b1);
    if (left == 3) {
      if (stride > 0) break;
      store<i32>(c, 0);
    }
    b0 = v128.load(panel, 96);
    b1 = v128.load(panel, 112);
    s = v128.load(a, 304);
    p = product<T>(s, b0);
    q = product<T>(s, b1);
    c40 = sum<T>(c40, p, q, s, b0);
    c41 = sum<T>(c41, q, p, s, b1);
    s = v128.load(a, 288);
    p = product<T>(s, b0);
    q = product<T>(s, b1);
    c30 = sum<T>(c30, p, q, s, b0);
    c31 = sum<T>(c31, q, p, s, b1);
    s = v128.load(a, 272);
    p = product<T>(s, b0);
    q = product<T>(s, b1);
    c20 = sum<T>(c20, p, q, s, b0);
    c21 = sum<T>(c21, q, p, s, b1);
    s = v128.load(a, 256);
    p = product<T>(s, b0);
    q = product<T>(s, b1);
    c10 = sum<T>(c10, p, q, s, b0);
    c11 = sum<T>(c11, q, p, s, b1);
    s = v128.load(a, 240);
    p = product<T>(s, b0);
    q = product<T>(s, b1);
    c00 = sum<T>(c00, p, q, s, b0);
    c01 = sum<T>(c01, q, p, s, b1);
    left -= 4;
    if (left == 0) break;
    a += 320;
    panel += 128;
  }
  const r1 = c + stride;
  const r2 = r1 + stride;
  const r3 = r2 + stride;
  const r4 = r3 + stride;
  if (isFloat<T>()) {
    storeRow(c, c00, c01, accumulate);
    storeRow(r1, c10, c11, accumulate);
    storeRow(r2, c20, c21, accumulate);
    storeRow(r3, c30, c31, accumulate);
    storeRow(r4, c40, c41, accumulate);
    return;
  }
  const s0 = v128.load(columns);
  const s1 = v128.load(columns, 16);
  storeSteps(c, c00, c01, v128.load(rows), s0, s1, accumulate);
  storeSteps(r1, c10, c11, v128.load(rows, 16), s0, s1, accumulate);
  storeSteps(r2, c20, c21, v128.load(rows, 32), s0, s1, accumulate);
  storeSteps(r3, c30, c31, v128.load(rows, 48), s0, s1, accumulate);
  storeSteps(r4, c40, c41, v128.load(rows, 64), s0, s1, accumulate);
}

/** Integers become floats again. */
// @ts-ignore: decorator
@inline
function storeSteps(to: usize, c0: v128, c1: v128, row: v128, s0: v128, s1: v128, accumulate: bool): void {
  const first = f32x4.mul(f32x4.convert_i32x4_s(c0), f32x4.mul(row, s0));
  storeRow(to, first, f32x4.mul(f32x4.convert_i32x4_s(c1), f32x4.mul(row, s1)), accumulate);
}

/** Whether tile5x16 is taken: where an engine makes 256-bit code of adjacent vectors. */
let wide: bool = false;

/** Lets products take the tile for engines that make 256-bit code; the bits are the same. */
export function widen(on: bool): void {
  wide = on;
}

// @ts-ignore: decorator
@inline
export function isWide(): bool {
  return wide;
}

// @ts-ignore: decorator
@inline
export function add<T>(c: v128, a: v128, b: v128): v128 {
  return isFloat<T>() ? multiplyAdd(a, b, c) : i32x4.add(c, i32x4.dot_i16x8_s(a, b));
}

/**
 * C[5,16] (+)= A·B for two panels, `bytes` apart, each chain as tile5x8 has it. V8's pass takes two vectors side by side
 * for one of 256 bits where both halves come from adjacent addresses or from one splat, meet the same operations and
 * nothing is read between their stores: so there are no shuffles here, a factor's first copy is splat anew, and sums go
 * to C by way of `edge`, 320 bytes. With 128 bits they would not fit the registers.
 */
export function tile5x16<T>(
  steps: usize,
  a: usize,
  panel: usize,
  bytes: usize,
  c: usize,
  stride: usize,
  accumulate: bool,
  edge: usize,
): void {
  let c00 = f32x4.splat(0),
    c01 = c00,
    c02 = c00,
    c03 = c00,
    c10 = c00,
    c11 = c00,
    c12 = c00,
    c13 = c00,
    c20 = c00,
    c21 = c00,
    c22 = c00,
    c23 = c00,
    c30 = c00,
    c31 = c00,
    c32 = c00,
    c33 = c00,
    c40 = c00,
    c41 = c00,
    c42 = c00,
    c43 = c00;
  let second = panel + bytes;
  let s: v128;
  for (const end = panel + steps * PANEL_BYTES; panel < end; panel += PANEL_BYTES) {
    const b0 = v128.load(panel);
    const b1 = v128.load(panel, 16);
    const b2 = v128.load(second);
    const b3 = v128.load(second, 16);
    s = v128.load_splat<i32>(a);
    c00 = add<T>(c00, s, b0);
    c01 = add<T>(c01, s, b1);
    c02 = add<T>(c02, s, b2);
    c03 = add<T>(c03, s, b3);
    s = v128.load_splat<i32>(a, 16);
    c10 = add<T>(c10, s, b0);
    c11 = add<T>(c11, s, b1);
    c12 = add<T>(c12, s, b2);
    c13 = add<T>(c13, s, b3);
    s = v128.load_splat<i32>(a, 32);
    c20 = add<T>(c20, s, b0);
    c21 = add<T>(c21, s, b1);
    c22 = add<T>(c22, s, b2);
    c23 = add<T>(c23, s, b3);
    s = v128.load_splat<i32>(a, 48);
    c30 = add<T>(c30, s, b0);
    c31 = add<T>(c31, s, b1);
    c32 = add<T>(c32, s, b2);
    c33 = add<T>(c33, s, b3);
    s = v128.load_splat<i32>(a, 64);
    c40 = add<T>(c40, s, b0);
    c41 = add<T>(c41, s, b1);
    c42 = add<T>(c42, s, b2);
    c43 = add<T>(c43, s, b3);
    a += GROUP_BYTES;
    second += PANEL_BYTES;
  }
  v128.store(edge, c00);
  v128.store(edge, c01, 16);
  v128.store(edge, c02, 32);
  v128.store(edge, c03, 48);
  v128.store(edge, c10, 64);
  v128.store(edge, c11, 80);
  v128.store(edge, c12, 96);
  v128.store(edge, c13, 112);
  v128.store(edge, c20, 128);
  v128.store(edge, c21, 144);
  v128.store(edge, c22, 160);
  v128.store(edge, c23, 176);
  v128.store(edge, c30, 192);
  v128.store(edge, c31, 208);
  v128.store(edge, c32, 224);
  v128.store(edge, c33, 240);
  v128.store(edge, c40, 256);
  v128.store(edge, c41, 272);
  v128.store(edge, c42, 288);
  v128.store(edge, c43, 304);
  for (let r: usize = 0; r < TILE_ROWS; r++) {
    storeWide<T>(c, edge, a, panel, accumulate);
    storeWide<T>(c + PANEL_BYTES, edge + PANEL_BYTES, a, second, accumulate);
    a += 16;
    c += stride;
    edge += 2 * PANEL_BYTES;
  }
}

/** Half a row of tile5x16: `row` and `column` are where the scales of integers stand. */
export function storeWide<T>(to: usize, sums: usize, row: usize, column: usize, accumulate: bool): void {
  let c0 = v128.load(sums);
  let c1 = v128.load(sums, 16);
  if (!isFloat<T>()) {
    const scale = v128.load_splat<f32>(row);
    c0 = f32x4.mul(f32x4.convert_i32x4_s(c0), f32x4.mul(scale, v128.load(column)));
    c1 = f32x4.mul(f32x4.convert_i32x4_s(c1), f32x4.mul(scale, v128.load(column, 16)));
  }
  storeRow(to, c0, c1, accumulate);
}

/** C[5,8] (+)= A·B as tile5x16 has it: the panel that is left over. */
export function tile5x8Wide<T>(
  steps: usize,
  a: usize,
  panel: usize,
  c: usize,
  stride: usize,
  accumulate: bool,
  edge: usize,
): void {
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
  let s: v128;
  for (const end = panel + steps * PANEL_BYTES; panel < end; panel += PANEL_BYTES) {
    const b0 = v128.load(panel);
    const b1 = v128.load(panel, 16);
    s = v128.load_splat<i32>(a);
    c00 = add<T>(c00, s, b0);
    c01 = add<T>(c01, s, b1);
    s = v128.load_splat<i32>(a, 16);
    c10 = add<T>(c10, s, b0);
    c11 = add<T>(c11, s, b1);
    s = v128.load_splat<i32>(a, 32);
    c20 = add<T>(c20, s, b0);
    c21 = add<T>(c21, s, b1);
    s = v128.load_splat<i32>(a, 48);
    c30 = add<T>(c30, s, b0);
    c31 = add<T>(c31, s, b1);
    s = v128.load_splat<i32>(a, 64);
    c40 = add<T>(c40, s, b0);
    c41 = add<T>(c41, s, b1);
    a += GROUP_BYTES;
  }
  v128.store(edge, c00);
  v128.store(edge, c01, 16);
  v128.store(edge, c10, 32);
  v128.store(edge, c11, 48);
  v128.store(edge, c20, 64);
  v128.store(edge, c21, 80);
  v128.store(edge, c30, 96);
  v128.store(edge, c31, 112);
  v128.store(edge, c40, 128);
  v128.store(edge, c41, 144);
  for (let r: usize = 0; r < TILE_ROWS; r++) {
    storeWide<T>(c, edge, a, panel, accumulate);
    a += 16;
    c += stride;
    edge += PANEL_BYTES;
  }
}
