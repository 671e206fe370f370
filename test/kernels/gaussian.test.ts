import { describe, expect, test } from "vitest";
import { Bench } from "./harness.ts";
import { between, LENGTHS, largestError, padded, powers, untouched } from "./lengths.ts";

const bench = new Bench();
const { k } = bench;
const KEY = [1, 2, 3, 4, 5] as const;
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const deviation = (rho: number) => Math.log1p(Math.exp(rho));
const total = (n: number, term: (i: number) => number) => {
  let sum = 0;
  for (let i = 0; i < n; i++) sum += term(i);
  return sum;
};
const empty = (n: number) => padded(bench, new Float32Array(n));

/** The deviates of elements `first` and after. */
function normals(n: number, first: number): Float32Array {
  const pointer = empty(n);
  k.normalArray(pointer, n, first, ...KEY);
  return bench.read(pointer, n);
}

describe.each(LENGTHS)("%i weights", (n) => {
  const mean = between(n, -1, 1, 1);
  const h = powers(n, -7, 1, 2);
  const rho = between(n, -9, 3, 3);
  const likelihood = between(n, -2, 2, 4);
  const eps = normals(n, 320);
  const at = { mean: padded(bench, mean), h: padded(bench, h), rho: padded(bench, rho) };

  test("draws from both posteriors with the deviates of normalArray", () => {
    const theta = empty(n);
    k.sampleNatural(theta, at.mean, at.h, n, 1e-5, 0.02, 320, ...KEY);
    const natural = Float64Array.from(mean, (m, i) => m + (0.02 * eps[i]) / Math.sqrt(h[i] + 1e-5));
    expect(largestError(bench.read(theta, n), natural, 1)).toBeLessThan(2e-6);
    expect(untouched(bench, theta, n)).toBe(true);
    k.sampleMeanField(theta, at.mean, at.rho, n, 0.5, 320, ...KEY);
    const meanField = Float64Array.from(mean, (m, i) => m + 0.5 * deviation(rho[i]) * eps[i]);
    expect(largestError(bench.read(theta, n), meanField, 1)).toBeLessThan(2e-6);
    expect(untouched(bench, theta, n)).toBe(true);
  });

  test("with scale 0 is the mean itself", () => {
    const theta = empty(n);
    k.sampleNatural(theta, at.mean, at.h, n, 1e-5, 0, 320, ...KEY);
    expect(bench.read(theta, n)).toEqual(mean);
  });

  test("KL in closed form, padding left out", () => {
    const [delta, lambda] = [Math.fround(1e-4), Math.fround(3e4)];
    const natural = total(n, (i) => {
      const a = h[i] + delta;
      return 0.5 * (Math.log(a / delta) + delta / a + lambda * delta * mean[i] ** 2 - 1);
    });
    expect(k.klNatural(at.mean, at.h, n, delta, lambda) / natural).toBeCloseTo(1, 5);
    const [centre, sd] = [Math.fround(0.1), Math.fround(0.3)];
    const meanField = total(n, (i) => {
      const s = deviation(rho[i]);
      return Math.log(sd / s) + (s * s + (mean[i] - centre) ** 2) / (2 * sd * sd) - 0.5;
    });
    expect(k.klMeanField(at.mean, at.rho, n, centre, sd) / meanField).toBeCloseTo(1, 5);
    const entropy = total(n, (i) => Math.log(deviation(rho[i])) + 0.5);
    expect(Math.abs(k.entropyMeanField(at.rho, n) - entropy)).toBeLessThan(2e-6 * n + 1e-5);
  });

  test("precision, deviation and the plain array kernels", () => {
    const out = empty(n);
    k.precisionArray(out, at.h, n, 0.5, 1000);
    expect(
      largestError(
        bench.read(out, n),
        h.map((v) => (v + 0.5) * 1000),
        1,
      ),
    ).toBeLessThan(2e-7);
    k.deviationArray(out, at.rho, n);
    expect(largestError(bench.read(out, n), Float64Array.from(rho, deviation), 1e-6)).toBeLessThan(5e-7);
    k.averageInto(out, at.mean, n, 0.25);
    const averaged = Float64Array.from(rho, (v, i) => deviation(v) + 0.25 * (mean[i] - deviation(v)));
    expect(largestError(bench.read(out, n), averaged, 1)).toBeLessThan(1e-6);
    k.axpby(out, 2, at.mean, 0.5, n);
    expect(
      largestError(
        bench.read(out, n),
        averaged.map((v, i) => 2 * mean[i] + 0.5 * v),
        1,
      ),
    ).toBeLessThan(1e-6);
    new Float32Array(bench.instance.memory.buffer, out, n).fill(Number.NaN);
    k.axpby(out, 1, at.mean, 0, n);
    expect(bench.read(out, n)).toEqual(mean);
    k.fillZero(out, 4 * n);
    expect(bench.read(out, n)).toEqual(new Float32Array(n));
    k.copyBytes(out, at.h, 4 * n);
    expect(bench.read(out, n)).toEqual(h);
    expect(untouched(bench, out, n)).toBe(true);
  });

  test("Bayes by Backprop, one particle and the sum of one", () => {
    const theta = Float32Array.from(mean, (m, i) => m + deviation(rho[i]) * eps[i]);
    const [weight, centre, sd, clip] = [0.125, 0.25, 0.5, 0.75];
    const want = Array.from(mean, (m, i) => {
      const s = deviation(rho[i]);
      const g = clip * likelihood[i];
      const gSd = (g * (theta[i] - m)) / s + weight * (s / sd ** 2 - 1 / s);
      return [g + (weight * (m - centre)) / sd ** 2, gSd * sigmoid(rho[i])];
    });
    const g = padded(bench, likelihood);
    const draw = padded(bench, theta);
    const [gMean, gRho, sumMean, sumRho] = [padded(bench, likelihood), empty(n), empty(n), empty(n)];
    k.meanFieldGradient(gMean, gRho, draw, at.mean, at.rho, n, weight, centre, sd, clip);
    // Two halves of the same particle.
    k.meanFieldAccumulate(sumMean, sumRho, draw, at.mean, at.rho, g, n, 0.5, 1);
    k.meanFieldAccumulate(sumMean, sumRho, draw, at.mean, at.rho, g, n, 0.5, 0);
    k.meanFieldFinish(sumMean, sumRho, at.mean, at.rho, n, weight, centre, sd, clip);
    for (const [gm, gr] of [
      [gMean, gRho],
      [sumMean, sumRho],
    ]) {
      expect(
        largestError(
          bench.read(gm, n),
          want.map((w) => w[0]),
          1,
        ),
      ).toBeLessThan(1e-6);
      expect(
        largestError(
          bench.read(gr, n),
          want.map((w) => w[1]),
          1,
        ),
      ).toBeLessThan(2e-5);
      expect(untouched(bench, gm, n) && untouched(bench, gr, n)).toBe(true);
    }
  });

  test("the mixture prior at a draw", () => {
    const theta = powers(n, -6, 0, 6).map((v, i) => (i & 1 ? v : -v));
    const [pi, sd1, sd2] = [0.25, Math.exp(-1), Math.exp(-7)];
    const g = padded(bench, likelihood);
    const sum = k.mixtureGradient(g, padded(bench, theta), n, 0.5, pi, sd1, sd2, 2);
    const minusLog = (v: number) => mixture(v, pi, sd1, sd2) - 0.5 * Math.log(2 * Math.PI);
    const want = Float64Array.from(theta, (v, i) => {
      const step = 1e-4 * Math.max(Math.abs(v), 1e-4);
      return 2 * likelihood[i] + (0.5 * (minusLog(v + step) - minusLog(v - step))) / (2 * step);
    });
    expect(largestError(bench.read(g, n), want, 1)).toBeLessThan(1e-5);
    expect(Math.abs(sum - total(n, (i) => minusLog(theta[i])))).toBeLessThan(5e-6 * n + 1e-5);
    expect(untouched(bench, g, n)).toBe(true);
  });
});

