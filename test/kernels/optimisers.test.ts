import { describe, expect, test } from "vitest";
import { Bench } from "./harness.ts";
import { between, LENGTHS, largestError, padded, powers, untouched } from "./lengths.ts";

const bench = new Bench();
const { k } = bench;
const total = (x: ArrayLike<number>) => Array.from(x).reduce((sum, v) => sum + v * v, 0);

const DEFAULTS = {
  price: 0,
  rate: 0.1,
  beta1: 0.9,
  correction: 1,
  clip: 1,
  retention: 0.1,
  priceScale: 1,
  squareScale: 0,
  clampScale: 4,
  delta: 1e-3,
  decay: 0,
  maximumStep: 1,
};

type Arrays = Record<"mean" | "h" | "u" | "theta" | "g" | "n", number>;

/** The kernel with its arguments by name. */
function ivonStep(given: Arrays & Partial<typeof DEFAULTS>): void {
  const o = { ...DEFAULTS, ...given };
  const scales = [
    o.retention,
    o.priceScale,
    o.squareScale,
    o.clampScale,
    o.delta,
    o.decay,
    o.maximumStep,
  ] as const;
  const arrays = [o.mean, o.h, o.u, o.theta, o.g, o.price, o.n] as const;
  k.ivonStep(...arrays, o.rate, o.beta1, o.correction, o.clip, ...scales);
}

