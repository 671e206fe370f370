/**
 * Sums over each row of a matrix [rows, width], in double precision and in the order of the columns: one chain of
 * additions a row. Four rows go side by side, two in the lanes of a vector, so that no chain waits for itself.
 * Results are doubles, one a row.
 */
import { Count } from "./types";

/** Both lanes of the lower half, in double precision. */
// @ts-ignore: decorator
@inline
function low(x: v128): v128 {
  return f64x2.promote_low_f32x4(x);
}

// @ts-ignore: decorator
@inline
function high(x: v128): v128 {
  return f64x2.promote_low_f32x4(v128.shuffle<i64>(x, x, 1, 0));
}

/** (a0, b0, a1, b1): two rows' first two columns. */
// @ts-ignore: decorator
@inline
function first(a: v128, b: v128): v128 {
  return v128.shuffle<f32>(a, b, 0, 4, 1, 5);
}

// @ts-ignore: decorator
@inline
function second(a: v128, b: v128): v128 {
  return v128.shuffle<f32>(a, b, 2, 6, 3, 7);
}

// @ts-ignore: decorator
@inline
function addSquare(sum: v128, x: v128): v128 {
  return f64x2.add(sum, f64x2.mul(x, x));
}

// @ts-ignore: decorator
@inline
function addInverse(sum: v128, x: v128, shift: v128): v128 {
  return f64x2.add(sum, f64x2.div(f64x2.splat(1), f64x2.add(x, shift)));
}

/** out[r] = sum over columns of x². */
export function rowSquares(out: usize, x: usize, rows: Count, width: Count): void {
  const bytes = width << 2;
  const whole = bytes & ~15;
  for (; rows >= 4; rows -= 4, out += 32, x += 4 * bytes) {
    fourSquares(out, x, bytes, whole);
    for (let r: usize = 0; r < 4; r++) restOfSquares(out + 8 * r, x + r * bytes + whole, x + (r + 1) * bytes);
  }
  for (; rows > 0; rows--, out += 8, x += bytes) {
    store<f64>(out, 0);
    restOfSquares(out, x, x + bytes);
  }
}

function fourSquares(out: usize, x0: usize, bytes: usize, whole: usize): void {
  let x1 = x0 + bytes;
  let x2 = x1 + bytes;
  let x3 = x2 + bytes;
  let ab = f64x2.splat(0);
  let cd = ab;
  for (const end = x0 + whole; x0 < end; x0 += 16, x1 += 16, x2 += 16, x3 += 16) {
    const a = v128.load(x0);
    const b = v128.load(x1);
    const c = v128.load(x2);
    const d = v128.load(x3);
    const ab0 = first(a, b);
    const cd0 = first(c, d);
    const ab2 = second(a, b);
    const cd2 = second(c, d);
    ab = addSquare(addSquare(ab, low(ab0)), high(ab0));
    cd = addSquare(addSquare(cd, low(cd0)), high(cd0));
    ab = addSquare(addSquare(ab, low(ab2)), high(ab2));
    cd = addSquare(addSquare(cd, low(cd2)), high(cd2));
  }
  v128.store(out, ab);
  v128.store(out, cd, 16);
}

/** Adds what is left of a row to its sum. */
function restOfSquares(out: usize, x: usize, end: usize): void {
  let sum = load<f64>(out);
  for (; x < end; x += 4) {
    const value = <f64>load<f32>(x);
    sum += value * value;
  }
  store<f64>(out, sum);
}

/** inverses[r] = sum over columns of 1 / (x + shift), totals[r] = that of x. */
export function rowLevels(inverses: usize, totals: usize, x: usize, rows: Count, width: Count, shift: f64): void {
  const bytes = width << 2;
  const whole = bytes & ~15;
  for (; rows >= 4; rows -= 4, inverses += 32, totals += 32, x += 4 * bytes) {
    fourLevels(inverses, totals, x, bytes, whole, shift);
    for (let r: usize = 0; r < 4; r++)
      restOfLevels(inverses + 8 * r, totals + 8 * r, x + r * bytes + whole, x + (r + 1) * bytes, shift);
  }
  for (; rows > 0; rows--, inverses += 8, totals += 8, x += bytes) {
    store<f64>(inverses, 0);
    store<f64>(totals, 0);
    restOfLevels(inverses, totals, x, x + bytes, shift);
  }
}

function fourLevels(inverses: usize, totals: usize, x0: usize, bytes: usize, whole: usize, shift: f64): void {
  const by = f64x2.splat(shift);
  let x1 = x0 + bytes;
  let x2 = x1 + bytes;
  let x3 = x2 + bytes;
  let ab = f64x2.splat(0);
  let cd = ab;
  let abTotal = ab;
  let cdTotal = ab;
  for (const end = x0 + whole; x0 < end; x0 += 16, x1 += 16, x2 += 16, x3 += 16) {
    const a = v128.load(x0);
    const b = v128.load(x1);
    const c = v128.load(x2);
    const d = v128.load(x3);
    const ab0 = first(a, b);
    const cd0 = first(c, d);
    const ab2 = second(a, b);
    const cd2 = second(c, d);
    ab = addInverse(addInverse(ab, low(ab0), by), high(ab0), by);
    cd = addInverse(addInverse(cd, low(cd0), by), high(cd0), by);
    ab = addInverse(addInverse(ab, low(ab2), by), high(ab2), by);
    cd = addInverse(addInverse(cd, low(cd2), by), high(cd2), by);
    abTotal = f64x2.add(f64x2.add(abTotal, low(ab0)), high(ab0));
    cdTotal = f64x2.add(f64x2.add(cdTotal, low(cd0)), high(cd0));
    abTotal = f64x2.add(f64x2.add(abTotal, low(ab2)), high(ab2));
    cdTotal = f64x2.add(f64x2.add(cdTotal, low(cd2)), high(cd2));
  }
  v128.store(inverses, ab);
  v128.store(inverses, cd, 16);
  v128.store(totals, abTotal);
  v128.store(totals, cdTotal, 16);
}

function restOfLevels(inverses: usize, totals: usize, x: usize, end: usize, shift: f64): void {
  let inverse = load<f64>(inverses);
  let total = load<f64>(totals);
  for (; x < end; x += 4) {
    const value = <f64>load<f32>(x);
    inverse += 1 / (value + shift);
    total += value;
  }
  store<f64>(inverses, inverse);
  store<f64>(totals, total);
}

/** Row r of x *= factors[r], a double; nothing falls below `least`. */
export function scaleRows(x: usize, factors: usize, rows: Count, width: Count, least: f64): void {
  const bytes = width << 2;
  for (; rows > 0; rows--, factors += 8) {
    const factor = load<f64>(factors);
    const by = f64x2.splat(factor);
    const floor = f64x2.splat(least);
    for (const whole = x + (bytes & ~15); x < whole; x += 16) {
      const old = v128.load(x);
      const a = f32x4.demote_f64x2_zero(f64x2.pmax(f64x2.mul(low(old), by), floor));
      const b = f32x4.demote_f64x2_zero(f64x2.pmax(f64x2.mul(high(old), by), floor));
      v128.store(x, v128.shuffle<i64>(a, b, 0, 2));
    }
    for (const end = x + (bytes & 15); x < end; x += 4)
      store<f32>(x, <f32>max<f64>(<f64>load<f32>(x) * factor, least));
  }
}
