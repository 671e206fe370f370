/**
 * The tile of tile.ts over whole numbers of 16 bits, twice as many in a vector: what packing16.ts packs. It looks odd
 * for the same reasons.
 */
import { PANEL_BYTES, storeRow } from "./panels";
import { GROUP_BYTES } from "./tile";

/** c + p, where q is the other product of the pair. */
// @ts-ignore: decorator
@inline
function plus(c: v128, p: v128, q: v128): v128 {
  return i32x4.add(c, v128.shuffle<i8>(p, q, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
}

/** C[5,8] (+)= Ap[pairs][5]ᵀ·Bp[pairs][8], in pairs of the depth, times the steps that stand behind both. */
export function tile16(pairs: usize, a: usize, panel: usize, c: usize, stride: usize, accumulate: bool): void {
  let c00 = i32x4.splat(0),
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
  const rows = a + pairs * GROUP_BYTES;
  const columns = panel + pairs * PANEL_BYTES;
  let left = pairs;
  let s: v128, b0: v128, b1: v128, p: v128, q: v128;
  while (true) {
    b0 = v128.load(panel, 0);
    b1 = v128.load(panel, 16);
    s = v128.load(a, 64);
    p = i32x4.dot_i16x8_s(s, b0);
    q = i32x4.dot_i16x8_s(s, b1);
    c40 = plus(c40, p, q);
    c41 = plus(c41, q, p);
    s = v128.load(a, 48);
    p = i32x4.dot_i16x8_s(s, b0);
    q = i32x4.dot_i16x8_s(s, b1);
    c30 = plus(c30, p, q);
    c31 = plus(c31, q, p);
    s = v128.load(a, 32);
    p = i32x4.dot_i16x8_s(s, b0);
    q = i32x4.dot_i16x8_s(s, b1);
    c20 = plus(c20, p, q);
    c21 = plus(c21, q, p);
    s = v128.load(a, 16);
    p = i32x4.dot_i16x8_s(s, b0);
    q = i32x4.dot_i16x8_s(s, b1);
    c10 = plus(c10, p, q);
    c11 = plus(c11, q, p);
    s = v128.load(a, 0);
    p = i32x4.dot_i16x8_s(s, b0);
    q = i32x4.dot_i16x8_s(s, b1);
    c00 = plus(c00, p, q);
    c01 = plus(c01, q, p);
    if (left == 1) {
      if (stride > 0) break;
      store<i32>(c, 0);
    }
    b0 = v128.load(panel, 32);
    b1 = v128.load(panel, 48);
    s = v128.load(a, 144);
    p = i32x4.dot_i16x8_s(s, b0);
    q = i32x4.dot_i16x8_s(s, b1);
    c40 = plus(c40, p, q);
    c41 = plus(c41, q, p);
    s = v128.load(a, 128);
    p = i32x4.dot_i16x8_s(s, b0);
    q = i32x4.dot_i16x8_s(s, b1);
    c30 = plus(c30, p, q);
    c31 = plus(c31, q, p);
    s = v128.load(a, 112);
    p = i32x4.dot_i16x8_s(s, b0);
    q = i32x4.dot_i16x8_s(s, b1);
    c20 = plus(c20, p, q);
    c21 = plus(c21, q, p);
    s = v128.load(a, 96);
    p = i32x4.dot_i16x8_s(s, b0);
    q = i32x4.dot_i16x8_s(s, b1);
    c10 = plus(c10, p, q);
    c11 = plus(c11, q, p);
    s = v128.load(a, 80);
    p = i32x4.dot_i16x8_s(s, b0);
    q = i32x4.dot_i16x8_s(s, b1);
    c00 = plus(c00, p, q);
    c01 = plus(c01, q, p);
    if (left == 2) {
      if (stride > 0) break;
      store<i32>(c, 0);
    }
    b0 = v128.load(panel, 64);
    b1 = v128.load(panel, 80);
    s = v128.load(a, 224);
    p = i32x4.dot_i16x8_s(s, b0);
    q = i32x4.dot_i16x8_s(s, b1);
    c40 = plus(c40, p, q);
    c41 = plus(c41, q, p);
    s = v128.load(a, 208);
    p = i32x4.dot_i16x8_s(s, b0);
    q = i32x4.dot_i16x8_s(s, b1);
    c30 = plus(c30, p, q);
    c31 = plus(c31, q, p);
    s = v128.load(a, 192);
    p = i32x4.dot_i16x8_s(s, b0);
    q = i32x4.dot_i16x8_s(s, b1);
    c20 = plus(c20, p, q);
    c21 = plus(c21, q, p);
    s = v128.load(a, 176);
    p = i32x4.dot_i16x8_s(s, b0);
    q = i32x4.dot_i16x8_s(s, b1);
    c10 = plus(c10, p, q);
    c11 = plus(c11, q, p);
    s = v128.load(a, 160);
    p = i32x4.dot_i16x8_s(s, b0);
    q = i32x4.dot_i16x8_s(s, b1);
    c00 = plus(c00, p, q);
    c01 = plus(c01, q, p);
    if (left == 3) {
      if (stride > 0) break;
      store<i32>(c, 0);
    }
    b0 = v128.load(panel, 96);
    b1 = v128.load(panel, 112);
    s = v128.load(a, 304);
    p = i32x4.dot_i16x8_s(s, b0);
    q = i32x4.dot_i16x8_s(s, b1);
    c40 = plus(c40, p, q);
    c41 = plus(c41, q, p);
    s = v128.load(a, 288);
    p = i32x4.dot_i16x8_s(s, b0);
    q = i32x4.dot_i16x8_s(s, b1);
    c30 = plus(c30, p, q);
    c31 = plus(c31, q, p);
    s = v128.load(a, 272);
    p = i32x4.dot_i16x8_s(s, b0);
    q = i32x4.dot_i16x8_s(s, b1);
    c20 = plus(c20, p, q);
    c21 = plus(c21, q, p);
    s = v128.load(a, 256);
    p = i32x4.dot_i16x8_s(s, b0);
    q = i32x4.dot_i16x8_s(s, b1);
    c10 = plus(c10, p, q);
    c11 = plus(c11, q, p);
    s = v128.load(a, 240);
    p = i32x4.dot_i16x8_s(s, b0);
    q = i32x4.dot_i16x8_s(s, b1);
    c00 = plus(c00, p, q);
    c01 = plus(c01, q, p);
    left -= 4;
    if (left == 0) break;
    a += 320;
    panel += 128;
  }
  const s0 = v128.load(columns);
  const s1 = v128.load(columns, 16);
  const r1 = c + stride;
  const r2 = r1 + stride;
  const r3 = r2 + stride;
  const r4 = r3 + stride;
  storeSteps(c, c00, c01, v128.load(rows), s0, s1, accumulate);
  storeSteps(r1, c10, c11, v128.load(rows, 16), s0, s1, accumulate);
  storeSteps(r2, c20, c21, v128.load(rows, 32), s0, s1, accumulate);
  storeSteps(r3, c30, c31, v128.load(rows, 48), s0, s1, accumulate);
  storeSteps(r4, c40, c41, v128.load(rows, 64), s0, s1, accumulate);
}

/** Whole numbers become floats again. */
// @ts-ignore: decorator
@inline
function storeSteps(to: usize, c0: v128, c1: v128, row: v128, s0: v128, s1: v128, accumulate: bool): void {
  const first = f32x4.mul(f32x4.convert_i32x4_s(c0), f32x4.mul(row, s0));
  storeRow(to, first, f32x4.mul(f32x4.convert_i32x4_s(c1), f32x4.mul(row, s1)), accumulate);
}