describe.each(LENGTHS)("%i weights", (n) => {
  const w = between(n, -1, 1, 1);
  const g = powers(n, -6, 1, 2).map((v, i) => (i % 3 ? v : -v));
  const u = between(n, -0.1, 0.1, 3);
  const v = powers(n, -8, 0, 4);
  const theta = Float32Array.from(w, (m, i) => m + 0.1 * u[(i * 7) % n]);

  test("sum of squares, finiteness and largest size leave padding out", () => {
    const at = padded(bench, g);
    expect(k.sumSquares(at, n) / total(g)).toBeCloseTo(1, 6);
    expect(k.isFiniteArray(at, n)).toBe(1);
    expect(k.maxAbs(at, n)).toBe(Math.max(...g.map(Math.abs)));
    const view = new Float32Array(bench.instance.memory.buffer, at, n);
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      view[n - 1] = bad;
      expect(k.isFiniteArray(at, n)).toBe(0);
      view[n - 1] = 0;
      view[0] = bad;
      expect(k.isFiniteArray(at, n)).toBe(0);
      view[0] = 0;
    }
  });

  test("SGD", () => {
    const [atW, atU] = [padded(bench, w), padded(bench, u)];
    k.sgdStep(atW, atU, padded(bench, g), n, 0.5, 0.9, 0.25, 0.01);
    const velocity = Float64Array.from(w, (x, i) => 0.9 * u[i] + 0.25 * g[i] + 0.01 * x);
    expect(largestError(bench.read(atU, n), velocity, 1e-2)).toBeLessThan(1e-5);
    expect(
      largestError(
        bench.read(atW, n),
        w.map((x, i) => x - 0.5 * velocity[i]),
        1,
      ),
    ).toBeLessThan(1e-6);
    expect(untouched(bench, atW, n) && untouched(bench, atU, n)).toBe(true);
  });

  test("the step of dynamic evaluation, back to the mean and down the scaled gradient", () => {
    const [atW, atMean] = [padded(bench, w), padded(bench, u)];
    k.dynamicStep(atW, atMean, padded(bench, v), padded(bench, g), n, 0.5, 0.1);
    const moved = w.map((x, i) => x + 0.1 * (u[i] - x) - 0.5 * v[i] * g[i]);
    expect(largestError(bench.read(atW, n), moved, 1)).toBeLessThan(1e-6);
    expect(untouched(bench, atW, n)).toBe(true);
    expect(bench.read(atMean, n)).toEqual(Float32Array.from(u));
  });

  test("Adam", () => {
    const [atW, atM, atV] = [padded(bench, w), padded(bench, u), padded(bench, v)];
    const [c1, c2] = [1 / (1 - 0.9 ** 3), 1 / (1 - 0.999 ** 3)];
    k.adamStep(atW, atM, atV, padded(bench, g), n, 0.01, 0.9, 0.999, 1e-8, c1, c2, 0.25, 0.01);
    const first = new Float64Array(n);
    const second = new Float64Array(n);
    const moved = Float64Array.from(w, (x, i) => {
      const gradient = 0.25 * g[i] + 0.01 * x;
      first[i] = 0.9 * u[i] + 0.1 * gradient;
      second[i] = 0.999 * v[i] + 0.001 * gradient ** 2;
      return x - (0.01 * first[i] * c1) / (Math.sqrt(second[i] * c2) + 1e-8);
    });
    expect(largestError(bench.read(atM, n), first, 1e-2)).toBeLessThan(1e-5);
    expect(largestError(bench.read(atV, n), second, 1e-12)).toBeLessThan(1e-6);
    expect(largestError(bench.read(atW, n), moved, 1)).toBeLessThan(1e-5);
    expect([atW, atM, atV].every((at) => untouched(bench, at, n))).toBe(true);
  });

  const settings = {
    plain: {
      retention: 1e-3,
      priceScale: 1e4,
      squareScale: 0,
      clampScale: Number.POSITIVE_INFINITY,
      limit: 1e9,
    },
    clamped: { retention: 0.05, priceScale: 1e6, squareScale: 0, clampScale: 2, limit: 0.5 },
    squares: { retention: 0.01, priceScale: 0, squareScale: 0.5, clampScale: 4, limit: 1e9 },
    frozen: { retention: 0, priceScale: 1e4, squareScale: 0, clampScale: 4, limit: 1e9 },
  };
  const [rate, beta1, correction, clip, delta, decay] = [0.01, 0.9, 1.7, 0.5, 1e-3, 1e-3];

  test.each(Object.entries(settings))("IVON, %s, and with averaged particles", (_, s) => {
    const price = Float32Array.from(theta, (t, i) => Math.fround(t - w[i]) * g[i]);
    for (const averaged of [0, padded(bench, price)]) {
      const [mean, h, momentum] = [padded(bench, w), padded(bench, v), padded(bench, u)];
      ivonStep({
        mean,
        h,
        u: momentum,
        theta: padded(bench, theta),
        g: padded(bench, g),
        price: averaged,
        n,
        rate,
        beta1,
        correction,
        clip,
        retention: s.retention,
        priceScale: s.priceScale,
        squareScale: s.squareScale,
        clampScale: s.clampScale,
        delta,
        decay,
        maximumStep: s.limit,
      });
      const [wantH, wantU, wantMean] = [0, 0, 0].map(() => new Float64Array(n));
      for (let i = 0; i < n; i++) {
        const a = v[i] + delta;
        const bound = s.clampScale * Math.sqrt(a);
        const estimate = s.priceScale * a * price[i] + s.squareScale * g[i] ** 2;
        const d = Math.min(Math.max(estimate, -bound), bound) - v[i];
        wantH[i] = v[i] + s.retention * d + (0.5 * s.retention ** 2 * d * d) / a;
        wantU[i] = beta1 * u[i] + (1 - beta1) * clip * g[i];
        const step = (wantU[i] * correction + decay * w[i]) / (wantH[i] + delta);
        wantMean[i] = w[i] - rate * Math.min(Math.max(step, -s.limit), s.limit);
      }
      expect(largestError(bench.read(h, n), wantH, delta)).toBeLessThan(1e-5);
      expect(largestError(bench.read(momentum, n), wantU, 1e-2)).toBeLessThan(1e-5);
      expect(largestError(bench.read(mean, n), wantMean, 1)).toBeLessThan(1e-5);
      expect([mean, h, momentum].every((at) => untouched(bench, at, n))).toBe(true);
      if (s.retention === 0) expect(bench.read(h, n)).toEqual(v);
    }
  });

  test("IVON's sums over particles", () => {
    const [gSum, price] = [padded(bench, new Float32Array(n).fill(Number.NaN)), padded(bench, u)];
    const at = { theta: padded(bench, theta), mean: padded(bench, w), g: padded(bench, g) };
    k.accumulateParticle(gSum, price, at.theta, at.mean, at.g, n, 0.25, 1);
    k.accumulateParticle(gSum, price, at.theta, at.mean, at.g, n, 0.75, 0);
    expect(largestError(bench.read(gSum, n), g, 1e-3)).toBeLessThan(1e-6);
    const noise = Float64Array.from(theta, (t, i) => (t - w[i]) * g[i]);
    expect(largestError(bench.read(price, n), noise, 1e-3)).toBeLessThan(1e-5);
  });
});

