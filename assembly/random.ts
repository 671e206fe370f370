/**
 * Counter-based random numbers: Philox4x32-10 (Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy
 * as 1, 2, 3", SC 2011, section 3.3), and normal deviates by Box and Muller (1958).
 *
 * key = (seedLow, seedHigh), counter = (block, step, stream, particle). Element e of the padded flat vector is
 * word (e >> 2) & 3 of block 4 (e >> 4) + (e & 3): sixteen elements are four blocks side by side in the lanes.
 * So firstElement must be a multiple of 16, and n is rounded up to one: padding is written.
 */
import { cosQuarter, sinQuarter } from "./elementary";

/** Bytes of words drawn before they are turned into deviates: they stay in the nearest cache. */
export const DRAW_BYTES: usize = 4096;

/** Multipliers and key increments, for lanes (c0, c2, c0, c2). */
const PHILOX: usize = memory.data<u32>([
  0xd2511f53, 0xcd9e8d57, 0xd2511f53, 0xcd9e8d57, 0x9e3779b9, 0xbb67ae85, 0x9e3779b9, 0xbb67ae85,
]);

/** (even0, odd0, even1, odd1): lanes of two blocks. */
// @ts-ignore: decorator
@inline
function lanes(even0: u32, odd0: u32, even1: u32, odd1: u32): v128 {
  const low = i32x4.replace_lane(i32x4.splat(even0), 1, odd0);
  return i32x4.replace_lane(i32x4.replace_lane(low, 2, even1), 3, odd1);
}

// @ts-ignore: decorator
@inline
function highWords(low: v128, high: v128): v128 {
  return v128.shuffle<i32>(low, high, 3, 1, 7, 5);
}

// @ts-ignore: decorator
@inline
function lowWords(low: v128, high: v128): v128 {
  return v128.shuffle<i32>(low, high, 2, 0, 6, 4);
}

/**
 * The words of elements 16 * group and after to out..end. Vectors hold lanes (c0, c2) or (c1, c3) of two
 * blocks, so that a round has one vector of multipliers and one of keys; eight blocks at a time fill the units.
 */
export function words(
  out: usize,
  end: usize,
  group: u32,
  low: u32,
  high: u32,
  step: u32,
  stream: u32,
  particle: u32,
): void {
  const multiplier = v128.load(PHILOX);
  const increment = v128.load(PHILOX, 16);
  const key = lanes(low, high, low, high);
  const rest = lanes(step, particle, step, particle);
  let block = group << 2;
  for (; out < end; out += 128, block += 8) {
    let k = key;
    let a = lanes(block, stream, block + 1, stream);
    let b = i32x4.add(a, lanes(2, 0, 2, 0));
    let c = i32x4.add(a, lanes(4, 0, 4, 0));
    let d = i32x4.add(a, lanes(6, 0, 6, 0));
    let e = rest;
    let f = rest;
    let g = rest;
    let h = rest;
    for (let round = 0; round < 10; round++) {
      const al = i64x2.extmul_low_i32x4_u(a, multiplier);
      const ah = i64x2.extmul_high_i32x4_u(a, multiplier);
      const bl = i64x2.extmul_low_i32x4_u(b, multiplier);
      const bh = i64x2.extmul_high_i32x4_u(b, multiplier);
      const cl = i64x2.extmul_low_i32x4_u(c, multiplier);
      const ch = i64x2.extmul_high_i32x4_u(c, multiplier);
      const dl = i64x2.extmul_low_i32x4_u(d, multiplier);
      const dh = i64x2.extmul_high_i32x4_u(d, multiplier);
      a = v128.xor(highWords(al, ah), v128.xor(e, k));
      e = lowWords(al, ah);
      b = v128.xor(highWords(bl, bh), v128.xor(f, k));
      f = lowWords(bl, bh);
      c = v128.xor(highWords(cl, ch), v128.xor(g, k));
      g = lowWords(cl, ch);
      d = v128.xor(highWords(dl, dh), v128.xor(h, k));
      h = lowWords(dl, dh);
      k = i32x4.add(k, increment);
    }
    storeGroup(out, a, b, e, f);
    // An odd number of groups: what lies behind the last one is not ours.
    if (out + 64 < end) storeGroup(out + 64, c, d, g, h);
  }
}

// @ts-ignore: decorator
@inline
function storeGroup(out: usize, even0: v128, even1: v128, odd0: v128, odd1: v128): void {
  v128.store(out, v128.shuffle<i32>(even0, even1, 0, 2, 4, 6));
  v128.store(out, v128.shuffle<i32>(odd0, odd1, 0, 2, 4, 6), 16);
  v128.store(out, v128.shuffle<i32>(even0, even1, 1, 3, 5, 7), 32);
  v128.store(out, v128.shuffle<i32>(odd0, odd1, 1, 3, 5, 7), 48);
}

/** 0x3f3504f3, the bits of the root of a half, and the sign bit: V8 makes a constant anew in every turn of a loop. */
const BITS: usize = memory.data<i32>([
  0x3f3504f3, 0x3f3504f3, 0x3f3504f3, 0x3f3504f3, 0x80000000, 0x80000000, 0x80000000, 0x80000000,
]);

