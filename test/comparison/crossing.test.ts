/** The rules of the clock. */
import { expect, test } from "vitest";
import { crossing, lowest, rise } from "../../src/comparison/crossing.ts";

const curve = [
  { tokens: 100, nll: 3, noise: 0.1 },
  { tokens: 200, nll: 1.9, noise: 0.3 },
  { tokens: 300, nll: 2.1, noise: 0.6 },
  { tokens: 400, nll: 1.8, noise: 0.9 },
  { tokens: 500, nll: 1.85, noise: 1 },
];

test("a posterior has reached a target only with half of its noise on; before that it was the warm phase", () => {
  expect(crossing(curve, 2, true)).toEqual({ tokens: 400, warm: 200 });
  expect(crossing(curve, 2.5, true)).toEqual({ tokens: 300, warm: 200 });
});

test("noise of exactly a half counts", () => {
  expect(crossing([{ tokens: 10, nll: 1, noise: 0.5 }], 1, true)).toEqual({ tokens: 10, warm: null });
  expect(crossing([{ tokens: 10, nll: 1, noise: 0.49 }], 1, true)).toEqual({ tokens: null, warm: 10 });
});

test("a point estimate has no noise to wait for", () => {
  expect(crossing(curve, 2, false)).toEqual({ tokens: 200, warm: null });
});

test("a target that is never reached has no crossing", () => {
  expect(crossing(curve, 1.7, true)).toEqual({ tokens: null, warm: null });
});

test("the lowest point is the first of equals; the rise is from it to the end", () => {
  expect(lowest([...curve, { tokens: 600, nll: 1.8, noise: 1 }]).tokens).toBe(400);
  expect(rise(curve)).toBeCloseTo(1.85 / 1.8 - 1, 12);
  expect(rise(curve.slice(0, 4))).toBe(0);
});
