/**
 * What packing.ts does, for products of 16-bit integers: every column of a panel and every row of a group, over
 * one block of the depth, is a float, its step, times integers of 12 or 13 bits. Two neighbours in depth stand
 * side by side, as `i32x4.dot_i16x8_s` takes them; the steps stand behind the last pair.
 *
 * 256 products of 2,047 and 4,095 are less than 2³¹, so that no sum overflows. A row of nothing above 2⁻¹⁰⁰ is 0; one
 * that is not finite has a step that is not, and so has all that is made of it.
 */
import { PANEL_BYTES, panelBytes, TILE_COLUMNS } from "./panels";
import { GROUP_BYTES, TILE_ROWS, groupBytes } from "./tile";

/** Largest integer in A, and in B. */
const MOST_A: f32 = 2047;
const MOST_B: f32 = 4095;
/** 2⁻¹⁰⁰. */
const LEAST: f32 = 7.888609e-31;
/** 1.5 · 2²³: a small number added to it is rounded, and stands in the low bits. */
const ROUND: f32 = 12582912;
const ROUND_BITS: i32 = 0x4b400000;
/** Columns of A that four groups have. */
const FOUR_GROUPS: usize = 4 * TILE_ROWS;
/** As many zeros: the neighbour of the last row where the depth is odd. */
const NOTHING: usize = memory.data(80);

/** The greatest magnitude by its bits, among which NaN is the greatest. */
// @ts-ignore: decorator
@inline
function larger(most: v128, x: v128): v128 {
  return i32x4.max_s(most, v128.and(x, i32x4.splat(0x7fffffff)));
}

// @ts-ignore: decorator
@inline
function inverse4(most: v128, whole: f32): v128 {
  return v128.andnot(f32x4.div(f32x4.splat(whole), most), f32x4.lt(most, f32x4.splat(LEAST)));
}

// @ts-ignore: decorator
@inline
function step4(most: v128, whole: f32): v128 {
  return v128.andnot(f32x4.div(most, f32x4.splat(whole)), f32x4.lt(most, f32x4.splat(LEAST)));
}

/** x / step, the nearest integer in the low 16 bits. */
// @ts-ignore: decorator
@inline
function rounded(x: v128, inverse: v128): v128 {
  return f32x4.add(f32x4.mul(x, inverse), f32x4.splat(ROUND));
}

// @ts-ignore: decorator
@inline
function wholeOf(x: v128, inverse: v128): v128 {
  return i32x4.sub(rounded(x, inverse), i32x4.splat(ROUND_BITS));
}

/** Low halves of the lanes of two vectors side by side. */
// @ts-ignore: decorator
@inline
function pairs(a: v128, b: v128): v128 {
  return v128.shuffle<i16>(a, i32x4.shl(b, 16), 0, 9, 2, 11, 4, 13, 6, 15);
}

/** The same without a shuffle. */
// @ts-ignore: decorator
@inline
function besides(a: v128, b: v128): v128 {
  return v128.or(v128.and(a, i32x4.splat(0xffff)), i32x4.shl(b, 16));
}

// @ts-ignore: decorator
@inline
function pairOf(x: usize, y: usize, inverse: f32): i32 {
  const low = reinterpret<i32>(load<f32>(x) * inverse + ROUND);
  return (low & 0xffff) | (reinterpret<i32>(load<f32>(y) * inverse + ROUND) << 16);
}

/** Greatest magnitude of a row, in every lane. */
function mostOfRow(from: usize, depth: usize): v128 {
  let even = i32x4.splat(0);
  let odd = even;
  const end = from + (depth << 2);
  for (const whole = from + ((depth & ~7) << 2); from < whole; from += 32) {
    even = larger(even, v128.load(from));
    odd = larger(odd, v128.load(from, 16));
  }
  even = i32x4.max_s(even, odd);
  even = i32x4.max_s(even, v128.shuffle<i32>(even, even, 2, 3, 0, 1));
  let most = max(i32x4.extract_lane(even, 0), i32x4.extract_lane(even, 1));
  for (; from < end; from += 4) most = max(most, load<i32>(from) & 0x7fffffff);
  return i32x4.splat(most);
}

/** Greatest magnitude of a column, in every lane. */
function mostOfColumn(from: usize, stride: usize, depth: usize): v128 {
  let most: i32 = 0;
  for (const end = from + depth * stride; from < end; from += stride)
    most = max(most, load<i32>(from) & 0x7fffffff);
  return i32x4.splat(most);
}

