/**
 * exp, log, sigmoid, tanh, softplus and sin/cos of turns on four floats, and exp, log, cos on one f64.
 *
 * Range reductions are the textbook ones (Muller, "Elementary Functions", chapter 11; Tang 1989 for exp and
 * log); the polynomials are minimax fits of our own, rounded to the format. Only + - * / are used, so every
 * engine gives the same bits. Largest errors over all floats: exp4 and log4 1.1 ulp, sigmoid4 2.5, tanh4 2.7,
 * softplus4 2.9; exp64, log64 and cos64 2 ulp of f64. Results that would be denormal are 0; NaN stays NaN.
 */

/*
 * Constants are loaded from memory: V8 rebuilds literal vectors beyond its fifteen registers from integers at
 * every use, three instructions instead of one. In the order of use; the comments number them.
 */
const SHARED: usize = memory.data<f32>([
  // 0..3: 1, 2, 0.5, and ROUND = 1.5 * 2^23, whose sum is rounded to an integer that stands in the low bits
  1, 2, 0.5, 12582912,
  // 4: log2(e); 5, 6: ln 2 in two parts, the first short enough that n * part is exact
  1.44269504, 0.693359375, -2.1219444e-4,
]);
const EXP: usize = memory.data<f32>([
  0.0013882516650483012, 0.008366520516574383, 0.04166720062494278, 0.1666654348373413, 0.4999999701976776,
  // 5, 6: ln 2^-126, below which exp is denormal, and ln of the largest float; 7: what makes Infinity
  -87.3365448, 88.7228394, 3e38,
  // 8: below it 1 / (1 + exp(-x)) is 1; 9, 10: beyond them tanh(x / 2) is -1 or 1
  -80, -20, 20,
]);
const LOG: usize = memory.data<f32>([0.29871866106987, 0.39977535605430603, 0.6666677594184875]);
const LOG1P: usize = memory.data<f32>([
  0.2802445888519287, 0.27999141812324524, 0.4002169966697693, 0.6666641235351562,
]);
const SIN: usize = memory.data<f32>([
  39.71092224121094, -76.57498931884766, 81.60223388671875, -41.341678619384766, 6.2831854820251465,
]);
const COS: usize = memory.data<f32>([
  -25.006797790527344, 60.1482048034668, -85.4538345336914, 64.9393539428711, -19.739208221435547,
]);

// @ts-ignore: decorator
@inline
function constant(table: usize, index: usize): v128 {
  return v128.load_splat<f32>(table + (index << 2));
}

/** Two roundings in every build: the reduction of arguments below counts on them. */
// @ts-ignore: decorator
@inline
function multiplyThenAdd(a: v128, b: v128, c: v128): v128 {
  return f32x4.add(f32x4.mul(a, b), c);
}

/** x / ln 2 + ROUND: its low bits are the nearest integer n, with x = n ln 2 + r. */
// @ts-ignore: decorator
@inline
function octaves(x: v128): v128 {
  return multiplyThenAdd(x, constant(SHARED, 4), constant(SHARED, 3));
}

// @ts-ignore: decorator
@inline
function remainder(x: v128, shifted: v128): v128 {
  const n = f32x4.sub(shifted, constant(SHARED, 3));
  const r = f32x4.sub(x, f32x4.mul(n, constant(SHARED, 5)));
  return f32x4.sub(r, f32x4.mul(n, constant(SHARED, 6)));
}

/** exp(r) - 1 for |r| <= ln 2 / 2, with small relative error: r + r^2 q(r). */
// @ts-ignore: decorator
@inline
function smallExpMinus1(r: v128): v128 {
  let q = multiplyThenAdd(r, constant(EXP, 0), constant(EXP, 1));
  q = multiplyThenAdd(q, r, constant(EXP, 2));
  q = multiplyThenAdd(q, r, constant(EXP, 3));
  q = multiplyThenAdd(q, r, constant(EXP, 4));
  return f32x4.add(r, f32x4.mul(f32x4.mul(r, r), q));
}

