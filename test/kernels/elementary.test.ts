import { describe, expect, test } from "vitest";
import { Bench } from "./harness.ts";
import { between, generator, LENGTHS, largestError, padded, untouched } from "./lengths.ts";

const bench = new Bench();
const { k } = bench;
const memory = bench.instance.memory.buffer;
const BATCH = 2 ** 20;
const x = bench.floats(BATCH);
const out = bench.floats(BATCH);
const floats = new Float32Array(memory, x, BATCH);
const bits = new Uint32Array(memory, x, BATCH);
const results = new Float32Array(memory, out, BATCH);

const sigmoid = (v: number) => (v > 0 ? 1 / (1 + Math.exp(-v)) : Math.exp(v) / (1 + Math.exp(v)));
const softplus = (v: number) => Math.max(v, 0) + Math.log1p(Math.exp(-Math.abs(v)));
const turn = (f: (angle: number) => number) => (v: number) => f(2 * Math.PI * v);

const one = new Float32Array(1);
const oneBits = new Int32Array(one.buffer);

/** Distance between floats at |v|. */
function spacing(v: number): number {
  one[0] = Math.abs(v);
  return 2 ** (Math.max(oneBits[0] >>> 23, 1) - 150);
}

/** Largest error in units of the last place; a result that would be denormal may be 0. */
function worst(count: number, reference: (v: number) => number): number {
  let most = 0;
  for (let i = 0; i < count; i++) {
    const want = reference(floats[i]);
    const rounded = Math.fround(want);
    if (Object.is(results[i], rounded) || (results[i] === 0 && Math.abs(rounded) < 2 ** -126)) continue;
    const error = Math.abs(results[i] - want) / spacing(rounded);
    if (!(error <= most)) most = Number.isNaN(error) ? Number.POSITIVE_INFINITY : error;
  }
  return most;
}

const functions = [
  ["exp", k.expArray, Math.exp, 2],
  ["log", k.logArray, Math.log, 2],
  ["sigmoid", k.sigmoidArray, sigmoid, 3],
  ["tanh", k.tanhArray, Math.tanh, 3],
  ["softplus", k.softplusArray, softplus, 3],
] as const;

describe.each(functions)("%s", { timeout: 60_000 }, (name, kernel, reference, bound) => {
  test("is within its bound over all floats, NaN and infinities among them", () => {
    // Every 2011th of the 2^32 bit patterns.
    let most = 0;
    for (let start = 0; start < 2 ** 32; start += BATCH * 2011) {
      const count = Math.min(BATCH, Math.ceil((2 ** 32 - start) / 2011));
      for (let i = 0; i < count; i++) bits[i] = start + i * 2011;
      kernel(out, x, count);
      most = Math.max(most, worst(count, reference));
    }
    expect(most).toBeLessThanOrEqual(bound);
  });

  test("is within its bound where a network meets it", () => {
    for (const range of [1e-3, 1, 20]) {
      floats.set(between(300_000, -range, range, 7));
      kernel(out, x, 300_000);
      expect(worst(300_000, reference)).toBeLessThanOrEqual(bound);
    }
  });

  test("takes every length and leaves the neighbours alone", () => {
    for (const n of LENGTHS) {
      const values = between(n, name === "log" ? 0.1 : -5, 5, n);
      const from = padded(bench, values);
      const to = padded(bench, new Float32Array(n));
      kernel(to, from, n);
      const got = bench.read(to, n);
      const want = Float64Array.from(values, reference);
      expect(largestError(got, want, 1e-3)).toBeLessThan(5e-7);
      expect(untouched(bench, to, n)).toBe(true);
      kernel(from, from, n);
      expect(bench.read(from, n)).toEqual(got);
    }
  });
});

/** The kernel's results at a few arguments. */
function at(kernel: (out: number, x: number, n: number) => void, values: number[]): number[] {
  floats.set(values);
  kernel(out, x, values.length);
  return Array.from(results.subarray(0, values.length));
}

