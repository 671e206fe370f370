/**
 * Diagonal normal posteriors over the flat parameter vector: reparameterised draws and closed-form KL.
 *
 * natural:    N(mean, 1 / (lambda (h + delta))) against the prior N(0, 1 / (lambda delta))
 *             (Shen et al., "Variational learning is effective for large deep networks", ICML 2024, section 3)
 * mean field: N(mean, softplus(rho)^2) against N(priorMean, priorSd^2)
 *             (Blundell et al., "Weight uncertainty in neural networks", ICML 2015, section 3.2)
 * KL of two normals: ln(sp/s) + (s^2 + (m - mp)^2) / (2 sp^2) - 1/2 per weight.
 */
import { Count } from "./types";
import { cosQuarter, logPositive, sinQuarter, softplus4 } from "./elementary";
import { multiplyAdd } from "./fused";
import { laneMask, SUM_BLOCK, sumLanes } from "./norm";
import { angle, DRAW_BYTES, normalArray, radii, words } from "./random";

/** Standard deviation from rho; the floor keeps it, which is divided by, from vanishing. */
// @ts-ignore: decorator
@inline
export function deviation4(rho: v128): v128 {
  return f32x4.pmax(softplus4(rho), f32x4.splat(1e-20));
}

/** theta = mean + scale eps / sqrt(h + delta), scale = noise / sqrt(lambda); eps as in normalArray. */
export function sampleNatural(
  theta: usize,
  mean: usize,
  h: usize,
  n: i32,
  delta: f32,
  scale: f32,
  firstElement: u32,
  seedLow: u32,
  seedHigh: u32,
  step: u32,
  stream: u32,
  particle: u32,
): void {
  const last = theta + (((<usize>n + 15) & ~15) << 2);
  let group = firstElement >> 4;
  while (theta < last) {
    const end = min(theta + DRAW_BYTES, last);
    words(theta, end, group, seedLow, seedHigh, step, stream, particle);
    radii(theta, end);
    group += <u32>(DRAW_BYTES >> 6);
    for (; theta < end; theta += 32, mean += 32, h += 32) {
      const word = v128.load(theta, 16);
      const r = v128.load(theta);
      const turn = angle(word);
      const sd0 = naturalDeviation(v128.load(h), delta, scale);
      const sd1 = naturalDeviation(v128.load(h, 16), delta, scale);
      const eps0 = f32x4.mul(r, cosQuarter(turn));
      const eps1 = f32x4.mul(r, sinQuarter(turn));
      v128.store(theta, f32x4.add(v128.load(mean), f32x4.mul(eps0, sd0)));
      v128.store(theta, f32x4.add(v128.load(mean, 16), f32x4.mul(eps1, sd1)), 16);
    }
  }
}

// @ts-ignore: decorator
@inline
function naturalDeviation(h: v128, delta: f32, scale: f32): v128 {
  return f32x4.div(f32x4.splat(scale), f32x4.sqrt(f32x4.add(h, f32x4.splat(delta))));
}

/** theta = mean + scale softplus(rho) eps. */
export function sampleMeanField(
  theta: usize,
  mean: usize,
  rho: usize,
  n: i32,
  scale: f32,
  firstElement: u32,
  seedLow: u32,
  seedHigh: u32,
  step: u32,
  stream: u32,
  particle: u32,
): void {
  normalArray(theta, n, firstElement, seedLow, seedHigh, step, stream, particle);
  for (const end = theta + ((<usize>n) << 2); theta < end; theta += 16, mean += 16, rho += 16) {
    const noise = f32x4.mul(v128.load(theta), f32x4.mul(deviation4(v128.load(rho)), f32x4.splat(scale)));
    v128.store(theta, f32x4.add(v128.load(mean), noise));
  }
}

/** Sum over n of 0.5 [ln((h+delta)/delta) + delta/(h+delta) + lambda delta mean^2 - 1]; delta > 0. */
export function klNatural(mean: usize, h: usize, n: i32, delta: f32, lambda: f32): f64 {
  const d = f32x4.splat(delta);
  const weight = f32x4.splat(lambda * delta);
  let total: f64 = 0;
  while (n > 0) {
    let sum = f32x4.splat(0);
    for (const stop = n - SUM_BLOCK; n > stop && n > 0; n -= 4, mean += 16, h += 16) {
      const m = v128.load(mean);
      const ratio = f32x4.div(d, f32x4.add(v128.load(h), d));
      const spread = f32x4.sub(f32x4.sub(ratio, f32x4.splat(1)), logPositive(ratio));
      const term = f32x4.add(spread, f32x4.mul(weight, f32x4.mul(m, m)));
      sum = f32x4.add(sum, v128.and(term, laneMask(n)));
    }
    total += sumLanes(sum);
  }
  return 0.5 * total;
}

/** Sum over n of the KL of the mean field to N(priorMean, priorSd^2). */
export function klMeanField(mean: usize, rho: usize, n: i32, priorMean: f32, priorSd: f32): f64 {
  const centre = f32x4.splat(priorMean);
  const inverse = f32x4.splat(1 / priorSd);
  let total: f64 = 0;
  while (n > 0) {
    let sum = f32x4.splat(0);
    for (const stop = n - SUM_BLOCK; n > stop && n > 0; n -= 4, mean += 16, rho += 16) {
      const m = f32x4.mul(f32x4.sub(v128.load(mean), centre), inverse);
      const ratio = f32x4.mul(deviation4(v128.load(rho)), inverse);
      const squares = f32x4.add(f32x4.mul(ratio, ratio), f32x4.mul(m, m));
      const half = f32x4.mul(f32x4.sub(squares, f32x4.splat(1)), f32x4.splat(0.5));
      sum = f32x4.add(sum, v128.and(f32x4.sub(half, logPositive(ratio)), laneMask(n)));
    }
    total += sumLanes(sum);
  }
  return total;
}

/** out = lambda (h + delta), the posterior's precision. */
export function precisionArray(out: usize, h: usize, n: i32, delta: f32, lambda: f32): void {
  for (const end = out + ((<usize>n) << 2); out < end; out += 16, h += 16)
    v128.store(out, f32x4.mul(f32x4.add(v128.load(h), f32x4.splat(delta)), f32x4.splat(lambda)));
}

/** out = softplus(rho), the posterior's standard deviation. */
export function deviationArray(out: usize, rho: usize, n: i32): void {
  for (const end = out + ((<usize>n) << 2); out < end; out += 16, rho += 16)
    v128.store(out, deviation4(v128.load(rho)));
}

export function copyBytes(out: usize, x: usize, bytes: Count): void {
  memory.copy(out, x, bytes);
}

export function fillZero(out: usize, bytes: Count): void {
  memory.fill(out, 0, bytes);
}

/** out = a x + b out; with b = 0 whatever out held is not read as a number. */
export function axpby(out: usize, a: f32, x: usize, b: f32, n: i32): void {
  const kept = i32x4.splat(b == 0 ? 0 : -1);
  for (const end = out + ((<usize>n) << 2); out < end; out += 16, x += 16) {
    const old = f32x4.mul(f32x4.splat(b), v128.and(v128.load(out), kept));
    v128.store(out, multiplyAdd(f32x4.splat(a), v128.load(x), old));
  }
}

/** average += w (x - average). */
export function averageInto(average: usize, x: usize, n: i32, w: f32): void {
  for (const end = average + ((<usize>n) << 2); average < end; average += 16, x += 16) {
    const old = v128.load(average);
    v128.store(average, f32x4.add(old, f32x4.mul(f32x4.splat(w), f32x4.sub(v128.load(x), old))));
  }
}
