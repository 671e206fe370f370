/** @module Means over paired seeds, with bootstrap intervals. */

export interface Interval {
  readonly mean: number;
  /** 2.5 % and 97.5 % of the bootstrap's means. */
  readonly low: number;
  readonly high: number;
  readonly values: readonly number[];
}

/** Up to so many resamples are listed one by one; beyond, as many are drawn. */
const RESAMPLES = 20_000;

/**
 * The mean, and the interval of the means of all resamples with replacement: all nⁿ of them for up to five seeds,
 * so that the interval is exact; for more, a fixed sequence of draws, so that it is the same every time.
 */
export function bootstrap(values: readonly number[]): Interval {
  const n = values.length;
  const mean = average(values);
  if (n < 2) return { mean, low: mean, high: mean, values };
  const all = values.reduce((product) => product * n, 1);
  const means = all <= RESAMPLES ? everyResample(values, all) : drawnResamples(values);
  means.sort();
  const at = (q: number) => means[Math.min(means.length - 1, Math.floor(q * means.length))];
  return { mean, low: at(0.025), high: at(0.975), values };
}

function everyResample(values: readonly number[], all: number): Float64Array {
  const n = values.length;
  return Float64Array.from({ length: all }, (_, index) => {
    let sum = 0;
    for (let i = 0, rest = index; i < n; i++, rest = Math.floor(rest / n)) sum += values[rest % n];
    return sum / n;
  });
}

function drawnResamples(values: readonly number[]): Float64Array {
  let state = 1;
  return Float64Array.from({ length: RESAMPLES }, () => {
    let sum = 0;
    for (let i = 0; i < values.length; i++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      sum += values[Math.floor((state / 2 ** 32) * values.length)];
    }
    return sum / values.length;
  });
}

export function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

export function median(values: readonly number[]): number {
  const sorted = Float64Array.from(values).sort();
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/**
 * What the ECE of these bins would be on average if the confidences were the true probabilities: each bin's share
 * of right answers strays from its confidence c by √(2/π)·√(c(1−c)/n) on average.
 */
export function calibrationFloor(
  bins: readonly { readonly tokens: number; readonly confidence: number }[],
): number {
  const total = bins.reduce((sum, { tokens }) => sum + tokens, 0);
  const strayed = ({ tokens, confidence: c }: (typeof bins)[number]) =>
    Math.sqrt(((2 / Math.PI) * (c * (1 - c))) / tokens);
  return bins.reduce((sum, bin) => sum + (bin.tokens > 0 ? (bin.tokens / total) * strayed(bin) : 0), 0);
}
