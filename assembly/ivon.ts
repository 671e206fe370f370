/**
 * IVON, the improved variational online Newton method (Shen et al., ICML 2024, algorithm 1), as one pass.
 * State a weight: mean, h (a running estimate of the Hessian's diagonal), u (momentum). The posterior is
 * N(mean, 1 / (lambda (h + delta))), the prior N(0, 1 / (lambda delta)).
 */
import { flush } from "./norm";

/** Bytes of each of the five arrays that are worked on at a time. */
const CACHED: usize = 1024;

/** No gradient; one particle; that, with squared gradients; several particles, and squared gradients. */
const NONE = 0;
const PLAIN = 1;
const SQUARED = 2;
const AVERAGED = 3;

/** -highest <= x <= highest; NaN stays. */
// @ts-ignore: decorator
@inline
function clamp(x: v128, highest: v128): v128 {
  return f32x4.pmax(f32x4.pmin(x, highest), f32x4.neg(highest));
}

/**
 * g: mean gradient, or 0 where it is 0 throughout, when theta and price are not read; price: mean over particles of (theta - mean) g, or 0 for one particle, whose theta is read.
 * Hessian estimate: priceScale (h + delta) price + squareScale g^2, kept within clampScale sqrt(h + delta).
 * u = beta1 u + (1 - beta1) clip g; retention is 1 - beta2 (0 freezes h); rate = learning rate * (h0 + delta).
 * step = (correction u + decay mean) / (new h + delta), kept within maximumStep; mean -= rate step.
 *
 * Positivity: with a = h + delta and d = estimate - h, the new h + delta is (a + (a + r d)^2 / a) / 2 >= a / 2;
 * the floor keeps that true where the rounding of h against delta would not.
 */
export function ivonStep(
  mean: usize,
  h: usize,
  u: usize,
  theta: usize,
  g: usize,
  price: usize,
  n: i32,
  rate: f32,
  beta1: f64,
  correction: f32,
  clip: f32,
  retention: f32,
  priceScale: f32,
  squareScale: f32,
  clampScale: f32,
  delta: f32,
  decay: f32,
  maximumStep: f32,
): void {
  const bytes = (<usize>n) << 2;
  const factor = <f32>(1 - beta1) * clip;
  // Two short loops over what the nearest cache holds: one long one keeps too few vectors in flight.
  for (let start: usize = 0; start < bytes; start += CACHED) {
    const end = min(start + CACHED, bytes);
    // Literals, so that each case is compiled without what it does not need.
    if (g == 0) {
      curvature(h, 0, mean, 0, start, end, NONE, retention, priceScale, 0, clampScale, delta);
      direction(mean, h, u, 0, start, end, NONE, rate, <f32>beta1, factor, correction, delta, decay, maximumStep);
      continue;
    }
    if (price) curvature(h, price, mean, g, start, end, AVERAGED, retention, priceScale, squareScale, clampScale, delta);
    else if (squareScale != 0)
      curvature(h, theta, mean, g, start, end, SQUARED, retention, priceScale, squareScale, clampScale, delta);
    else curvature(h, theta, mean, g, start, end, PLAIN, retention, priceScale, 0, clampScale, delta);
    direction(mean, h, u, g, start, end, PLAIN, rate, <f32>beta1, factor, correction, delta, decay, maximumStep);
  }
}

