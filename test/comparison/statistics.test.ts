/** Means over seeds and their intervals. */
import { expect, test } from "vitest";
import { average, bootstrap, median } from "../../src/comparison/statistics.ts";

test("three values have the exact interval of all 27 resamples", () => {
  const { mean, low, high, values } = bootstrap([1, 2, 6]);
  expect(mean).toBe(3);
  // The 27 means sorted: 1, then three of 4/3; at the other end three of 14/3, then 6.
  expect(low).toBe(1);
  expect(high).toBe(6);
  expect(values).toEqual([1, 2, 6]);
});

test("the interval narrows where the values agree, and is a point for one", () => {
  expect(bootstrap([2, 2, 2])).toEqual({ mean: 2, low: 2, high: 2, values: [2, 2, 2] });
  expect(bootstrap([7])).toEqual({ mean: 7, low: 7, high: 7, values: [7] });
});

test("many values are resampled the same way every time, to about the normal interval", () => {
  const values = Array.from({ length: 40 }, (_, i) => Math.sin(i * 12.9898) * 10);
  const first = bootstrap(values);
  expect(bootstrap([...values])).toEqual(first);
  const deviation = Math.sqrt(average(values.map((v) => (v - first.mean) ** 2)) / values.length);
  expect(first.low).toBeGreaterThan(first.mean - 2.3 * deviation);
  expect(first.low).toBeLessThan(first.mean - 1.6 * deviation);
  expect(first.high).toBeGreaterThan(first.mean + 1.6 * deviation);
});

test("medians of odd and even lists", () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 3, 2])).toBe(2.5);
});
