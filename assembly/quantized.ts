/**
 * Products with weights of 8 bits: y[n] = x[k]·Wᵀ, W[n,k] kept as integers from -127 to 127 with a scale a
 * row, x as integers from -2047 to 2047 with one scale. Sums are of integers, exact in any order, so
 * the bits are the same in every build.
 *
 * Two weights lie in 16 bits, v = 256·high + low + 128, and stay there: Σ s·v and Σ s·(v >> 8) are two dot
 * products of 16 bits without any widening, and low's sum is the first less 256 times the second less 128·Σ s.
 * The first may wrap around, but modulo 2³² the difference is right, for it fits: 127·2047·8192 < 2³¹.
 *
 * A panel of 32 columns holds its pairs of k one after another, 64 bytes each: four vectors of eight columns, the
 * first four of them low, the last four high; a lane of 32 bits is one column (and its partner) at k and k + 1.
 */
import { Count } from "./types";
const COLUMNS: usize = 32;
const PAIR_BYTES: usize = 2 * COLUMNS;
const WEIGHT_MOST: f32 = 127;
const INPUT_MOST: f32 = 2047;
/** A quantised vector begins with its scale and 128·Σ s; its numbers follow. */
const HEADER_BYTES: usize = 16;
/** Below it a row or vector counts as zero: one over it is still a number. */
const LEAST: f32 = 1e-30;

/** Bytes that W[n,k] occupies. */
export function quantizedSize(n: Count, k: Count): Count {
  return ((n + COLUMNS - 1) & ~(COLUMNS - 1)) * ((k + 1) & ~1);
}

/** Bytes of a quantised vector. */
export function quantizedVectorSize(k: Count): Count {
  return HEADER_BYTES + (((k + 7) & ~7) << 1);
}

/** Quantises W[n,k], row-major with stride ldw; `scales` holds n rounded up to 32 floats. */
export function quantizeRows(packed: usize, scales: usize, w: usize, ldw: Count, k: Count, n: Count): void {
  const panelBytes = ((k + 1) & ~1) * COLUMNS;
  const width = (n + COLUMNS - 1) & ~(COLUMNS - 1);
  memory.fill(scales, 0, width << 2);
  // Zero weights: low bytes are 128, high bytes 0.
  for (let at = packed; at < packed + quantizedSize(n, k); at += 16) v128.store(at, i16x8.splat(128));
  for (let j: usize = 0; j < n; j++) {
    const row = w + j * (ldw << 2);
    const most = largest(row, k);
    store<f32>(scales + (j << 2), most < LEAST ? 0 : most / WEIGHT_MOST);
    const column = j & (COLUMNS - 1);
    const high = (column >> 2) & 1;
    // Of the panel, the vector, the lane, the byte.
    const to = packed + (j / COLUMNS) * panelBytes + ((column >> 3) << 4) + ((column & 3) << 2) + high;
    quantizeRow(to, row, k, most < LEAST ? 0 : WEIGHT_MOST / most, high ? 0 : 128);
  }
}

function quantizeRow(to: usize, row: usize, k: usize, factor: f32, offset: i32): void {
  for (let p: usize = 0; p < k; p++) {
    const q = <i32>nearest(load<f32>(row + (p << 2)) * factor);
    store<u8>(to + (p >> 1) * PAIR_BYTES + ((p & 1) << 1), q + offset);
  }
}

/** Largest size of `n` floats; NaN where one of them is. */
function largest(x: usize, n: usize): f32 {
  let most: f32 = 0;
  const whole = x + ((n & ~3) << 2);
  const end = x + (n << 2);
  let four = f32x4.splat(0);
  for (; x < whole; x += 16) four = f32x4.max(four, f32x4.abs(v128.load(x)));
  for (; x < end; x += 4) most = max(most, abs(load<f32>(x)));
  most = max(most, max(f32x4.extract_lane(four, 0), f32x4.extract_lane(four, 1)));
  return max(most, max(f32x4.extract_lane(four, 2), f32x4.extract_lane(four, 3)));
}