/** -ln of pi N(v; 0, sd1^2) + (1 - pi) N(v; 0, sd2^2). */
function mixture(v: number, pi: number, sd1: number, sd2: number): number {
  const log = (p: number, sd: number) =>
    Math.log(p / sd) - v ** 2 / (2 * sd * sd) - 0.5 * Math.log(2 * Math.PI);
  const [a, b] = [log(pi, sd1), log(1 - pi, sd2)];
  return -(Math.max(a, b) + Math.log1p(Math.exp(-Math.abs(a - b))));
}

describe("gradients against central differences", () => {
  // One draw eps; likelihood L = sum c theta^2 / 2 + b theta; everything in float64.
  const n = 67;
  const mean = between(n, -0.5, 0.5, 11);
  const rho = between(n, -4, 1, 12);
  const [b, c] = [between(n, -1, 1, 13), between(n, 0, 2, 14)];
  const eps = normals(n, 0);
  const draw = (m: number, r: number, i: number) => m + deviation(r) * eps[i];
  const slope = (f: (x: number) => number, x: number) => (f(x + 1e-5) - f(x - 1e-5)) / 2e-5;
  const theta = padded(
    bench,
    Float32Array.from(mean, (m, i) => draw(m, rho[i], i)),
  );
  const at = { mean: padded(bench, mean), rho: padded(bench, rho) };
  const likelihood = (t: number, i: number) => (c[i] * t * t) / 2 + b[i] * t;

  function check(gMean: number, gRho: number, loss: (m: number, r: number, i: number) => number): void {
    const byMean = Float64Array.from(mean, (m, i) => slope((x) => loss(x, rho[i], i), m));
    const byRho = Float64Array.from(mean, (m, i) => slope((x) => loss(m, x, i), rho[i]));
    expect(largestError(bench.read(gMean, n), byMean, 1)).toBeLessThan(2e-5);
    expect(largestError(bench.read(gRho, n), byRho, 1)).toBeLessThan(2e-5);
  }

  function likelihoodGradient(): number {
    const t = bench.read(theta, n);
    return padded(
      bench,
      t.map((v, i) => c[i] * v + b[i]),
    );
  }

  test("normal prior", () => {
    const [gMean, gRho] = [likelihoodGradient(), empty(n)];
    k.meanFieldGradient(gMean, gRho, theta, at.mean, at.rho, n, 0.1, 0.25, 0.5, 1);
    check(gMean, gRho, (m, r, i) => {
      const s = deviation(r);
      return likelihood(draw(m, r, i), i) + 0.1 * (Math.log(0.5 / s) + (s * s + (m - 0.25) ** 2) / 0.5);
    });
  });

  test("mixture prior, whose KL it returns", () => {
    const [gMean, gRho] = [likelihoodGradient(), empty(n)];
    const [pi, sd1, sd2] = [0.25, Math.exp(-1), Math.exp(-3)];
    const kl = k.meanFieldGradientMixture(gMean, gRho, theta, at.mean, at.rho, n, 0.1, pi, sd1, sd2, 1);
    const term = (m: number, r: number, i: number) =>
      mixture(draw(m, r, i), pi, sd1, sd2) - Math.log(deviation(r)) - 0.5 * Math.log(2 * Math.PI * Math.E);
    check(gMean, gRho, (m, r, i) => likelihood(draw(m, r, i), i) + 0.1 * term(m, r, i));
    expect(kl).toBeCloseTo(
      total(n, (i) => term(mean[i], rho[i], i)),
      3,
    );
  });
});