// @ts-ignore: decorator
@inline
function curvature(
  h: usize,
  from: usize,
  mean: usize,
  g: usize,
  start: usize,
  end: usize,
  form: i32,
  retention: f32,
  priceScale: f32,
  squareScale: f32,
  clampScale: f32,
  delta: f32,
): void {
  const floor: f32 = delta > 0 ? delta * -0.9998 : 1e-20;
  for (let i = start; i < end; i += 16) {
    const old = v128.load(h + i);
    const a = f32x4.add(old, f32x4.splat(delta));
    let kept = f32x4.splat(0);
    if (form != NONE) {
      const gradient = v128.load(g + i);
      const read = v128.load(from + i);
      const noise = form == AVERAGED ? read : f32x4.mul(f32x4.sub(read, v128.load(mean + i)), gradient);
      kept = f32x4.mul(f32x4.mul(f32x4.splat(priceScale), a), noise);
      if (form != PLAIN)
        kept = f32x4.add(kept, f32x4.mul(f32x4.splat(squareScale), f32x4.mul(gradient, gradient)));
      kept = clamp(kept, f32x4.mul(f32x4.splat(clampScale), f32x4.sqrt(a)));
    }
    const change = f32x4.mul(f32x4.splat(retention), f32x4.sub(kept, old));
    const half = f32x4.div(f32x4.mul(change, change), f32x4.add(a, a));
    const next = flush(f32x4.add(f32x4.add(old, change), half));
    v128.store(h + i, f32x4.pmax(next, f32x4.splat(floor)));
  }
}

// @ts-ignore: decorator
@inline
function direction(
  mean: usize,
  h: usize,
  u: usize,
  g: usize,
  start: usize,
  end: usize,
  form: i32,
  rate: f32,
  beta1: f32,
  factor: f32,
  correction: f32,
  delta: f32,
  decay: f32,
  maximumStep: f32,
): void {
  for (let i = start; i < end; i += 16) {
    const m = v128.load(mean + i);
    const old = f32x4.mul(f32x4.splat(beta1), v128.load(u + i));
    const momentum = flush(form == NONE ? old : f32x4.add(old, f32x4.mul(f32x4.splat(factor), v128.load(g + i))));
    const decayed = f32x4.mul(f32x4.splat(decay), m);
    const pull = f32x4.add(f32x4.mul(momentum, f32x4.splat(correction)), decayed);
    const precision = f32x4.add(v128.load(h + i), f32x4.splat(delta));
    const step = clamp(f32x4.div(pull, precision), f32x4.splat(maximumStep));
    v128.store(u + i, momentum);
    v128.store(mean + i, f32x4.sub(m, f32x4.mul(f32x4.splat(rate), step)));
  }
}

/** gSum (+)= weight g; price (+)= weight (theta - mean) g; the first particle overwrites. */
export function accumulateParticle(
  gSum: usize,
  price: usize,
  theta: usize,
  mean: usize,
  g: usize,
  n: i32,
  weight: f32,
  first: i32,
): void {
  const bytes = (<usize>n) << 2;
  const kept = i32x4.splat(first ? 0 : -1);
  const w = f32x4.splat(weight);
  for (let i: usize = 0; i < bytes; i += 16) {
    const gradient = f32x4.mul(w, v128.load(g + i));
    const noise = f32x4.mul(f32x4.sub(v128.load(theta + i), v128.load(mean + i)), gradient);
    v128.store(gSum + i, f32x4.add(v128.and(v128.load(gSum + i), kept), gradient));
    v128.store(price + i, f32x4.add(v128.and(v128.load(price + i), kept), noise));
  }
}

/**
 * g = scale g + weight precision (mean - anchor): the data's gradient, and that of a normal prior around the anchor,
 * whose precision is one a weight.
 */
export function anchorGradient(
  g: usize,
  mean: usize,
  anchor: usize,
  precision: usize,
  n: i32,
  scale: f32,
  weight: f32,
): void {
  const bytes = (<usize>n) << 2;
  const s = f32x4.splat(scale);
  const w = f32x4.splat(weight);
  for (let i: usize = 0; i < bytes; i += 16) {
    const away = f32x4.sub(v128.load(mean + i), v128.load(anchor + i));
    const pull = f32x4.mul(f32x4.mul(w, v128.load(precision + i)), away);
    v128.store(g + i, f32x4.add(f32x4.mul(s, v128.load(g + i)), pull));
  }
}
