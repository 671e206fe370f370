/** Means over seeds and their intervals. */
import { expect, test } from "vitest";
import { average, bootstrap, calibrationFloor, median } from "../../src/comparison/statistics.ts";
import { randomNumbers } from "../support/random.ts";

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

test("the floor of the ECE is what tosses with the very probabilities measure", () => {
  const bins = [
    { tokens: 400, confidence: 0.1 },
    { tokens: 1600, confidence: 0.7 },
    { tokens: 0, confidence: 0 },
  ];
  const random = randomNumbers(5);
  let sum = 0;
  for (let round = 0; round < 2000; round++)
    for (const { tokens, confidence } of bins) {
      let right = 0;
      for (let i = 0; i < tokens; i++) right += Number(random() < confidence);
      if (tokens > 0) sum += Math.abs(right - tokens * confidence) / 2000;
    }
  expect(calibrationFloor(bins) / (sum / 2000)).toBeCloseTo(1, 1);
});
