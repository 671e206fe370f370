/** What one value of an axis makes of a setting. */
import { expect, test } from "vitest";
import { CLIPS, ratesAround, withValue } from "../../src/comparison/axes.ts";

/** As a momentum that was tuned leaves it. */
const rate = (2 * (1 - 0.9)) / (1 - 0.6);
const sgd = { method: { kind: "sgd", momentum: 0.9, learningRate: rate }, length: 1 } as const;

test("a setting whose clip stays has the same rate to the last digit, as has the one in its grid of rates", () => {
  expect(rate).not.toBe(0.5);
  expect(withValue(sgd, CLIPS.name, 1).method).toEqual({ ...sgd.method, clip: 1 });
  expect(ratesAround(sgd, 4).values).toEqual([0.25, rate, 1]);
});

test("a clip without a rate scales the method's default, where that is one number for all runs", () => {
  const plain = { method: { kind: "sgd" }, length: 1 } as const;
  expect(withValue(plain, CLIPS.name, 0.3).method).toEqual({ kind: "sgd", clip: 0.3, learningRate: 3.33 });
  const ivon = { method: { kind: "ivon" }, length: 1 } as const;
  expect(withValue(ivon, CLIPS.name, 0.1).method).toEqual({ kind: "ivon", clip: 0.1 });
});

test("the clip is extended both ways, a factor of about three at a time, from 0.003 to 10", () => {
  expect([CLIPS.smaller(0.03), CLIPS.larger(1)]).toEqual([0.01, 3]);
  expect([CLIPS.smaller(0.003), CLIPS.larger(10)]).toEqual([null, null]);
});