test("ends and special values", () => {
  const { NaN: nan, POSITIVE_INFINITY: inf } = Number;
  expect(at(k.expArray, [0, -0, -inf, inf, nan, 88.73, -88, -3e38, 3e38])).toEqual([
    1,
    1,
    0,
    inf,
    nan,
    inf,
    0,
    0,
    inf,
  ]);
  expect(at(k.expArray, [88.7228])[0] / Math.exp(Math.fround(88.7228))).toBeCloseTo(1, 6);
  expect(at(k.logArray, [1, 0, -0, -1, -inf, inf, nan])).toEqual([0, -inf, -inf, nan, nan, inf, nan]);
  expect(at(k.logArray, [2 ** -149])[0]).toBeCloseTo(Math.log(2 ** -149), 4);
  expect(at(k.sigmoidArray, [0, -inf, inf, nan, 200, -200])).toEqual([0.5, 0, 1, nan, 1, 0]);
  expect(at(k.tanhArray, [0, -inf, inf, nan, 30, -30, 1e-30])).toEqual([
    0,
    -1,
    1,
    nan,
    1,
    -1,
    Math.fround(1e-30),
  ]);
  expect(at(k.softplusArray, [-inf, inf, nan, 100, -200])).toEqual([0, inf, nan, 100, 0]);
});

test("NaN of any pattern stays NaN", () => {
  const next = generator(3);
  for (let i = 0; i < 1000; i++) bits[i] = (0x7f800001 + next() * 0x7ffffe) | (next() < 0.5 ? 0x80000000 : 0);
  for (const [, kernel] of functions) {
    kernel(out, x, 1000);
    expect(results.subarray(0, 1000).every(Number.isNaN)).toBe(true);
  }
});

test("turns: sine and cosine to 2e-7 on [0, 1)", () => {
  for (const [kernel, f] of [
    [k.sinTurnArray, turn(Math.sin)],
    [k.cosTurnArray, turn(Math.cos)],
  ] as const) {
    floats.set(between(300_000, 0, 1, 5));
    floats.set([0, 0.25, 0.5, 0.75, 1 - 2 ** -24, 2 ** -24]);
    kernel(out, x, 300_000);
    let most = 0;
    for (let i = 0; i < 300_000; i++) most = Math.max(most, Math.abs(results[i] - f(floats[i])));
    expect(most).toBeLessThan(2e-7);
  }
});

test("double precision: exp, log and cos within 4 units", { timeout: 60_000 }, () => {
  const value = new Float64Array(2);
  const pattern = new BigInt64Array(value.buffer);
  const next = generator(11);
  function units(a: number, b: number): number {
    value.set([a, b]);
    return Math.abs(Number(pattern[0] - pattern[1]));
  }
  let most = 0;
  const compare = (got: number, want: number) => {
    most = Math.max(most, units(got, want));
  };
  for (let i = 0; i < 50_000; i++) {
    for (const v of [next() * 1400 - 700, next() * 2 - 1]) compare(k.exp64(v), Math.exp(v));
    for (const v of [10 ** (next() * 600 - 300), 0.5 + next()]) compare(k.log64(v), Math.log(v));
    const angle = next() * Math.PI;
    compare(k.cos64(angle), Math.cos(angle));
  }
  expect(most).toBeLessThanOrEqual(4);
  expect([k.exp64(0), k.exp64(-800), k.exp64(800), k.log64(1), k.log64(0)]).toEqual([
    1,
    0,
    Number.POSITIVE_INFINITY,
    0,
    Number.NEGATIVE_INFINITY,
  ]);
  expect([k.log64(-1), k.log64(Number.NaN), k.exp64(Number.NaN)]).toEqual([
    Number.NaN,
    Number.NaN,
    Number.NaN,
  ]);
  expect([k.cos64(0), k.cos64(Math.PI)]).toEqual([1, -1]);
  expect(k.log64(5e-324)).toBeCloseTo(Math.log(5e-324), 10);
});