/** exp for ln 2^-126 <= x <= ln of the largest float; elsewhere any bits. */
// @ts-ignore: decorator
@inline
function expBetween(x: v128): v128 {
  const shifted = octaves(x);
  const p = f32x4.add(smallExpMinus1(remainder(x, shifted)), constant(SHARED, 0));
  // Adding n to the exponent reaches 2^128 (1 - 2^-24), where a factor 2^n would overflow.
  return i32x4.add(p, i32x4.shl(shifted, 23));
}

/** exp: 0 below ln 2^-126, Infinity above ln of the largest float. */
// @ts-ignore: decorator
@inline
export function exp4(x: v128): v128 {
  // The product is Infinity above the range and NaN for NaN.
  const rest = f32x4.mul(x, constant(EXP, 7));
  return v128.bitselect(expNegative(x), rest, f32x4.le(x, constant(EXP, 6)));
}

/** exp for x <= 0; elsewhere, and for NaN, any bits. */
// @ts-ignore: decorator
@inline
export function expNegative(x: v128): v128 {
  return v128.andnot(expBetween(x), f32x4.lt(x, constant(EXP, 5)));
}

/** x <- exp(x - shift) for sixteen x <= shift: the same operations side by side, each constant loaded once. */
// @ts-ignore: decorator
@inline
export function expNegativeFour(x: usize, shift: v128): void {
  const a = f32x4.sub(v128.load(x), shift);
  const b = f32x4.sub(v128.load(x, 16), shift);
  const c = f32x4.sub(v128.load(x, 32), shift);
  const d = f32x4.sub(v128.load(x, 48), shift);
  let k = constant(SHARED, 4);
  let l = constant(SHARED, 3);
  const na = multiplyThenAdd(a, k, l);
  const nb = multiplyThenAdd(b, k, l);
  const nc = multiplyThenAdd(c, k, l);
  const nd = multiplyThenAdd(d, k, l);
  const ma = f32x4.sub(na, l);
  const mb = f32x4.sub(nb, l);
  const mc = f32x4.sub(nc, l);
  const md = f32x4.sub(nd, l);
  k = constant(SHARED, 5);
  l = constant(SHARED, 6);
  const ra = f32x4.sub(f32x4.sub(a, f32x4.mul(ma, k)), f32x4.mul(ma, l));
  const rb = f32x4.sub(f32x4.sub(b, f32x4.mul(mb, k)), f32x4.mul(mb, l));
  const rc = f32x4.sub(f32x4.sub(c, f32x4.mul(mc, k)), f32x4.mul(mc, l));
  const rd = f32x4.sub(f32x4.sub(d, f32x4.mul(md, k)), f32x4.mul(md, l));
  k = constant(EXP, 0);
  l = constant(EXP, 1);
  let pa = multiplyThenAdd(ra, k, l);
  let pb = multiplyThenAdd(rb, k, l);
  let pc = multiplyThenAdd(rc, k, l);
  let pd = multiplyThenAdd(rd, k, l);
  k = constant(EXP, 2);
  pa = multiplyThenAdd(pa, ra, k);
  pb = multiplyThenAdd(pb, rb, k);
  pc = multiplyThenAdd(pc, rc, k);
  pd = multiplyThenAdd(pd, rd, k);
  k = constant(EXP, 3);
  pa = multiplyThenAdd(pa, ra, k);
  pb = multiplyThenAdd(pb, rb, k);
  pc = multiplyThenAdd(pc, rc, k);
  pd = multiplyThenAdd(pd, rd, k);
  k = constant(EXP, 4);
  pa = multiplyThenAdd(pa, ra, k);
  pb = multiplyThenAdd(pb, rb, k);
  pc = multiplyThenAdd(pc, rc, k);
  pd = multiplyThenAdd(pd, rd, k);
  k = constant(SHARED, 0);
  pa = f32x4.add(f32x4.add(ra, f32x4.mul(f32x4.mul(ra, ra), pa)), k);
  pb = f32x4.add(f32x4.add(rb, f32x4.mul(f32x4.mul(rb, rb), pb)), k);
  pc = f32x4.add(f32x4.add(rc, f32x4.mul(f32x4.mul(rc, rc), pc)), k);
  pd = f32x4.add(f32x4.add(rd, f32x4.mul(f32x4.mul(rd, rd), pd)), k);
  k = constant(EXP, 5);
  v128.store(x, v128.andnot(i32x4.add(pa, i32x4.shl(na, 23)), f32x4.lt(a, k)));
  v128.store(x, v128.andnot(i32x4.add(pb, i32x4.shl(nb, 23)), f32x4.lt(b, k)), 16);
  v128.store(x, v128.andnot(i32x4.add(pc, i32x4.shl(nc, 23)), f32x4.lt(c, k)), 32);
  v128.store(x, v128.andnot(i32x4.add(pd, i32x4.shl(nd, 23)), f32x4.lt(d, k)), 48);
}

