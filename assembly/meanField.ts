/**
 * Bayes by Backprop (Blundell et al., ICML 2015): gradients of the mean and rho of a diagonal normal from the
 * gradient of the likelihood at a draw. With s = softplus(rho) and eps read back as (theta - mean) / s:
 *   d/d mean = g + w (mean - mp) / sp^2
 *   d/d s    = g eps + w (s / sp^2 - 1 / s),   d/d rho = d/ds sigmoid(rho)
 * for the normal prior (closed form), w = 1 / lambda. For the mixture of two normals (section 3.3) the entropy
 * stays exact and -ln p is taken at the draw: it adds -w dlnp/dtheta to g and leaves -w / s beside g eps.
 */
import { log64, logPositive, sigmoid4, softplus4 } from "./elementary";
import { deviation4 } from "./gaussian";
import { laneMask, SUM_BLOCK, sumLanes } from "./norm";

/** One particle. gMean: in the likelihood's gradient, scaled by clip; out that of the mean. gRho is written. */
export function meanFieldGradient(
  gMean: usize,
  gRho: usize,
  theta: usize,
  mean: usize,
  rho: usize,
  n: i32,
  klWeight: f32,
  priorMean: f32,
  priorSd: f32,
  clip: f32,
): void {
  const bytes = (<usize>n) << 2;
  for (let i: usize = 0; i < bytes; i += 16) {
    const m = v128.load(mean + i);
    const s = deviation4(v128.load(rho + i));
    const eps = f32x4.div(f32x4.sub(v128.load(theta + i), m), s);
    const gSd = f32x4.mul(v128.load(gMean + i), eps);
    finish(gMean + i, gRho + i, gSd, m, s, v128.load(rho + i), klWeight, priorMean, priorSd, clip);
  }
}

/** The sums of several particles (meanFieldAccumulate) to gradients, in place: gSd becomes that of rho. */
export function meanFieldFinish(
  gMean: usize,
  gSd: usize,
  mean: usize,
  rho: usize,
  n: i32,
  klWeight: f32,
  priorMean: f32,
  priorSd: f32,
  clip: f32,
): void {
  const bytes = (<usize>n) << 2;
  for (let i: usize = 0; i < bytes; i += 16) {
    const x = v128.load(rho + i);
    finish(
      gMean + i,
      gSd + i,
      v128.load(gSd + i),
      v128.load(mean + i),
      deviation4(x),
      x,
      klWeight,
      priorMean,
      priorSd,
      clip,
    );
  }
}

/** Adds the prior's part; priorSd = Infinity leaves the entropy alone. */
// @ts-ignore: decorator
@inline
function finish(
  gMean: usize,
  gRho: usize,
  gSd: v128,
  m: v128,
  s: v128,
  rho: v128,
  klWeight: f32,
  priorMean: f32,
  priorSd: f32,
  clip: f32,
): void {
  const scale = f32x4.splat(clip);
  const weight = f32x4.splat(klWeight);
  const precision = f32x4.splat(klWeight / (priorSd * priorSd));
  const pull = f32x4.mul(precision, f32x4.sub(m, f32x4.splat(priorMean)));
  const spread = f32x4.sub(f32x4.mul(precision, s), f32x4.div(weight, s));
  v128.store(gMean, f32x4.add(f32x4.mul(scale, v128.load(gMean)), pull));
  v128.store(gRho, f32x4.mul(f32x4.add(f32x4.mul(scale, gSd), spread), sigmoid4(rho)));
}

/** gMeanSum (+)= weight g; gSdSum (+)= weight g eps; the first particle overwrites. */
export function meanFieldAccumulate(
  gMeanSum: usize,
  gSdSum: usize,
  theta: usize,
  mean: usize,
  rho: usize,
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
    const noise = f32x4.sub(v128.load(theta + i), v128.load(mean + i));
    const eps = f32x4.div(noise, deviation4(v128.load(rho + i)));
    v128.store(gMeanSum + i, f32x4.add(v128.and(v128.load(gMeanSum + i), kept), gradient));
    v128.store(gSdSum + i, f32x4.add(v128.and(v128.load(gSdSum + i), kept), f32x4.mul(gradient, eps)));
  }
}