/** One block of the depth of B[k,n]; `stride` in bytes. */
export function packColumnsOfB16(packed: usize, from: usize, stride: usize, depth: usize, n: usize): void {
  for (let j: usize = 0; j < n; j += TILE_COLUMNS) {
    packPanel(packed, from + (j << 2), stride, depth, min(TILE_COLUMNS, n - j));
    packed += panelBytes<i16>(depth);
  }
}

/** Up to eight columns. */
function packPanel(to: usize, from: usize, stride: usize, depth: usize, columns: usize): void {
  if (columns == TILE_COLUMNS) packEight(to, from, stride, depth);
  else for (let c: usize = 0; c < columns << 2; c += 4) packColumn(to + c, from + c, stride, depth);
}

/** Halves that do the same to adjacent vectors, without a shuffle: engines may make one of 256 bits of them. */
function packEight(to: usize, from: usize, stride: usize, depth: usize): void {
  let most0 = i32x4.splat(0);
  let most1 = most0;
  let at = from;
  for (const end = from + depth * stride; at < end; at += stride) {
    most0 = larger(most0, v128.load(at));
    most1 = larger(most1, v128.load(at, 16));
  }
  const inverse0 = inverse4(most0, MOST_B);
  const inverse1 = inverse4(most1, MOST_B);
  for (; from < at; to += PANEL_BYTES) {
    const next = from + stride < at ? from + stride : NOTHING;
    const pairs0 = besides(rounded(v128.load(from), inverse0), rounded(v128.load(next), inverse0));
    const pairs1 = besides(rounded(v128.load(from, 16), inverse1), rounded(v128.load(next, 16), inverse1));
    v128.store(to, pairs0);
    v128.store(to, pairs1, 16);
    from += 2 * stride;
  }
  const step0 = step4(most0, MOST_B);
  const step1 = step4(most1, MOST_B);
  v128.store(to, step0);
  v128.store(to, step1, 16);
}

/** One column of a panel; nothing is read past the matrix. */
function packColumn(to: usize, from: usize, stride: usize, depth: usize): void {
  const most = mostOfColumn(from, stride, depth);
  const inverse = f32x4.extract_lane(inverse4(most, MOST_B), 0);
  for (const end = from + depth * stride; from < end; to += PANEL_BYTES) {
    store<i32>(to, pairOf(from, from + stride < end ? from + stride : NOTHING, inverse));
    from += 2 * stride;
  }
  v128.store_lane<f32>(to, step4(most, MOST_B), 0);
}

/** One block of the depth of Bᵀ, B[n,k]. */
export function packRowsOfB16(packed: usize, from: usize, stride: usize, depth: usize, n: usize): void {
  const last = n - 1;
  for (let j: usize = 0; j < n; j += TILE_COLUMNS) {
    for (let q: usize = 0; q < TILE_COLUMNS; q += 4) {
      const r0 = from + min(j + q, last) * stride;
      const r1 = from + min(j + q + 1, last) * stride;
      const r2 = from + min(j + q + 2, last) * stride;
      const r3 = from + min(j + q + 3, last) * stride;
      transposeFour(packed + (q << 2), r0, r1, r2, r3, depth);
    }
    packed += panelBytes<i16>(depth);
  }
}

