/**
 * Dot-product attention (Luong, Pham and Manning 2015): a row weighs earlier states by the softmax of its products
 * with them, and reads their weighted sum.
 *
 *   a_i = softmax_i(x · k_i),  c = Σ a_i k_i;  out = [c ; x], c zero where there is no state
 *
 * Row r has counts[r] states, the rows places[r, i] of `keys`; `weights` and `places` are [rows, stride], stride a
 * multiple of 4 and no smaller than any count. All sums are in the order of i, so that their bits depend on the row
 * alone. Forward and backward here.
 */
import { Count } from "./types";
import { expNegative } from "./elementary";
import { multiplyAdd } from "./fused";

/** Stands for minus infinity: exp gives 0. */
const NEVER: f32 = -1e30;

// @ts-ignore: decorator
@inline
function horizontalSum(x: v128): f32 {
  return (
    f32x4.extract_lane(x, 0) + f32x4.extract_lane(x, 1) + (f32x4.extract_lane(x, 2) + f32x4.extract_lane(x, 3))
  );
}

/** x[rows, width] to out[rows, 2·width] and weights[rows, stride]. */
export function attend(
  out: usize,
  weights: usize,
  x: usize,
  keys: usize,
  places: usize,
  counts: usize,
  rows: Count,
  width: Count,
  stride: Count,
): void {
  const bytes = width << 2;
  for (let r: usize = 0; r < rows; r++) {
    const count = <usize>load<i32>(counts);
    products(weights, x, keys, places, count, bytes);
    normalise(weights, count);
    weighted(out, 0, weights, keys, places, count, bytes);
    memory.copy(out + bytes, x, bytes);
    out += bytes << 1;
    x += bytes;
    weights += stride << 2;
    places += stride << 2;
    counts += 4;
  }
}

/** to[i] = x · k_i. */
function products(to: usize, x: usize, keys: usize, places: usize, count: usize, bytes: usize): void {
  for (const end = places + (count << 2); places < end; places += 4, to += 4)
    store<f32>(to, dot(x, keys + <usize>load<i32>(places) * bytes, bytes));
}

/** Four chains of sums. */
function dot(x: usize, y: usize, bytes: usize): f32 {
  let s0 = f32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  const end = x + bytes;
  const fours = x + (bytes & ~63);
  const whole = x + (bytes & ~15);
  for (; x < fours; x += 64, y += 64) {
    s0 = multiplyAdd(v128.load(x), v128.load(y), s0);
    s1 = multiplyAdd(v128.load(x, 16), v128.load(y, 16), s1);
    s2 = multiplyAdd(v128.load(x, 32), v128.load(y, 32), s2);
    s3 = multiplyAdd(v128.load(x, 48), v128.load(y, 48), s3);
  }
  for (; x < whole; x += 16, y += 16) s0 = multiplyAdd(v128.load(x), v128.load(y), s0);
  let sum = horizontalSum(f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3)));
  for (; x < end; x += 4, y += 4) sum += load<f32>(x) * load<f32>(y);
  return sum;
}

/** Scores become their softmax; not a number where one of them is not. */
function normalise(weights: usize, count: usize): void {
  const end = weights + (count << 2);
  const padded = weights + (((count + 3) & ~3) << 2);
  for (let at = end; at < padded; at += 4) store<f32>(at, NEVER);
  let most: f32 = NEVER;
  for (let at = weights; at < end; at += 4) most = max(most, load<f32>(at));
  const shift = f32x4.splat(most);
  let sum = f32x4.sub(shift, shift);
  for (let at = weights; at < padded; at += 16) {
    const e = expNegative(f32x4.sub(v128.load(at), shift));
    v128.store(at, e);
    sum = f32x4.add(sum, e);
  }
  const by = f32x4.splat(<f32>1 / horizontalSum(sum));
  for (let at = weights; at < padded; at += 16) v128.store(at, f32x4.mul(v128.load(at), by));
}

