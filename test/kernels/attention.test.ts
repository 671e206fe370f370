/** Attention's kernels against float64 loops at odd shapes, and their gradients against central differences. */
import { expect, test } from "vitest";
import { randomNumbers } from "../support/random.ts";
import { Bench } from "./harness.ts";
import { centralDifferences, largestError, random } from "./matrix.ts";

const uniform = randomNumbers(23);
const pick = (n: number) => Math.floor(uniform() * n);

interface Shape {
  rows: number;
  width: number;
  stride: number;
  keys: number;
  /** Rows of `keys`, row by row. */
  places: number[][];
}

function shapeOf(width: number): Shape {
  const [rows, stride, keys] = [1 + pick(6), 4 * (1 + pick(4)), 1 + pick(9)];
  const places = Array.from({ length: rows }, (_, r) =>
    Array.from({ length: r === 0 ? 0 : pick(stride + 1) }, () => pick(keys)),
  );
  return { rows, width, stride, keys, places };
}

/** [c ; h] of every row. */
function attended({ rows, width, places }: Shape, x: ArrayLike<number>, keys: ArrayLike<number>): number[] {
  const out: number[] = [];
  for (let r = 0; r < rows; r++) {
    const scores = places[r].map((place) => {
      let score = 0;
      for (let j = 0; j < width; j++) score += x[r * width + j] * keys[place * width + j];
      return Math.exp(score);
    });
    const sum = scores.reduce((a, b) => a + b, 0);
    for (let j = 0; j < width; j++)
      out.push(places[r].reduce((c, place, i) => c + (scores[i] / sum) * keys[place * width + j], 0));
    for (let j = 0; j < width; j++) out.push(x[r * width + j]);
  }
  return out;
}

/** A shape's arrays in memory. */
function lay(bench: Bench, shape: Shape) {
  const { rows, width, stride, keys, places } = shape;
  const padded = places.flatMap((list) => [...list, ...Array<number>(stride - list.length).fill(0)]);
  const x = random(rows * width, 0.9, 1 + pick(1000));
  const k = random(keys * width, 0.9, 1 + pick(1000));
  return {
    x,
    k,
    xAt: bench.floats(x.length, x),
    keysAt: bench.floats(k.length, k),
    placesAt: bench.integers(padded),
    countsAt: bench.integers(places.map(({ length }) => length)),
    out: bench.floats(rows * 2 * width),
    weights: bench.floats(rows * stride),
    slopes: bench.floats(rows * stride),
    dx: bench.floats((rows + keys) * width),
  };
}

const WIDTHS = [1, 3, 4, 15, 16, 17, 18, 33, 64, 79];

test.each(WIDTHS)("attend, width %d", (width) => {
  for (let i = 0; i < 5; i++) {
    const shape = shapeOf(width);
    const bench = new Bench(2 ** 22);
    const { x, k, xAt, keysAt, placesAt, countsAt, out, weights } = lay(bench, shape);
    bench.k.attend(out, weights, xAt, keysAt, placesAt, countsAt, shape.rows, width, shape.stride);
    expect(largestError(bench.read(out, shape.rows * 2 * width), attended(shape, x, k))).toBeLessThan(2e-6);
  }
});

test.each(WIDTHS)("gradients of attend, width %d", (width) => {
  const shape = shapeOf(width);
  const { rows, stride } = shape;
  const bench = new Bench(2 ** 22);
  const { x, k, xAt, keysAt, placesAt, countsAt, out, weights, slopes, dx } = lay(bench, shape);
  const direction = random(rows * 2 * width, 1, 5);
  const dOut = bench.floats(direction.length, direction);
  bench.k.attend(out, weights, xAt, keysAt, placesAt, countsAt, rows, width, stride);
  bench.k.attendBackward(dx, slopes, dOut, weights, keysAt, placesAt, countsAt, rows, width, stride);
  const along = (own: ArrayLike<number>, keys: ArrayLike<number>) =>
    attended(shape, own, keys).reduce((sum, y, i) => sum + y * direction[i], 0);
  const ofRows = centralDifferences((own) => along(own, k), x);
  expect(largestError(bench.read(dx, rows * width), ofRows)).toBeLessThan(5e-6);
  const ofKeys = centralDifferences((keys) => along(x, keys), k);
  const first = pick(shape.keys);
  const dKeys = bench.floats(ofKeys.length, new Float32Array(ofKeys.length));
  const common = [dOut, slopes, weights, xAt, placesAt, countsAt, rows] as const;
  bench.k.attendKeysBackward(dKeys, ...common, width, width, stride, first);
  const left = (shape.keys - first) * width;
  expect(largestError(bench.read(dKeys, left), ofKeys.slice(first * width))).toBeLessThan(5e-6);
  // Nothing is written behind the keys that are wanted.
  expect(bench.read(dKeys + 4 * left, ofKeys.length - left).every((d) => d === 0)).toBe(true);
});

test("weights of scores that differ by thousands are 0 and 1, and one that is not a number shows", () => {
  const bench = new Bench(2 ** 20);
  const shape = { rows: 1, width: 1, stride: 4, keys: 3, places: [[0, 1, 2]] };
  const { xAt, keysAt, placesAt, countsAt, out, weights } = lay(bench, shape);
  const run = (x: number, keys: number[]) => {
    const memory = bench.instance.memory.buffer;
    new Float32Array(memory, xAt, 1)[0] = x;
    new Float32Array(memory, keysAt, 3).set(keys);
    bench.k.attend(out, weights, xAt, keysAt, placesAt, countsAt, 1, 1, 4);
    return [...bench.read(weights, 3), bench.read(out, 1)[0]];
  };
  expect(run(1000, [-7, 5, -3])).toEqual([0, 1, 0, 5]);
  expect(run(1, [1, Number.NaN, 0]).at(-1)).toBeNaN();
});

test.each([1, 4, 7, 130])("tanhBackward of %d", (n) => {
  const bench = new Bench(2 ** 20);
  const [d, y] = [random(n, 1, 2), random(n, 0.99, 3)];
  const dx = bench.floats(n + 1, d);
  bench.k.tanhBackward(dx, bench.floats(n, y), n);
  const expected = Array.from(d, (v, i) => v * (1 - y[i] ** 2));
  expect(largestError(bench.read(dx, n), expected)).toBeLessThan(1e-6);
  expect(bench.read(dx + 4 * n, 1)[0]).toBeNaN();
});
