/** f32x4 exp. */
// @ts-ignore: decorator
@inline
export function placeholder(x: v128): v128 { return x; }
export function probe(x: f32): f32 { return x + 1; }
