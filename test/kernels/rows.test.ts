/** Sums over rows: the bits of one chain of additions in double precision, whatever the shape. */
import { expect, test } from "vitest";
import { Bench } from "./harness.ts";
import { between, padded, untouched } from "./lengths.ts";

const bench = new Bench();
const { k } = bench;
const SHAPES = [1, 3, 4, 5, 9].flatMap((rows) => [1, 2, 4, 7, 200].map((width) => [rows, width] as const));

/** Doubles between two that are not numbers. */
function doubles(rows: number, values: readonly number[] = []) {
  const at = bench.floats(2 * rows + 4);
  const all = new Float64Array(bench.instance.memory.buffer, at, rows + 2).fill(Number.NaN);
  all.set(values, 1);
  return { at: at + 8, values: all.subarray(1, rows + 1), outside: () => [all[0], all[rows + 1]] };
}

function sumsOf(x: Float32Array, width: number, term: (value: number) => number): number[] {
  return Array.from({ length: x.length / width }, (_, row) =>
    x.subarray(row * width, (row + 1) * width).reduce((sum, value) => sum + term(value), 0),
  );
}

test.each(SHAPES)("%i rows of %i", (rows, width) => {
  const x = between(rows * width, 1e-4, 2, 1).map((v, i) => (i % 3 ? v : -v / 3));
  const at = padded(bench, x);
  const [squares, inverses, totals] = [0, 1, 2].map(() => doubles(rows));
  const shift = 0.7001;
  k.rowSquares(squares.at, at, rows, width);
  k.rowLevels(inverses.at, totals.at, at, rows, width, shift);
  expect([...squares.values]).toEqual(sumsOf(x, width, (v) => v * v));
  expect([...inverses.values]).toEqual(sumsOf(x, width, (v) => 1 / (v + shift)));
  expect([...totals.values]).toEqual(sumsOf(x, width, (v) => v));
  for (const sums of [squares, inverses, totals]) expect(sums.outside()).toEqual([Number.NaN, Number.NaN]);

  const factors = doubles(
    rows,
    Array.from({ length: rows }, (_, row) => 0.3 + row / 7),
  );
  const least = -0.25;
  k.scaleRows(at, factors.at, rows, width, least);
  const scaled = x.map((v, i) => Math.max(v * factors.values[Math.floor(i / width)], least));
  expect(bench.read(at, x.length)).toEqual(scaled);
  expect(untouched(bench, at, x.length)).toBe(true);
});

test("a row that holds NaN has no sum, and its neighbours have theirs", () => {
  const x = between(40, -1, 1, 2);
  x[13] = Number.NaN;
  const sums = doubles(5);
  k.rowSquares(sums.at, padded(bench, x), 5, 8);
  expect([...sums.values].map(Number.isNaN)).toEqual([false, true, false, false, false]);
});