/** out = from + Σ weights_i k_i, without `from` where that is 0; sixteen columns at a time. */
function weighted(
  out: usize,
  from: usize,
  weights: usize,
  keys: usize,
  places: usize,
  count: usize,
  bytes: usize,
): void {
  const last = weights + (count << 2);
  let column: usize = 0;
  for (; column + 64 <= bytes; column += 64) {
    let c0 = f32x4.splat(0);
    let c1 = c0;
    let c2 = c0;
    let c3 = c0;
    if (from) {
      c0 = v128.load(from + column);
      c1 = v128.load(from + column, 16);
      c2 = v128.load(from + column, 32);
      c3 = v128.load(from + column, 48);
    }
    for (let a = weights, place = places; a < last; a += 4, place += 4) {
      const by = v128.load_splat<f32>(a);
      const key = keys + <usize>load<i32>(place) * bytes + column;
      c0 = multiplyAdd(by, v128.load(key), c0);
      c1 = multiplyAdd(by, v128.load(key, 16), c1);
      c2 = multiplyAdd(by, v128.load(key, 32), c2);
      c3 = multiplyAdd(by, v128.load(key, 48), c3);
    }
    v128.store(out + column, c0);
    v128.store(out + column, c1, 16);
    v128.store(out + column, c2, 32);
    v128.store(out + column, c3, 48);
  }
  for (; column < bytes; column += 4) {
    let c: f32 = from ? load<f32>(from + column) : 0;
    for (let a = weights, place = places; a < last; a += 4, place += 4)
      c += load<f32>(a) * load<f32>(keys + <usize>load<i32>(place) * bytes + column);
    store<f32>(out + column, c);
  }
}

/**
 * Gradients of the scores, slopes_i = a_i (dc·k_i − Σ a_j dc·k_j), and what rows themselves receive: dx = dout's second
 * half + Σ slopes_i k_i. `dOut` is [rows, 2·width].
 */
export function attendBackward(
  dx: usize,
  slopes: usize,
  dOut: usize,
  weights: usize,
  keys: usize,
  places: usize,
  counts: usize,
  rows: Count,
  width: Count,
  stride: Count,
): void {
  const bytes = width << 2;
  for (let r: usize = 0; r < rows; r++) {
    const count = <usize>load<i32>(counts);
    const last = slopes + (count << 2);
    products(slopes, dOut, keys, places, count, bytes);
    let total: f32 = 0;
    for (let at = slopes, a = weights; at < last; at += 4, a += 4) total += load<f32>(a) * load<f32>(at);
    for (let at = slopes, a = weights; at < last; at += 4, a += 4)
      store<f32>(at, load<f32>(a) * (load<f32>(at) - total));
    weighted(dx, dOut + bytes, slopes, keys, places, count, bytes);
    dx += bytes;
    dOut += bytes << 1;
    slopes += stride << 2;
    weights += stride << 2;
    places += stride << 2;
    counts += 4;
  }
}

/**
 * What states receive, in the order of the rows that read them: dx[place − first] += a_i dc + slopes_i x, for the
 * places from `first` on; `width` columns of rows of `pitch` floats, and of twice as many of `dOut`.
 */
export function attendKeysBackward(
  dx: usize,
  dOut: usize,
  slopes: usize,
  weights: usize,
  x: usize,
  places: usize,
  counts: usize,
  rows: Count,
  width: Count,
  pitch: Count,
  stride: Count,
  first: Count,
): void {
  const bytes = pitch << 2;
  const part = width << 2;
  for (let r: usize = 0; r < rows; r++) {
    const count = <usize>load<i32>(counts);
    for (let i: usize = 0; i < count << 2; i += 4) {
      const place = <isize>load<i32>(places + i) - <isize>first;
      if (place >= 0)
        addBoth(dx + <usize>place * bytes, dOut, load<f32>(weights + i), x, load<f32>(slopes + i), part);
    }
    dOut += bytes << 1;
    x += bytes;
    slopes += stride << 2;
    weights += stride << 2;
    places += stride << 2;
    counts += 4;
  }
}

/** to += a·x + b·y. */
function addBoth(to: usize, x: usize, a: f32, y: usize, b: f32, bytes: usize): void {
  const end = to + bytes;
  const va = f32x4.splat(a);
  const vb = f32x4.splat(b);
  for (const whole = to + (bytes & ~15); to < whole; to += 16, x += 16, y += 16)
    v128.store(to, multiplyAdd(vb, v128.load(y), multiplyAdd(va, v128.load(x), v128.load(to))));
  for (; to < end; to += 4, x += 4, y += 4)
    store<f32>(to, load<f32>(to) + a * load<f32>(x) + b * load<f32>(y));
}

/** dx *= 1 − y², y = tanh(x). */
export function tanhBackward(dx: usize, y: usize, n: Count): void {
  const one = f32x4.splat(1);
  const end = dx + (n << 2);
  for (const whole = dx + ((n & ~3) << 2); dx < whole; dx += 16, y += 16) {
    const t = v128.load(y);
    v128.store(dx, f32x4.mul(v128.load(dx), f32x4.sub(one, f32x4.mul(t, t))));
  }
  for (; dx < end; dx += 4, y += 4) {
    const t = load<f32>(y);
    store<f32>(dx, load<f32>(dx) * (<f32>1 - t * t));
  }
}
