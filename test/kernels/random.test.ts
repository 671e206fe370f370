import { describe, expect, test } from "vitest";
import { Bench } from "./harness.ts";
import { LENGTHS, padded, untouched } from "./lengths.ts";

const bench = new Bench(64 * 2 ** 20);
const { k } = bench;

/** Philox4x32-10, Salmon et al. 2011, plainly. */
function philox(counter: number[], key: number[]): number[] {
  let [a, b, c, d] = counter.map((v) => v >>> 0);
  let [low, high] = key.map((v) => v >>> 0);
  const product = (x: number, y: number) => BigInt(x) * BigInt(y);
  for (let round = 0; round < 10; round++) {
    const p = product(0xd2511f53, a);
    const q = product(0xcd9e8d57, c);
    a = (Number(q >> 32n) ^ b ^ low) >>> 0;
    b = Number(q & 0xffffffffn);
    c = (Number(p >> 32n) ^ d ^ high) >>> 0;
    d = Number(p & 0xffffffffn);
    low = (low + 0x9e3779b9) >>> 0;
    high = (high + 0xbb67ae85) >>> 0;
  }
  return [a, b, c, d];
}

type Key = [low: number, high: number, step: number, stream: number, particle: number];

function words(n: number, first: number, ...key: Key): Uint32Array {
  const pointer = bench.floats(Math.ceil(n / 16) * 16);
  k.philoxWords(pointer, n, first, ...key);
  return new Uint32Array(bench.instance.memory.buffer, pointer, n).slice();
}

/** The word of element e by the mapping of assembly/random.ts. */
function word(e: number, [low, high, step, stream, particle]: Key): number {
  return philox([Math.floor(e / 16) * 4 + (e & 3), step, stream, particle], [low, high])[(e >> 2) & 3];
}

// The philox4x32 10 lines of tests/kat_vectors of Random123.
const KNOWN = [
  ["00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"],
  ["ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"],
  ["243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"],
].map((line) => line.map((part) => part.split(" ").map((v) => Number.parseInt(v, 16))));

describe("Philox", () => {
  test("gives the published answers", () => {
    for (const [counter, key, answer] of KNOWN) {
      expect(philox(counter, key)).toEqual(answer);
      const [block, step, stream, particle] = counter;
      // An element's number has 32 bits, its block's 30: the second line is for the reference alone.
      if (block > 0x3fffffff) continue;
      const got = words(16, (block >>> 2) * 16, key[0], key[1], step, stream, particle);
      const lane = block & 3;
      expect([got[lane], got[lane + 4], got[lane + 8], got[lane + 12]]).toEqual(answer);
    }
  });

  test("agrees with the reference at all lengths and starts, all bits of key and counter used", () => {
    const key: Key = [0xffffffff, 0xdeadbeef, 0xffffffff, 0xffffffff, 0xffffffff];
    for (const n of LENGTHS) {
      const got = words(n, 48, ...key);
      for (const i of [0, 1, 3, 4, 15, 16, 31, 32, n - 2, n - 1])
        if (i >= 0 && i < n) expect(got[i]).toBe(word(48 + i, key));
    }
  });

  test("an element's draw depends on nothing but its counter and the key", () => {
    const whole = words(512, 0, 1, 2, 3, 4, 5);
    for (const first of [16, 32, 48, 400])
      expect(words(112, first, 1, 2, 3, 4, 5)).toEqual(whole.slice(first, first + 112));
    for (let i = 0; i < 5; i++) {
      const key: Key = [1, 2, 3, 4, 5];
      key[i]++;
      expect(words(512, 0, ...key)).not.toEqual(whole);
    }
  });

  test("writes its padding and nothing beyond", () => {
    for (const n of LENGTHS) {
      const pointer = padded(bench, new Float32Array(n));
      k.normalArray(pointer, n, 0, 1, 2, 3, 4, 5);
      expect(untouched(bench, pointer, n)).toBe(true);
      expect(bench.read(pointer, Math.ceil(n / 16) * 16).every(Number.isFinite)).toBe(true);
    }
  });
});

test("normals follow Box and Muller", () => {
  const key: Key = [7, 8, 9, 10, 11];
  const pointer = bench.floats(10_016);
  k.normalArray(pointer, 10_001, 160, ...key);
  const got = bench.read(pointer, 10_001);
  let most = 0;
  for (let i = 0; i < 10_001; i++) {
    const e = 160 + i;
    const second = (e >> 2) & 1;
    const pair = e - 4 * second;
    const u = Math.fround(word(pair, key)) * 2 ** -32 + 2 ** -33;
    const angle = 2 * Math.PI * (word(pair + 4, key) >>> 8) * 2 ** -24;
    const want = Math.sqrt(-2 * Math.log(u)) * (second ? Math.sin(angle) : Math.cos(angle));
    most = Math.max(most, Math.abs(got[i] - want));
  }
  expect(most).toBeLessThan(2e-6);
});