/** Four rows become four columns of a panel. */
function transposeFour(to: usize, r0: usize, r1: usize, r2: usize, r3: usize, depth: usize): void {
  const m01 = v128.shuffle<i32>(mostOfRow(r0, depth), mostOfRow(r1, depth), 0, 4, 0, 4);
  const m23 = v128.shuffle<i32>(mostOfRow(r2, depth), mostOfRow(r3, depth), 0, 4, 0, 4);
  const most = v128.shuffle<i32>(m01, m23, 0, 1, 4, 5);
  const inverse = inverse4(most, MOST_B);
  const i0 = v128.shuffle<i32>(inverse, inverse, 0, 0, 0, 0);
  const i1 = v128.shuffle<i32>(inverse, inverse, 1, 1, 1, 1);
  const i2 = v128.shuffle<i32>(inverse, inverse, 2, 2, 2, 2);
  const i3 = v128.shuffle<i32>(inverse, inverse, 3, 3, 3, 3);
  const whole = r0 + ((depth & ~3) << 2);
  const end = r0 + (depth << 2);
  while (r0 < whole) {
    const ab = i16x8.narrow_i32x4_s(wholeOf(v128.load(r0), i0), wholeOf(v128.load(r1), i1));
    const cd = i16x8.narrow_i32x4_s(wholeOf(v128.load(r2), i2), wholeOf(v128.load(r3), i3));
    v128.store(to, v128.shuffle<i32>(ab, cd, 0, 2, 4, 6));
    v128.store(to, v128.shuffle<i32>(ab, cd, 1, 3, 5, 7), PANEL_BYTES);
    to += 2 * PANEL_BYTES;
    r0 += 16;
    r1 += 16;
    r2 += 16;
    r3 += 16;
  }
  while (r0 < end) {
    const second = r0 + 4 < end;
    store<i32>(to, pairOf(r0, second ? r0 + 4 : NOTHING, f32x4.extract_lane(inverse, 0)));
    store<i32>(to, pairOf(r1, second ? r1 + 4 : NOTHING, f32x4.extract_lane(inverse, 1)), 4);
    store<i32>(to, pairOf(r2, second ? r2 + 4 : NOTHING, f32x4.extract_lane(inverse, 2)), 8);
    store<i32>(to, pairOf(r3, second ? r3 + 4 : NOTHING, f32x4.extract_lane(inverse, 3)), 12);
    to += PANEL_BYTES;
    r0 += 8;
    r1 += 8;
    r2 += 8;
    r3 += 8;
  }
  v128.store(to, step4(most, MOST_B));
}

/** Up to 40 rows of A in groups of five; where a group is not full, its last row stands in for the rest. */
export function packRowsOfA16(to: usize, from: usize, stride: usize, rows: usize, depth: usize): void {
  for (; rows > 0; to += groupBytes<i16>(depth)) {
    const count = min(TILE_ROWS, rows);
    const last = (count - 1) * stride;
    for (let i: usize = 0; i < TILE_ROWS; i++) splatRow(to + i * 16, from + min(i * stride, last), depth);
    from += count * stride;
    rows -= count;
  }
}

/** A row's pairs, each four times over. */
function splatRow(to: usize, from: usize, depth: usize): void {
  const most = mostOfRow(from, depth);
  const inverse = inverse4(most, MOST_A);
  const end = from + (depth << 2);
  for (const whole = from + ((depth & ~7) << 2); from < whole; from += 32) {
    const x = i16x8.narrow_i32x4_s(wholeOf(v128.load(from), inverse), wholeOf(v128.load(from, 16), inverse));
    v128.store(to, v128.shuffle<i32>(x, x, 0, 0, 0, 0));
    v128.store(to, v128.shuffle<i32>(x, x, 1, 1, 1, 1), GROUP_BYTES);
    v128.store(to, v128.shuffle<i32>(x, x, 2, 2, 2, 2), 2 * GROUP_BYTES);
    v128.store(to, v128.shuffle<i32>(x, x, 3, 3, 3, 3), 3 * GROUP_BYTES);
    to += 4 * GROUP_BYTES;
  }
  for (; from < end; from += 8) {
    v128.store(to, i32x4.splat(pairOf(from, from + 4 < end ? from + 4 : NOTHING, f32x4.extract_lane(inverse, 0))));
    to += GROUP_BYTES;
  }
  v128.store(to, step4(most, MOST_A));
}

/** Up to 40 columns of A, whose rows are `stride` apart, in groups of five of the same form. */
export function packColumnsOfA16(to: usize, from: usize, stride: usize, columns: usize, depth: usize): void {
  const size = groupBytes<i16>(depth);
  for (; columns >= FOUR_GROUPS; columns -= FOUR_GROUPS) {
    splatTwenty(to, size, from, stride, depth);
    to += 4 * size;
    from += FOUR_GROUPS << 2;
  }
  for (; columns > 0; to += size) {
    const count = min(TILE_ROWS, columns);
    for (let i: usize = 0; i < TILE_ROWS; i++) splatColumn(to + i * 16, from + (min(i, count - 1) << 2), stride, depth);
    from += count << 2;
    columns -= count;
  }
}

function splatColumn(to: usize, from: usize, stride: usize, depth: usize): void {
  const most = mostOfColumn(from, stride, depth);
  const inverse = f32x4.extract_lane(inverse4(most, MOST_A), 0);
  for (const end = from + depth * stride; from < end; to += GROUP_BYTES) {
    v128.store(to, i32x4.splat(pairOf(from, from + stride < end ? from + stride : NOTHING, inverse)));
    from += 2 * stride;
  }
  v128.store(to, step4(most, MOST_A));
}