/** Quantises x[k] into `quantizedVectorSize(k)` bytes. */
export function quantizeVector(out: usize, x: usize, k: Count): void {
  const most = largest(x, k);
  const none = most < LEAST;
  const factor = none ? <f32>0 : INPUT_MOST / most;
  const by = f32x4.splat(factor);
  let sums = i32x4.splat(0);
  let to = out + HEADER_BYTES;
  const whole = x + ((k & ~3) << 2);
  const end = x + (k << 2);
  for (; x < whole; x += 16) {
    const q = i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(v128.load(x), by)));
    sums = i32x4.add(sums, q);
    v128.store64_lane(to, i16x8.narrow_i32x4_s(q, q), 0);
    to += 8;
  }
  let sum = i32x4.extract_lane(sums, 0) + i32x4.extract_lane(sums, 1);
  sum += i32x4.extract_lane(sums, 2) + i32x4.extract_lane(sums, 3);
  for (; x < end; x += 4) {
    const q = <i32>nearest(load<f32>(x) * factor);
    sum += q;
    store<i16>(to, <i16>q);
    to += 2;
  }
  if (k & 1) store<i16>(to, 0);
  store<f32>(out, none ? 0 : most / INPUT_MOST);
  store<i32>(out, sum << 7, 4);
}

/** y = from + x·Wᵀ, or without `from` where that is 0; `from` may be y. Both have whole panels of 32 floats. */
export function timesQuantized(
  n: Count, k: Count, x: usize, packed: usize, scales: usize, from: usize, y: usize,
): void {
  const panelBytes = ((k + 1) & ~1) * COLUMNS;
  for (const end = y + (n << 2); y < end; y += COLUMNS * 4) {
    tile1x32(k, x, packed, scales, from, y);
    packed += panelBytes;
    scales += COLUMNS * 4;
    if (from) from += COLUMNS * 4;
  }
}

/** Four sums of v and four of its high bytes; the branch within the step is explained in gemm.ts. */
function tile1x32(k: usize, x: usize, panel: usize, scales: usize, from: usize, y: usize): void {
  let v0 = i32x4.splat(0),
    v1 = v0,
    v2 = v0,
    v3 = v0,
    h0 = v0,
    h1 = v0,
    h2 = v0,
    h3 = v0;
  let at = x + HEADER_BYTES;
  const end = at + (((k + 1) & ~1) << 1);
  let s: v128, w: v128;
  while (true) {
    s = v128.load32_splat(at);
    w = v128.load(panel, 0);
    v0 = i32x4.add(v0, i32x4.dot_i16x8_s(s, w));
    h0 = i32x4.add(h0, i32x4.dot_i16x8_s(s, i16x8.shr_s(w, 8)));
    w = v128.load(panel, 16);
    v1 = i32x4.add(v1, i32x4.dot_i16x8_s(s, w));
    h1 = i32x4.add(h1, i32x4.dot_i16x8_s(s, i16x8.shr_s(w, 8)));
    if (k == 100001) break;
    w = v128.load(panel, 32);
    v2 = i32x4.add(v2, i32x4.dot_i16x8_s(s, w));
    h2 = i32x4.add(h2, i32x4.dot_i16x8_s(s, i16x8.shr_s(w, 8)));
    w = v128.load(panel, 48);
    v3 = i32x4.add(v3, i32x4.dot_i16x8_s(s, w));
    h3 = i32x4.add(h3, i32x4.dot_i16x8_s(s, i16x8.shr_s(w, 8)));
    at += 4;
    panel += PAIR_BYTES;
    if (at == end) break;
  }
  const scale = v128.load_splat<f32>(x);
  const offset = v128.load32_splat(x, 4);
  finish(v0, h0, offset, scale, scales, from, y);
  finish(v1, h1, offset, scale, scales + 32, from ? from + 32 : 0, y + 32);
  finish(v2, h2, offset, scale, scales + 64, from ? from + 64 : 0, y + 64);
  finish(v3, h3, offset, scale, scales + 96, from ? from + 96 : 0, y + 96);
}

// @ts-ignore: decorator
@inline
function finish(v: v128, high: v128, offset: v128, scale: v128, scales: usize, from: usize, y: usize): void {
  const low = i32x4.sub(i32x4.sub(v, i32x4.shl(high, 8)), offset);
  let a = f32x4.mul(f32x4.convert_i32x4_s(low), f32x4.mul(v128.load(scales), scale));
  let b = f32x4.mul(f32x4.convert_i32x4_s(high), f32x4.mul(v128.load(scales, 16), scale));
  if (from) {
    a = f32x4.add(v128.load(from), a);
    b = f32x4.add(v128.load(from, 16), b);
  }
  v128.store(y, a);
  v128.store(y, b, 16);
}
