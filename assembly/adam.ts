/** Adam (Kingma and Ba, ICLR 2015, algorithm 1) in PyTorch's form: epsilon is added after the correction. */
import { flush } from "./norm";

/**
 * With G = scale g + decay w: m = beta1 m + (1 - beta1) G; v = beta2 v + (1 - beta2) G^2;
 * w -= rate m correction1 / (sqrt(v correction2) + epsilon), correctionK = 1 / (1 - betaK^t).
 * The betas are f64, for 1 - beta loses digits in f32.
 */
export function adamStep(
  w: usize,
  m: usize,
  v: usize,
  g: usize,
  n: i32,
  rate: f32,
  beta1: f64,
  beta2: f64,
  epsilon: f32,
  correction1: f32,
  correction2: f32,
  scale: f32,
  decay: f32,
): void {
  const b1 = f32x4.splat(<f32>beta1);
  const a1 = f32x4.splat(<f32>(1 - beta1));
  const b2 = f32x4.splat(<f32>beta2);
  const a2 = f32x4.splat(<f32>(1 - beta2));
  const factor = f32x4.splat(rate * correction1);
  // Two vectors side by side, all that is read before all that is stored: engines may make one of 256 bits of them.
  // What they reach behind n is padding, as arrays of whole groups of sixteen have it.
  for (const end = w + ((<usize>n) << 2); w < end; w += 32, m += 32, v += 32, g += 32) {
    const x = v128.load(w);
    const y = v128.load(w, 16);
    const p = gradientOf(v128.load(g), x, scale, decay);
    const q = gradientOf(v128.load(g, 16), y, scale, decay);
    const first = moment(b1, v128.load(m), a1, p);
    const first2 = moment(b1, v128.load(m, 16), a1, q);
    const second = moment(b2, v128.load(v), a2, f32x4.mul(p, p));
    const second2 = moment(b2, v128.load(v, 16), a2, f32x4.mul(q, q));
    v128.store(m, first);
    v128.store(m, first2, 16);
    v128.store(v, second);
    v128.store(v, second2, 16);
    const one = f32x4.sub(x, stepOf(factor, first, second, correction2, epsilon));
    const two = f32x4.sub(y, stepOf(factor, first2, second2, correction2, epsilon));
    v128.store(w, one);
    v128.store(w, two, 16);
  }
}

// @ts-ignore: decorator
@inline
function gradientOf(g: v128, x: v128, scale: f32, decay: f32): v128 {
  return f32x4.add(f32x4.mul(f32x4.splat(scale), g), f32x4.mul(f32x4.splat(decay), x));
}

// @ts-ignore: decorator
@inline
function moment(b: v128, m: v128, a: v128, x: v128): v128 {
  return flush(f32x4.add(f32x4.mul(b, m), f32x4.mul(a, x)));
}

// @ts-ignore: decorator
@inline
function stepOf(factor: v128, first: v128, second: v128, correction2: f32, epsilon: f32): v128 {
  const root = f32x4.sqrt(f32x4.mul(second, f32x4.splat(correction2)));
  return f32x4.div(f32x4.mul(factor, first), f32x4.add(root, f32x4.splat(epsilon)));
}
