/** One vector times packed weights: float32 with gemm's bits, 8 bits with exact sums; the signs of Flipout. */
import { describe, expect, test } from "vitest";
import { Arena, random, whole } from "./matrix.ts";

/** Around the panel of 32 columns and the block of 256 deep; odd depths, and the deepest there is. */
const COLUMNS = [1, 3, 31, 32, 33, 64, 65];
const DEPTHS = [1, 2, 3, 7, 8, 15, 255, 256, 257, 512, 513];
const CASES = COLUMNS.flatMap((n) => DEPTHS.map((depth) => [n, depth] as const));

const arena = new Arena();
const k = arena.k;
const widthOf = (n: number) => Math.ceil(n / 32) * 32;

function transpose(w: Float32Array, n: number, depth: number): Float32Array {
  return Float32Array.from({ length: n * depth }, (_, i) => w[(i % n) * depth + Math.floor(i / n)]);
}

describe.each(CASES)("%i columns, %i deep", (n, depth) => {
  const x = random(depth, 1, 3);
  const w = random(n * depth, 1, 4);

  test("the bits of gemv, alone and added to what was there", () => {
    arena.reset();
    const xAt = arena.region(depth, x);
    const wAt = arena.region(n * depth, w);
    const packed = arena.region(widthOf(n) * depth);
    const y = arena.region(widthOf(n));
    const before = random(widthOf(n), 1, 5);
    const from = arena.region(widthOf(n), before);
    const other = arena.region(k.packedSize(n, depth));
    const expected = arena.region(n, before.subarray(0, n));
    k.packVector(packed, wAt, depth, depth, n);
    k.packColumns(other, arena.region(n * depth, transpose(w, n, depth)), n, depth, n);
    const snapshot = arena.snapshot();
    k.timesVector(n, depth, xAt, packed, 0, y);
    expect(
      arena.strayWrite(snapshot, [{ at: y, rows: 1, width: widthOf(n), stride: widthOf(n) }]),
    ).toBeUndefined();
    const alone = arena.bits(y, n);
    k.timesVector(n, depth, xAt, packed, from, y);
    const added = arena.bits(y, n);
    k.timesVector(n, depth, xAt, packed, from, from);
    expect(arena.bits(from, n)).toEqual(added);
    k.gemv(n, depth, xAt, other, expected, 1);
    expect(added).toEqual(arena.bits(expected, n));
    k.gemv(n, depth, xAt, other, expected, 0);
    expect(alone).toEqual(arena.bits(expected, n));
  });

  test("8 bits: sums of integers, exactly; rows and vector rounded by their scales", () => {
    arena.reset();
    const { y, from } = quantizedProduct(n, depth, x, w);
    // Float32 arithmetic, written out.
    const row = (j: number) => w.subarray(j * depth, (j + 1) * depth);
    const inputs = integersOf(x, 2047);
    for (let j = 0; j < n; j++) {
      const weights = integersOf(row(j), 127);
      let sum = 0;
      for (let p = 0; p < depth; p++) sum += weights.values[p] * inputs.values[p];
      const scale = Math.fround(weights.scale * inputs.scale);
      expect(y[j]).toBe(Math.fround(Math.fround(sum) * scale));
      expect(from[j]).toBe(Math.fround(1 + y[j]));
    }
  });
});

const largestOf = (x: Float32Array) => x.reduce((most, v) => Math.max(most, Math.abs(v)), 0);

/** Rounded to integers from -most to most: half to even, which only exact halves would show. */
function integersOf(x: Float32Array, most: number): { values: number[]; scale: number } {
  const largest = largestOf(x);
  if (largest < 1e-30) return { values: Array.from(x, () => 0), scale: 0 };
  const factor = Math.fround(most / largest);
  const values = Array.from(x, (v) => {
    const scaled = Math.fround(v * factor);
    const nearest = Math.round(scaled);
    return Math.abs(scaled % 1) === 0.5 && nearest % 2 !== 0 ? nearest - 1 : nearest;
  });
  return { values, scale: Math.fround(largest / most) };
}

