import { describe, expect, it } from "vitest";
import { carryOn, momentumFor, velocityFromBytes, velocityToBytes } from "../../src/distributed/momentum.ts";

describe("momentum over rounds", () => {
  it("is none for one shard, more for more, and below 1 for any number", () => {
    expect(momentumFor(1)).toBe(0);
    expect(momentumFor(16)).toBe(1 - 1 / 8);
    expect(momentumFor(2)).toBeLessThan(momentumFor(8));
    expect(momentumFor(10_000)).toBe(0.9);
  });

  it("moves the merged mean by Nesterov's rule", () => {
    const before = Float32Array.of(1, 1);
    const merged = Float32Array.of(2, 0);
    const first = carryOn(before, merged, null, 0.5);
    expect([...first]).toEqual([1, -1]);
    expect([...merged]).toEqual([2.5, -0.5]);
    const next = Float32Array.of(3.5, -0.5);
    const second = carryOn(merged, next, velocityFromBytes(velocityToBytes(first)), 0.5);
    // v = 0.5 · 1 + 1, and the mean goes to 2.5 + 0.5 · 1.5 + 1.
    expect([...second]).toEqual([1.5, -0.5]);
    expect([...next]).toEqual([4.25, -0.75]);
  });

  it("of 0 leaves the merge as it is", () => {
    const merged = Float32Array.of(0.1, -3);
    carryOn(Float32Array.of(7, 0.3), merged, Float32Array.of(9, 9), 0);
    expect(merged[0]).toBeCloseTo(0.1, 6);
  });
});