/** log of positive normal floats; x = 2^n m, m in [sqrt 1/2, sqrt 2), f = m - 1, s = f / (2 + f). */
// @ts-ignore: decorator
@inline
export function logPositive(x: v128): v128 {
  const e = i32x4.shr_s(i32x4.sub(x, i32x4.splat(0x3f3504f3)), 23);
  const f = f32x4.sub(i32x4.sub(x, i32x4.shl(e, 23)), constant(SHARED, 0));
  const s = f32x4.div(f, f32x4.add(f, constant(SHARED, 1)));
  const z = f32x4.mul(s, s);
  const p = multiplyThenAdd(multiplyThenAdd(z, constant(LOG, 0), constant(LOG, 1)), z, constant(LOG, 2));
  const half = f32x4.mul(f32x4.mul(f, f), constant(SHARED, 2));
  const n = f32x4.convert_i32x4_s(e);
  // ln m = f - (half - s (half + z p)): f is exact, so the error is that of the smaller terms.
  const low = f32x4.mul(n, constant(SHARED, 6));
  const small = multiplyThenAdd(s, f32x4.add(half, f32x4.mul(z, p)), low);
  return multiplyThenAdd(n, constant(SHARED, 5), f32x4.sub(f, f32x4.sub(half, small)));
}

/** log: -Infinity at 0, NaN below, right for denormal floats too. */
// @ts-ignore: decorator
@inline
export function log4(x: v128): v128 {
  // Denormals are scaled by 2^24, and 24 ln 2 taken off again.
  const tiny = f32x4.lt(x, f32x4.splat(1.17549435e-38));
  const scaled = v128.bitselect(f32x4.mul(x, f32x4.splat(16777216)), x, tiny);
  let y = f32x4.sub(logPositive(scaled), v128.and(tiny, f32x4.splat(16.635532)));
  y = v128.bitselect(f32x4.splat(-Infinity), y, f32x4.eq(x, f32x4.splat(0)));
  y = v128.bitselect(y, x, f32x4.lt(x, f32x4.splat(Infinity)));
  // All bits set is a NaN.
  return v128.or(y, f32x4.lt(x, f32x4.splat(0)));
}

/** 1 / (1 + exp(-x)), relative accuracy also where it is small; 0 where it would be denormal. */
// @ts-ignore: decorator
@inline
export function sigmoid4(x: v128): v128 {
  const y = f32x4.pmax(f32x4.neg(x), constant(EXP, 8));
  const shifted = octaves(y);
  const one = constant(SHARED, 0);
  const power = i32x4.add(i32x4.shl(shifted, 23), one);
  // A product, not a sum of exponents as in exp, so that NaN stays NaN.
  const e = f32x4.mul(f32x4.add(smallExpMinus1(remainder(y, shifted)), one), power);
  return v128.andnot(f32x4.div(one, f32x4.add(e, one)), f32x4.lt(x, constant(EXP, 5)));
}

