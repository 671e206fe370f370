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
  for (const end = w + ((<usize>n) << 2); w < end; w += 16, m += 16, v += 16, g += 16) {
    const x = v128.load(w);
    const gradient = f32x4.add(f32x4.mul(f32x4.splat(scale), v128.load(g)), f32x4.mul(f32x4.splat(decay), x));
    const first = flush(f32x4.add(f32x4.mul(b1, v128.load(m)), f32x4.mul(a1, gradient)));
    const square = f32x4.mul(gradient, gradient);
    const second = flush(f32x4.add(f32x4.mul(b2, v128.load(v)), f32x4.mul(a2, square)));
    const root = f32x4.sqrt(f32x4.mul(second, f32x4.splat(correction2)));
    const step = f32x4.div(f32x4.mul(factor, first), f32x4.add(root, f32x4.splat(epsilon)));
    v128.store(m, first);
    v128.store(v, second);
    v128.store(w, f32x4.sub(x, step));
  }
}