/** For radii: 2^-32, 2^-33, 1, 2, the series of -2 ln m, -2 ln 2. */
const RADIUS: usize = memory.data<f32>([
  2.3283064365386963e-10, 1.1641532182693481e-10, 1, 2, -0.59743732213974, -0.79955071210860603,
  -1.333335518836975, -4, -1.3862943611198906,
]);

// @ts-ignore: decorator
@inline
function constant(index: usize): v128 {
  return v128.load_splat<f32>(RADIUS + (index << 2));
}

/**
 * The first word of each pair becomes the radius sqrt(-2 ln u), u = word 2^-32 + 2^-33: 0 to 6.8. Its
 * sign is that of the second's nearest half turn. The logarithm as in logPositive, simpler, to 3e-7.
 */
export function radii(out: usize, end: usize): void {
  const c0 = constant(0);
  const c1 = constant(1);
  const one = constant(2);
  const two = constant(3);
  const c4 = constant(4);
  const c5 = constant(5);
  const c6 = constant(6);
  const c7 = constant(7);
  const c8 = constant(8);
  const half = v128.load(BITS);
  const sign = v128.load(BITS, 16);
  // Two loops: of a long chain of operations few are in flight at a time.
  for (let at = out; at < end; at += 32)
    v128.store(at, f32x4.add(f32x4.mul(f32x4.convert_i32x4_u(v128.load(at)), c0), c1));
  for (; out < end; out += 32) {
    const second = v128.load(out, 16);
    const u = v128.load(out);
    const n = i32x4.shr_s(i32x4.sub(u, half), 23);
    const f = f32x4.sub(i32x4.sub(u, i32x4.shl(n, 23)), one);
    const s = f32x4.div(f, f32x4.add(f, two));
    const z = f32x4.mul(s, s);
    let p = f32x4.add(f32x4.mul(z, c4), c5);
    p = f32x4.add(f32x4.mul(p, z), c6);
    p = f32x4.add(f32x4.mul(p, z), c7);
    const log = f32x4.add(f32x4.mul(f32x4.convert_i32x4_s(n), c8), f32x4.mul(p, s));
    // The nearest half turn is odd where bits 31 and 30 differ.
    const odd = v128.and(v128.xor(second, i32x4.shl(second, 1)), sign);
    v128.store(out, v128.xor(f32x4.sqrt(log), odd));
  }
}

/** The angle (second >>> 8) 2^-24 in turns less its nearest half turn: bits 30..8 as a signed number. */
// @ts-ignore: decorator
@inline
export function angle(second: v128): v128 {
  const fraction = i32x4.shr_s(i32x4.shl(second, 1), 9);
  return f32x4.mul(f32x4.convert_i32x4_s(fraction), f32x4.splat(5.9604644775390625e-8));
}

/** The words themselves. */
export function philoxWords(
  out: usize,
  n: i32,
  firstElement: u32,
  seedLow: u32,
  seedHigh: u32,
  step: u32,
  stream: u32,
  particle: u32,
): void {
  words(out, out + ((<usize>n) << 2), firstElement >> 4, seedLow, seedHigh, step, stream, particle);
}

/** Standard normal deviates: words (0, 1) and (2, 3) of a block are each a pair (r cos, r sin). */
export function normalArray(
  out: usize,
  n: i32,
  firstElement: u32,
  seedLow: u32,
  seedHigh: u32,
  step: u32,
  stream: u32,
  particle: u32,
): void {
  philoxWords(out, n, firstElement, seedLow, seedHigh, step, stream, particle);
  const end = out + (((<usize>n + 15) & ~15) << 2);
  radii(out, end);
  for (; out < end; out += 32) {
    const word = v128.load(out, 16);
    const r = v128.load(out);
    const turn = angle(word);
    v128.store(out, f32x4.mul(r, cosQuarter(turn)));
    v128.store(out, f32x4.mul(r, sinQuarter(turn)), 16);
  }
}

// @ts-ignore: decorator
@inline
function uniform(words: v128): v128 {
  return f32x4.mul(f32x4.convert_i32x4_s(i32x4.shr_u(words, 8)), f32x4.splat(5.9604644775390625e-8));
}

/** Multiples of 2^-24 in [0, 1). */
export function uniformArray(
  out: usize,
  n: i32,
  firstElement: u32,
  seedLow: u32,
  seedHigh: u32,
  step: u32,
  stream: u32,
  particle: u32,
): void {
  philoxWords(out, n, firstElement, seedLow, seedHigh, step, stream, particle);
  for (const end = out + ((<usize>n) << 2); out < end; out += 16) v128.store(out, uniform(v128.load(out)));
}

/** 1 / keep with probability keep, otherwise 0. */
export function dropoutMask(
  out: usize,
  n: i32,
  firstElement: u32,
  keep: f32,
  seedLow: u32,
  seedHigh: u32,
  step: u32,
  stream: u32,
  particle: u32,
): void {
  philoxWords(out, n, firstElement, seedLow, seedHigh, step, stream, particle);
  const kept = f32x4.splat(1 / keep);
  const limit = f32x4.splat(keep);
  for (const end = out + ((<usize>n) << 2); out < end; out += 16)
    v128.store(out, v128.and(kept, f32x4.lt(uniform(v128.load(out)), limit)));
}