/** E / (E + 2), E = exp(2x) - 1 = 2^n (exp(r) - 1) + (2^n - 1): relative accuracy also near 0. */
// @ts-ignore: decorator
@inline
export function tanh4(x: v128): v128 {
  const y = f32x4.pmin(f32x4.pmax(f32x4.add(x, x), constant(EXP, 9)), constant(EXP, 10));
  const shifted = octaves(y);
  const one = constant(SHARED, 0);
  const power = i32x4.add(i32x4.shl(shifted, 23), one);
  const e = multiplyThenAdd(power, smallExpMinus1(remainder(y, shifted)), f32x4.sub(power, one));
  return f32x4.div(e, f32x4.add(e, constant(SHARED, 1)));
}

/** max(x, 0) + ln(1 + exp(-|x|)), the logarithm as 2 atanh(e / (2 + e)), whose argument is at most 1/3. */
// @ts-ignore: decorator
@inline
export function softplus4(x: v128): v128 {
  const e = expNegative(v128.or(x, f32x4.splat(-0.0)));
  const s = f32x4.div(e, f32x4.add(e, constant(SHARED, 1)));
  const z = f32x4.mul(s, s);
  let p = multiplyThenAdd(z, constant(LOG1P, 0), constant(LOG1P, 1));
  p = multiplyThenAdd(p, z, constant(LOG1P, 2));
  p = multiplyThenAdd(p, z, constant(LOG1P, 3));
  const log = multiplyThenAdd(f32x4.mul(s, z), p, f32x4.add(s, s));
  return f32x4.add(f32x4.pmax(x, f32x4.splat(0)), log);
}

/** sin(2 pi r) for |r| <= 1/4. */
// @ts-ignore: decorator
@inline
export function sinQuarter(r: v128): v128 {
  const y = f32x4.mul(r, r);
  let p = multiplyThenAdd(y, constant(SIN, 0), constant(SIN, 1));
  p = multiplyThenAdd(p, y, constant(SIN, 2));
  p = multiplyThenAdd(p, y, constant(SIN, 3));
  return f32x4.mul(r, multiplyThenAdd(p, y, constant(SIN, 4)));
}

/** cos(2 pi r) for |r| <= 1/4; absolute error 1e-7. */
// @ts-ignore: decorator
@inline
export function cosQuarter(r: v128): v128 {
  const y = f32x4.mul(r, r);
  let p = multiplyThenAdd(y, constant(COS, 0), constant(COS, 1));
  p = multiplyThenAdd(p, y, constant(COS, 2));
  p = multiplyThenAdd(p, y, constant(COS, 3));
  return multiplyThenAdd(multiplyThenAdd(p, y, constant(COS, 4)), y, constant(SHARED, 0));
}

/** u less its nearest half turn: within +-1/4, exact. */
// @ts-ignore: decorator
@inline
function withinQuarter(u: v128, shifted: v128): v128 {
  return f32x4.sub(u, f32x4.mul(f32x4.sub(shifted, constant(SHARED, 3)), constant(SHARED, 2)));
}

/** sin(2 pi u) for 0 <= u < 1. */
// @ts-ignore: decorator
@inline
export function sinTurn4(u: v128): v128 {
  const shifted = multiplyThenAdd(u, constant(SHARED, 1), constant(SHARED, 3));
  return v128.xor(sinQuarter(withinQuarter(u, shifted)), i32x4.shl(shifted, 31));
}

/** cos(2 pi u) for 0 <= u < 1. */
// @ts-ignore: decorator
@inline
export function cosTurn4(u: v128): v128 {
  const shifted = multiplyThenAdd(u, constant(SHARED, 1), constant(SHARED, 3));
  return v128.xor(cosQuarter(withinQuarter(u, shifted)), i32x4.shl(shifted, 31));
}

export function expArray(out: usize, x: usize, n: i32): void {
  for (const end = x + ((<usize>n) << 2); x < end; x += 16, out += 16) v128.store(out, exp4(v128.load(x)));
}

export function logArray(out: usize, x: usize, n: i32): void {
  for (const end = x + ((<usize>n) << 2); x < end; x += 16, out += 16) v128.store(out, log4(v128.load(x)));
}

export function sigmoidArray(out: usize, x: usize, n: i32): void {
  for (const end = x + ((<usize>n) << 2); x < end; x += 16, out += 16)
    v128.store(out, sigmoid4(v128.load(x)));
}

