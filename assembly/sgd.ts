/** Stochastic gradient descent with momentum, PyTorch's convention (torch.optim.SGD, dampening 0). */
import { flush } from "./norm";

/** u = momentum u + (scale g + decay w); w -= rate u. decay adds the gradient of decay w^2 / 2 (MAP). */
export function sgdStep(
  w: usize,
  u: usize,
  g: usize,
  n: i32,
  rate: f32,
  momentum: f32,
  scale: f32,
  decay: f32,
): void {
  for (const end = w + ((<usize>n) << 2); w < end; w += 16, u += 16, g += 16) {
    const x = v128.load(w);
    const gradient = f32x4.add(f32x4.mul(f32x4.splat(scale), v128.load(g)), f32x4.mul(f32x4.splat(decay), x));
    const velocity = flush(f32x4.add(f32x4.mul(f32x4.splat(momentum), v128.load(u)), gradient));
    v128.store(u, velocity);
    v128.store(w, f32x4.sub(x, f32x4.mul(f32x4.splat(rate), velocity)));
  }
}
