/**
 * Multiply, then add: two roundings in the `simd` build, whose bits are the same on every engine; one operation in
 * the `relaxed` build, where engines may round once or twice.
 */

// @ts-ignore: decorator
@inline
export function multiplyAdd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(c, f32x4.mul(a, b));
}