/**
 * The mixture prior pi N(0, sd1^2) + (1 - pi) N(0, sd2^2) at a draw, in place:
 * g = clip g - klWeight dlnp/dtheta.
 * Returns the sum of -ln p(theta) - ln(2 pi)/2. With several particles: this on each, meanFieldAccumulate, then
 * meanFieldFinish with priorSd = Infinity.
 */
export function mixtureGradient(
  g: usize,
  theta: usize,
  n: i32,
  klWeight: f32,
  pi: f64,
  sd1: f64,
  sd2: f64,
  clip: f32,
): f64 {
  const p1 = 1 / (sd1 * sd1);
  const p2 = 1 / (sd2 * sd2);
  // ln of the odds of the first component is offset + slope theta^2.
  const offset = f32x4.splat(<f32>log64((pi * sd2) / ((1 - pi) * sd1)));
  const slope = f32x4.splat(<f32>(0.5 * (p2 - p1)));
  const base = log64(sd1 / pi);
  let total: f64 = 0;
  while (n > 0) {
    const constants = base * <f64>min(n, SUM_BLOCK);
    let sum = f32x4.splat(0);
    for (const stop = n - SUM_BLOCK; n > stop && n > 0; n -= 4, g += 16, theta += 16) {
      const x = v128.load(theta);
      const square = f32x4.mul(x, x);
      const odds = f32x4.add(offset, f32x4.mul(slope, square));
      const even = f32x4.neg(odds);
      // Both probabilities by themselves: 1 - r loses all digits of the small one.
      const first = f32x4.mul(sigmoid4(odds), f32x4.splat(<f32>p1));
      const second = f32x4.mul(sigmoid4(even), f32x4.splat(<f32>p2));
      const pull = f32x4.mul(f32x4.mul(f32x4.splat(klWeight), x), f32x4.add(first, second));
      v128.store(g, f32x4.add(f32x4.mul(f32x4.splat(clip), v128.load(g)), pull));
      const term = f32x4.sub(f32x4.mul(square, f32x4.splat(<f32>(0.5 * p1))), softplus4(even));
      sum = f32x4.add(sum, v128.and(term, laneMask(n)));
    }
    total += constants + sumLanes(sum);
  }
  return total;
}

/** Sum over n of ln s + 1/2: the entropy of the mean field less ln(2 pi)/2 a weight. */
export function entropyMeanField(rho: usize, n: i32): f64 {
  let total: f64 = 0;
  while (n > 0) {
    const constants = 0.5 * <f64>min(n, SUM_BLOCK);
    let sum = f32x4.splat(0);
    for (const stop = n - SUM_BLOCK; n > stop && n > 0; n -= 4, rho += 16)
      sum = f32x4.add(sum, v128.and(logPositive(deviation4(v128.load(rho))), laneMask(n)));
    total += constants + sumLanes(sum);
  }
  return total;
}

/**
 * meanFieldGradient for the mixture prior, one particle. Returns the draw's estimate of the KL, with the exact
 * entropy: the sum of -ln p(theta) - H(q).
 */
export function meanFieldGradientMixture(
  gMean: usize,
  gRho: usize,
  theta: usize,
  mean: usize,
  rho: usize,
  n: i32,
  klWeight: f32,
  pi: f64,
  sd1: f64,
  sd2: f64,
  clip: f32,
): f64 {
  const cross = mixtureGradient(gMean, theta, n, klWeight, pi, sd1, sd2, clip);
  meanFieldGradient(gMean, gRho, theta, mean, rho, n, klWeight, 0, Infinity, 1);
  return cross - entropyMeanField(rho, n);
}