test("the same sum however the array is split at blocks of 4096", () => {
  const n = 4096 * 3;
  const values = between(n, -3, 3, 21);
  const h = powers(n, -5, 0, 22);
  const at = { values: padded(bench, values), h: padded(bench, h) };
  for (const sum of [
    (from: number, count: number) => k.sumSquares(at.values + 4 * from, count),
    (from: number, count: number) => k.klNatural(at.values + 4 * from, at.h + 4 * from, count, 1e-3, 100),
    (from: number, count: number) => k.klMeanField(at.values + 4 * from, at.values + 4 * from, count, 0, 1),
  ]) {
    const blocks = [0, 1, 2].map((i) => sum(4096 * i, 4096));
    expect(sum(0, n)).toBe(blocks[0] + blocks[1] + blocks[2]);
  }
});

test("a natural posterior equal to its prior has no KL", () => {
  const [mean, h] = [padded(bench, new Float32Array(20)), padded(bench, new Float32Array(20))];
  expect(k.klNatural(mean, h, 20, 1e-3, 100)).toBe(0);
});

test("a deviation never vanishes, however small rho is", () => {
  const bench = new Bench();
  const rho = bench.floats(8, [-200, -90, -46, -30, -10, 0, 30, Number.NaN]);
  const out = bench.floats(8);
  bench.k.deviationArray(out, rho, 8);
  const found = bench.read(out, 8);
  expect([...found.slice(0, 2)]).toEqual([Math.fround(1e-20), Math.fround(1e-20)]);
  for (const [i, x] of [-46, -30, -10, 0, 30].entries())
    expect(found[i + 2] / Math.max(Math.log1p(Math.exp(x)), 1e-20)).toBeCloseTo(1, 5);
  expect(found[7]).toBeNaN();
});