/** x·Wᵀ in 8 bits, and the same added to ones. */
function quantizedProduct(n: number, depth: number, x: Float32Array, w: Float32Array) {
  const xAt = arena.region(depth, x);
  const wAt = arena.region(n * depth, w);
  const quantized = arena.region(k.quantizedVectorSize(depth) / 4);
  const packed = arena.region(k.quantizedSize(n, depth) / 4);
  const scales = arena.region(widthOf(n));
  const y = arena.region(widthOf(n));
  const from = arena.region(widthOf(n), new Float32Array(widthOf(n)).fill(1));
  const outputs = [
    { at: quantized, rows: 1, width: k.quantizedVectorSize(depth) / 4, stride: 0 },
    { at: packed, rows: 1, width: k.quantizedSize(n, depth) / 4, stride: 0 },
    { at: scales, rows: 1, width: widthOf(n), stride: 0 },
    { at: y, rows: 1, width: widthOf(n), stride: 0 },
    { at: from, rows: 1, width: widthOf(n), stride: 0 },
  ];
  const snapshot = arena.snapshot();
  k.quantizeRows(packed, scales, wAt, depth, depth, n);
  k.quantizeVector(quantized, xAt, depth);
  k.timesQuantized(n, depth, quantized, packed, scales, 0, y);
  k.timesQuantized(n, depth, quantized, packed, scales, from, from);
  expect(arena.strayWrite(snapshot, outputs)).toBeUndefined();
  return { y: arena.read(y, n), from: arena.read(from, n) };
}

describe("8 bits at their limits", () => {
  const [n, depth] = [40, 8192];

  test.each([
    [1, 1],
    [1, -1],
    [-1, 1],
    [-1, -1],
  ])("the largest sums there can be do not overflow: %i, %i", (xSign, wSign) => {
    arena.reset();
    const x = new Float32Array(depth).fill(xSign);
    const w = new Float32Array(n * depth).fill(wSign);
    const { y } = quantizedProduct(n, depth, x, w);
    for (const value of y) expect(value / (xSign * wSign * depth)).toBeCloseTo(1, 6);
  });

  test("whole weights up to 127 are kept exactly", () => {
    arena.reset();
    const w = whole(5 * 64, 127, 9);
    for (let j = 0; j < 5; j++) w[j * 64] = 127;
    const x = whole(64, 2047, 2);
    x[3] = -2047;
    const { y } = quantizedProduct(5, 64, x, w);
    for (let j = 0; j < 5; j++) {
      let sum = 0;
      for (let p = 0; p < 64; p++) sum += x[p] * w[j * 64 + p];
      expect(y[j]).toBe(sum);
    }
  });

  test("rows and vectors of zeros, of denormals, of what is not a number", () => {
    for (const [value, expected] of [
      [0, 0],
      [1e-40, 0],
      [Number.NaN, Number.NaN],
      [Number.POSITIVE_INFINITY, Number.NaN],
    ]) {
      for (const inVector of [true, false]) {
        arena.reset();
        const x = inVector ? new Float32Array(9).fill(value) : random(9);
        const w = inVector ? random(18) : new Float32Array(18).fill(value);
        expect([...quantizedProduct(2, 9, x, w).y].map(Math.abs)).toEqual([expected, expected]);
      }
    }
  });
});

test.each([1, 4, 7, 33])("signs are +1 and -1 by the highest bit, and times them is added: %i", (n) => {
  arena.reset();
  const words = arena.region(Math.ceil(n / 4) * 4);
  for (let i = 0; i < n; i++) arena.words[words / 4 + i] = i % 3 ? 0x7fffffff - i : 0x80000000 + i;
  k.signArray(words, n);
  const signs = arena.read(words, n);
  signs.forEach((sign, i) => {
    expect(sign).toBe(i % 3 ? 1 : -1);
  });
  const x = random(n, 1, 6);
  const before = random(n, 1, 7);
  const [xAt, y] = [arena.region(n, x), arena.region(n, before)];
  const snapshot = arena.snapshot();
  k.addSigned(y, xAt, words, n);
  expect(arena.strayWrite(snapshot, [{ at: y, rows: 1, width: n, stride: n }])).toBeUndefined();
  arena.read(y, n).forEach((value, i) => {
    expect(value).toBe(Math.fround(before[i] + signs[i] * x[i]));
  });
});