test("IVON's precision stays positive under the worst estimates", () => {
  const n = 64;
  // A price scale of 9 at retention 0.1 halves the precision each time; of 1000 it is for the clamp to hold.
  const hard = [
    [9, Number.POSITIVE_INFINITY],
    [1000, 4],
  ];
  for (const delta of [1e-6, 1e-3, 0])
    for (const [priceScale, clampScale] of hard) {
      const h = padded(bench, powers(n, -4, 0, 5));
      const [mean, u] = [padded(bench, between(n, -1, 1, 6)), padded(bench, new Float32Array(n))];
      const g = padded(bench, new Float32Array(n).fill(1));
      const theta = padded(bench, new Float32Array(n));
      for (let step = 0; step < 200; step++) {
        // theta on the side that makes every estimate negative.
        new Float32Array(bench.instance.memory.buffer, theta, n).set(bench.read(mean, n).map((m) => m - 1));
        ivonStep({ mean, h, u, theta, g, n, rate: 0, priceScale, clampScale, delta });
        const f32 = Math.fround(delta);
        expect(bench.read(h, n).every((v) => Math.fround(v + f32) > 0)).toBe(true);
      }
    }
});

test("state that decays becomes 0, not denormal", () => {
  const n = 16;
  const zero = padded(bench, new Float32Array(n));
  const tiny = new Float32Array(n).fill(1.05e-30);
  const at = [0, 0, 0, 0, 0].map(() => padded(bench, tiny));
  k.sgdStep(padded(bench, tiny), at[0], zero, n, 0.1, 0.9, 1, 0);
  k.adamStep(padded(bench, tiny), at[1], at[2], zero, n, 0.1, 0.9, 0.9, 1e-8, 1, 1, 1, 0);
  ivonStep({ mean: zero, h: at[3], u: at[4], theta: zero, g: zero, n });
  for (const pointer of at) expect(bench.read(pointer, n)).toEqual(new Float32Array(n));
});

test("a gradient that is not finite shows: nothing hides it", () => {
  const bad = padded(bench, new Float32Array(16).fill(Number.NaN));
  const fresh = () => padded(bench, new Float32Array(16).fill(0.5));
  const [a, b, c] = [fresh(), fresh(), fresh()];
  k.sgdStep(a, fresh(), bad, 16, 0.1, 0.9, 1, 0);
  k.adamStep(b, fresh(), fresh(), bad, 16, 0.1, 0.9, 0.9, 1e-8, 1, 1, 1, 0);
  ivonStep({ mean: c, h: fresh(), u: fresh(), theta: fresh(), g: bad, n: 16 });
  for (const pointer of [a, b, c]) expect(k.isFiniteArray(pointer, 16)).toBe(0);
});

test("IVON without a gradient has the bits of one that is 0, whatever the noise", () => {
  const n = 1030;
  const update = (g: (n: number) => number) => {
    const of = (values: Float32Array) => padded(bench, values);
    const arrays = {
      mean: of(between(n, -1, 1, 1)),
      h: of(between(n, 0.001, 1, 2)),
      u: of(between(n, -1, 1, 3)),
      theta: of(between(n, -2, 2, 4)),
    };
    ivonStep({ ...arrays, g: g(n), n, decay: 0.1 });
    return [arrays.mean, arrays.h, arrays.u].map((at) => bench.read(at, n));
  };
  expect(update(() => 0)).toEqual(update((count) => padded(bench, new Float32Array(count))));
});