export function tanhArray(out: usize, x: usize, n: i32): void {
  for (const end = x + ((<usize>n) << 2); x < end; x += 16, out += 16) v128.store(out, tanh4(v128.load(x)));
}

export function softplusArray(out: usize, x: usize, n: i32): void {
  for (const end = x + ((<usize>n) << 2); x < end; x += 16, out += 16)
    v128.store(out, softplus4(v128.load(x)));
}

export function sinTurnArray(out: usize, x: usize, n: i32): void {
  for (const end = x + ((<usize>n) << 2); x < end; x += 16, out += 16)
    v128.store(out, sinTurn4(v128.load(x)));
}

export function cosTurnArray(out: usize, x: usize, n: i32): void {
  for (const end = x + ((<usize>n) << 2); x < end; x += 16, out += 16)
    v128.store(out, cosTurn4(v128.load(x)));
}

// Short parts of ln 2 for f64: n * LN2_HIGH64 is exact for |n| <= 2^20.
const LN2_HIGH64: f64 = reinterpret<f64>(0x3fe62e42fee00000);
const LN2_LOW64: f64 = 1.90821492927058770002e-10;

/** exp of one f64; 0 below ln 2^-1022. */
export function exp64(x: f64): f64 {
  if (x > 709.782712893384) return Infinity;
  if (x < -708.3964185322641) return 0;
  const n = nearest(x * 1.4426950408889634);
  const r = x - n * LN2_HIGH64 - n * LN2_LOW64;
  let q = 2.5117911083483721993e-8;
  q = q * r + 2.7631278681900356007e-7;
  q = q * r + 2.7557216122839610472e-6;
  q = q * r + 0.000024801489947375365247;
  q = q * r + 0.00019841269917606099697;
  q = q * r + 0.0013888888947010359738;
  q = q * r + 0.0083333333333070921305;
  q = q * r + 0.041666666666515442231;
  q = q * r + 0.16666666666666699254;
  q = q * r + 0.50000000000000127381;
  return reinterpret<f64>(reinterpret<i64>(1 + (r + r * r * q)) + ((<i64>n) << 52));
}

/** log of one f64; -Infinity at 0, NaN below. */
export function log64(x: f64): f64 {
  if (!(x > 0 && x < Infinity)) return x == 0 ? -Infinity : x < 0 ? NaN : x;
  let bits = reinterpret<i64>(x);
  let n: f64 = 0;
  if (x < 2.2250738585072014e-308) {
    bits = reinterpret<i64>(x * 18014398509481984); // 2^54
    n = -54;
  }
  const e = (bits - 0x3fe6a09e667f3bcd) >> 52;
  n += <f64>e;
  const f = reinterpret<f64>(bits - (e << 52)) - 1;
  const s = f / (2 + f);
  const z = s * s;
  let p = 0.14796109336155558411;
  p = p * z + 0.15314035436912637602;
  p = p * z + 0.18183564883178298802;
  p = p * z + 0.22222198563131836274;
  p = p * z + 0.28571428742478971553;
  p = p * z + 0.3999999999941429715;
  p = p * z + 0.6666666666666734466;
  const half = 0.5 * f * f;
  return n * LN2_HIGH64 + (f - (half - (s * (half + z * p) + n * LN2_LOW64)));
}

/** cos of one f64 in [0, pi], as sin(pi/2 - x). */
export function cos64(x: f64): f64 {
  const y = 1.5707963267948966 - x + 6.123233995736766e-17;
  const z = y * y;
  let p = 2.7222683261878243309e-15;
  p = p * z - 7.6430989369459059654e-13;
  p = p * z + 1.6058943986134535638e-10;
  p = p * z - 2.5052106961259681621e-8;
  p = p * z + 2.7557319212143274593e-6;
  p = p * z - 0.00019841269841215348765;
  p = p * z + 0.0083333333333332120555;
  p = p * z - 0.16666666666666665744;
  return y + y * z * p;
}
