/** What the products of gemm.ts are compared with. */
import { multiplyAdd } from "./fused";
import { Count } from "./types";

/**
 * The machine's peak, multiplications and additions: `n` rounds of seven chains of products beside seven of sums,
 * 56 operations a round; in the `relaxed` build twelve fused chains, 96 operations. Starts from two floats at `at`;
 * the 16 bytes at `at` + 16 receive the sum. Products and sums of chains of their own, the products first: chains
 * in which each sum waits for its product leave processors with two multipliers and two adders idle by turns.
 */
export function multiplyAddPeak(n: Count, at: usize): void {
  const s = v128.load_splat<f32>(at);
  const t = v128.load_splat<f32>(at, 4);
  v128.store(at, ASC_FEATURE_RELAXED_SIMD ? fusedChains(n, s, t) : chains(n, s, t), 16);
}

/** Operations of a round of `multiplyAddPeak`. */
export function peakOperations(): i32 {
  return ASC_FEATURE_RELAXED_SIMD ? 96 : 56;
}

function chains(n: usize, s: v128, t: v128): v128 {
  let a0 = s,
    a1 = s,
    a2 = s,
    a3 = s,
    a4 = s,
    a5 = s,
    a6 = s;
  let b0 = t,
    b1 = t,
    b2 = t,
    b3 = t,
    b4 = t,
    b5 = t,
    b6 = t;
  for (; n > 0; n--) {
    a0 = f32x4.mul(a0, s);
    a1 = f32x4.mul(a1, s);
    a2 = f32x4.mul(a2, s);
    a3 = f32x4.mul(a3, s);
    a4 = f32x4.mul(a4, s);
    a5 = f32x4.mul(a5, s);
    a6 = f32x4.mul(a6, s);
    b0 = f32x4.add(b0, s);
    b1 = f32x4.add(b1, s);
    b2 = f32x4.add(b2, s);
    b3 = f32x4.add(b3, s);
    b4 = f32x4.add(b4, s);
    b5 = f32x4.add(b5, s);
    b6 = f32x4.add(b6, s);
  }
  const products = f32x4.add(f32x4.add(f32x4.add(a0, a1), f32x4.add(a2, a3)), f32x4.add(f32x4.add(a4, a5), a6));
  const sums = f32x4.add(f32x4.add(f32x4.add(b0, b1), f32x4.add(b2, b3)), f32x4.add(f32x4.add(b4, b5), b6));
  return f32x4.add(products, sums);
}

function fusedChains(n: usize, s: v128, t: v128): v128 {
  let c0 = s,
    c1 = f32x4.add(c0, t),
    c2 = f32x4.add(c1, t),
    c3 = f32x4.add(c2, t),
    c4 = f32x4.add(c3, t),
    c5 = f32x4.add(c4, t),
    c6 = f32x4.add(c5, t),
    c7 = f32x4.add(c6, t),
    c8 = f32x4.add(c7, t),
    c9 = f32x4.add(c8, t),
    c10 = f32x4.add(c9, t),
    c11 = f32x4.add(c10, t);
  for (; n > 0; n--) {
    c0 = multiplyAdd(c0, s, t);
    c1 = multiplyAdd(c1, s, t);
    c2 = multiplyAdd(c2, s, t);
    c3 = multiplyAdd(c3, s, t);
    c4 = multiplyAdd(c4, s, t);
    c5 = multiplyAdd(c5, s, t);
    c6 = multiplyAdd(c6, s, t);
    c7 = multiplyAdd(c7, s, t);
    c8 = multiplyAdd(c8, s, t);
    c9 = multiplyAdd(c9, s, t);
    c10 = multiplyAdd(c10, s, t);
    c11 = multiplyAdd(c11, s, t);
  }
  c0 = f32x4.add(f32x4.add(c0, c6), f32x4.add(c1, c7));
  c2 = f32x4.add(f32x4.add(c2, c8), f32x4.add(c3, c9));
  c4 = f32x4.add(f32x4.add(c4, c10), f32x4.add(c5, c11));
  return f32x4.add(f32x4.add(c0, c2), c4);
}