test("uniform numbers and dropout masks are made of the same words", () => {
  const key: Key = [1, 2, 3, 4, 5];
  const pointer = bench.floats(10_016);
  const expected = words(10_001, 64, ...key);
  k.uniformArray(pointer, 10_001, 64, ...key);
  const uniform = bench.read(pointer, 10_001);
  expect(uniform).toEqual(Float32Array.from(expected, (w) => (w >>> 8) * 2 ** -24));
  for (const keep of [1, 0.75, 0.1]) {
    k.dropoutMask(pointer, 10_001, 64, keep, ...key);
    const want = uniform.map((u) => (u < Math.fround(keep) ? Math.fround(1 / Math.fround(keep)) : 0));
    expect(bench.read(pointer, 10_001)).toEqual(want);
  }
});

/** Normal distribution function (West 2005, Hart's algorithm), 1e-15. */
function cumulative(x: number): number {
  const z = Math.abs(x);
  let p = 0;
  if (z < 7.07106781186547) {
    const up = [
      0.0352624965998911, 0.700383064443688, 6.37396220353165, 33.912866078383, 112.079291497871,
      221.213596169931, 220.206867912376,
    ];
    const down = [
      0.0883883476483184, 1.75566716318264, 16.064177579207, 86.7807322029461, 296.564248779674,
      637.333633378831, 793.826512519948, 440.413735824752,
    ];
    const horner = (c: number[]) => c.reduce((sum, v) => sum * z + v, 0);
    p = (Math.exp((-z * z) / 2) * horner(up)) / horner(down);
  }
  return x > 0 ? 1 - p : p;
}

describe("ten million normals", { timeout: 60_000 }, () => {
  const COUNT = 10_000_000;
  const PART = 1_000_000;
  const values = new Float32Array(COUNT);
  const pointer = bench.floats(PART);
  for (let start = 0; start < COUNT; start += PART) {
    k.normalArray(pointer, PART, start, 2024, 0, 1, 0, 0);
    values.set(new Float32Array(bench.instance.memory.buffer, pointer, PART), start);
  }

  test("have the moments of a normal", () => {
    const sums = [0, 0, 0, 0];
    for (const v of values) {
      const square = v * v;
      sums[0] += v;
      sums[1] += square;
      sums[2] += v * square;
      sums[3] += square * square;
    }
    const want = [0, 1, 0, 3];
    const variance = [1, 2, 15, 96];
    // Five standard errors.
    for (let i = 0; i < 4; i++)
      expect(Math.abs(sums[i] / COUNT - want[i])).toBeLessThan(5 * Math.sqrt(variance[i] / COUNT));
  });

  test("have its tails", () => {
    for (const limit of [2, 3, 4, 5]) {
      const expected = 2 * COUNT * cumulative(-limit);
      let beyond = 0;
      for (const v of values) if (Math.abs(v) > limit) beyond++;
      expect(Math.abs(beyond - expected)).toBeLessThan(5 * Math.sqrt(expected));
    }
    let most = 0;
    for (const v of values) most = Math.max(most, Math.abs(v));
    expect(most).toBeGreaterThan(4.8);
    expect(most).toBeLessThan(6.8);
  });

  test("pass Kolmogorov and Smirnov", () => {
    const sorted = values.slice().sort();
    let most = 0;
    for (let i = 0; i < COUNT; i++) {
      const p = cumulative(sorted[i]);
      most = Math.max(most, p - i / COUNT, (i + 1) / COUNT - p);
    }
    // sqrt(n) D exceeds 1.95 once in a thousand.
    expect(most * Math.sqrt(COUNT)).toBeLessThan(1.95);
  });

  test("are independent of their neighbours, other steps, streams and particles", () => {
    const n = PART;
    const first = values.subarray(0, n);
    const correlation = (a: Float32Array, b: Float32Array) => {
      let sum = 0;
      let squares = 0;
      for (let i = 0; i < b.length; i++) {
        sum += a[i] * b[i];
        squares += (a[i] ** 2 - 1) * (b[i] ** 2 - 1);
      }
      return Math.max(Math.abs(sum) / Math.sqrt(n), Math.abs(squares) / Math.sqrt(4 * n));
    };
    for (const lag of [1, 2, 3, 4, 8, 12, 16])
      expect(correlation(first, values.subarray(lag, n))).toBeLessThan(5);
    for (const key of [
      [2025, 0, 1, 0, 0],
      [2024, 1, 1, 0, 0],
      [2024, 0, 2, 0, 0],
      [2024, 0, 1, 1, 0],
      [2024, 0, 1, 0, 1],
    ] as Key[]) {
      k.normalArray(pointer, n, 0, ...key);
      expect(correlation(first, bench.read(pointer, n))).toBeLessThan(5);
    }
  });
});
