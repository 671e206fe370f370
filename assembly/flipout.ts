/**
 * Signs of Flipout (Wen et al. 2018): one perturbation ΔW serves a batch, of which row s sees ΔW ∘ (r_s c_sᵀ):
 *   y_s = x_s·Mᵀ + ((x_s ∘ c_s)·ΔWᵀ) ∘ r_s,  c and r of ±1.
 */
import { Count } from "./types";

/** Random words become +1 or -1 by their highest bit, in place. */
export function signArray(words: usize, n: Count): void {
  const one = f32x4.splat(1);
  const sign = f32x4.splat(-0.0);
  for (const end = words + (n << 2); words < end; words += 16)
    v128.store(words, v128.or(one, v128.and(v128.load(words), sign)));
}

/** y[i] += x[i] · signs[i]. */
export function addSigned(y: usize, x: usize, signs: usize, n: Count): void {
  const whole = y + ((n & ~3) << 2);
  const end = y + (n << 2);
  while (y < whole) {
    v128.store(y, f32x4.add(v128.load(y), f32x4.mul(v128.load(x), v128.load(signs))));
    y += 16;
    x += 16;
    signs += 16;
  }
  while (y < end) {
    store<f32>(y, load<f32>(y) + load<f32>(x) * load<f32>(signs));
    y += 4;
    x += 4;
    signs += 4;
  }
}
