/**
 * Sums and checks over flat arrays, and the pieces every sum shares: lanes of f32 inside a block of 4096
 * elements, blocks added in f64 in order, so that threads may split at block boundaries without changing a bit.
 */

/** Elements whose terms are added in f32. */
export const SUM_BLOCK = 4096;
/** Below this, state is set to 0: it would decay into denormals, which are slow. */
const SMALLEST: f32 = 1e-30;

/** All bits set in the lanes below `left`: keeps padding out of sums. */
// @ts-ignore: decorator
@inline
export function laneMask(left: i32): v128 {
  return i32x4.gt_s(i32x4.splat(left), i32x4(0, 1, 2, 3));
}

/** The four lanes added in f64. */
// @ts-ignore: decorator
@inline
export function sumLanes(x: v128): f64 {
  const a = <f64>f32x4.extract_lane(x, 0) + <f64>f32x4.extract_lane(x, 1);
  return a + (<f64>f32x4.extract_lane(x, 2) + <f64>f32x4.extract_lane(x, 3));
}

/** x, with what is below 1e-30 in size replaced by 0. */
// @ts-ignore: decorator
@inline
export function flush(x: v128): v128 {
  return v128.andnot(x, f32x4.lt(f32x4.abs(x), f32x4.splat(SMALLEST)));
}

/** Sum of squares. */
export function sumSquares(g: usize, n: i32): f64 {
  let total: f64 = 0;
  while (n > 0) {
    let even = f32x4.splat(0);
    let odd = f32x4.splat(0);
    // Two accumulators: one would wait for each addition to finish.
    for (const stop = n - SUM_BLOCK; n > stop && n > 0; n -= 8, g += 32) {
      const a = v128.and(v128.load(g), laneMask(n));
      const b = v128.and(v128.load(g, 16), laneMask(n - 4));
      even = f32x4.add(even, f32x4.mul(a, a));
      odd = f32x4.add(odd, f32x4.mul(b, b));
    }
    total += sumLanes(f32x4.add(even, odd));
  }
  return total;
}

/** 1 where every element is finite, else 0. */
export function isFiniteArray(x: usize, n: i32): i32 {
  let bad = i32x4.splat(0);
  for (; n > 0; n -= 4, x += 16) {
    const size = f32x4.abs(v128.load(x));
    bad = v128.or(bad, v128.and(laneMask(n), i32x4.ge_s(size, f32x4.splat(Infinity))));
  }
  return i32(!v128.any_true(bad));
}

/** Largest absolute value; NaN is passed over. */
export function maxAbs(x: usize, n: i32): f32 {
  let most = f32x4.splat(0);
  for (; n > 0; n -= 4, x += 16) most = f32x4.pmax(most, v128.and(laneMask(n), f32x4.abs(v128.load(x))));
  const a = max(f32x4.extract_lane(most, 0), f32x4.extract_lane(most, 1));
  return max(a, max(f32x4.extract_lane(most, 2), f32x4.extract_lane(most, 3)));
}