/** Twenty columns, five vectors, are four groups. */
function splatTwenty(g0: usize, size: usize, from: usize, stride: usize, depth: usize): void {
  let m0 = i32x4.splat(0),
    m1 = m0,
    m2 = m0,
    m3 = m0,
    m4 = m0;
  let at = from;
  for (const end = from + depth * stride; at < end; at += stride) {
    m0 = larger(m0, v128.load(at));
    m1 = larger(m1, v128.load(at, 16));
    m2 = larger(m2, v128.load(at, 32));
    m3 = larger(m3, v128.load(at, 48));
    m4 = larger(m4, v128.load(at, 64));
  }
  const i0 = inverse4(m0, MOST_A);
  const i1 = inverse4(m1, MOST_A);
  const i2 = inverse4(m2, MOST_A);
  const i3 = inverse4(m3, MOST_A);
  const i4 = inverse4(m4, MOST_A);
  for (; from < at; from += 2 * stride, g0 += GROUP_BYTES) {
    const next = from + stride < at ? from + stride : NOTHING;
    storeTwenty(
      g0,
      size,
      pairs(rounded(v128.load(from), i0), rounded(v128.load(next), i0)),
      pairs(rounded(v128.load(from, 16), i1), rounded(v128.load(next, 16), i1)),
      pairs(rounded(v128.load(from, 32), i2), rounded(v128.load(next, 32), i2)),
      pairs(rounded(v128.load(from, 48), i3), rounded(v128.load(next, 48), i3)),
      pairs(rounded(v128.load(from, 64), i4), rounded(v128.load(next, 64), i4)),
    );
  }
  storeTwenty(g0, size, step4(m0, MOST_A), step4(m1, MOST_A), step4(m2, MOST_A), step4(m3, MOST_A), step4(m4, MOST_A));
}

/** Each lane of five vectors, four times over, to its place in four groups. */
function storeTwenty(g0: usize, size: usize, a: v128, b: v128, c: v128, d: v128, e: v128): void {
  const g1 = g0 + size;
  const g2 = g1 + size;
  const g3 = g2 + size;
  v128.store(g0, v128.shuffle<i32>(a, a, 0, 0, 0, 0));
  v128.store(g0, v128.shuffle<i32>(a, a, 1, 1, 1, 1), 16);
  v128.store(g0, v128.shuffle<i32>(a, a, 2, 2, 2, 2), 32);
  v128.store(g0, v128.shuffle<i32>(a, a, 3, 3, 3, 3), 48);
  v128.store(g0, v128.shuffle<i32>(b, b, 0, 0, 0, 0), 64);
  v128.store(g1, v128.shuffle<i32>(b, b, 1, 1, 1, 1));
  v128.store(g1, v128.shuffle<i32>(b, b, 2, 2, 2, 2), 16);
  v128.store(g1, v128.shuffle<i32>(b, b, 3, 3, 3, 3), 32);
  v128.store(g1, v128.shuffle<i32>(c, c, 0, 0, 0, 0), 48);
  v128.store(g1, v128.shuffle<i32>(c, c, 1, 1, 1, 1), 64);
  v128.store(g2, v128.shuffle<i32>(c, c, 2, 2, 2, 2));
  v128.store(g2, v128.shuffle<i32>(c, c, 3, 3, 3, 3), 16);
  v128.store(g2, v128.shuffle<i32>(d, d, 0, 0, 0, 0), 32);
  v128.store(g2, v128.shuffle<i32>(d, d, 1, 1, 1, 1), 48);
  v128.store(g2, v128.shuffle<i32>(d, d, 2, 2, 2, 2), 64);
  v128.store(g3, v128.shuffle<i32>(d, d, 3, 3, 3, 3));
  v128.store(g3, v128.shuffle<i32>(e, e, 0, 0, 0, 0), 16);
  v128.store(g3, v128.shuffle<i32>(e, e, 1, 1, 1, 1), 32);
  v128.store(g3, v128.shuffle<i32>(e, e, 2, 2, 2, 2), 48);
  v128.store(g3, v128.shuffle<i32>(e, e, 3, 3, 3, 3), 64);
}
