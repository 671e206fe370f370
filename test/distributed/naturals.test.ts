import { describe, expect, it } from "vitest";
import {
  addChange,
  changeFromBytes,
  changeOf,
  changeToBytes,
  type Normal,
  naturalsOf,
  normalOf,
} from "../../src/distributed/naturals.ts";
import { configureModel } from "../../src/model/configuration.ts";
import { layoutOf } from "../../src/model/layout.ts";

const layout = layoutOf(configureModel(7, { embedding: 4, hidden: 4 }));
const PRIOR = 4;

/** Numbers that differ from place to place; precisions above the prior's, 0 for biases. */
function normal(scale: number): Normal {
  const mean = new Float32Array(layout.length);
  const precision = new Float32Array(layout.length);
  for (const { offset, size, bias } of layout.segments)
    for (let i = offset; i < offset + size; i++) {
      mean[i] = scale * ((i % 13) - 6);
      if (!bias) precision[i] = PRIOR + scale * (1 + (i % 7));
    }
  return { mean, precision };
}

function merged(before: Normal, learnt: readonly Normal[], shares: readonly number[]): Normal {
  const naturals = naturalsOf(layout, before);
  for (const [m, q] of learnt.entries()) addChange(naturals, changeOf(layout, q, before), shares[m]);
  return normalOf(layout, naturals, PRIOR);
}

function expectClose(a: Float32Array, b: ArrayLike<number>): void {
  for (let i = 0; i < a.length; i++) expect(Math.abs(a[i] - b[i])).toBeLessThan(1e-4 * (1 + Math.abs(b[i])));
}

describe("posteriors of shards", () => {
  it("stay where they are when every shard learns nothing new", () => {
    const before = normal(5);
    const { mean, precision } = merged(before, [before, before], [0.25, 0.75]);
    expectClose(mean, before.mean);
    expectClose(precision, before.precision);
  });

  it("merge to their geometric mean by shares: precisions average, means weigh by precision", () => {
    const learnt = [normal(3), normal(8)];
    const { mean, precision } = merged(normal(1), learnt, [0.25, 0.75]);
    const [at] = layout.segments;
    for (let i = at.offset; i < at.offset + at.size; i++) {
      const [p1, p2] = learnt.map((q) => q.precision[i]);
      const [m1, m2] = learnt.map((q) => q.mean[i]);
      const p = 0.25 * p1 + 0.75 * p2;
      expect(precision[i] / p).toBeCloseTo(1, 5);
      expect(mean[i]).toBeCloseTo((0.25 * p1 * m1 + 0.75 * p2 * m2) / p, 3);
    }
  });

  it("average biases, which have no precision, by shares", () => {
    const learnt = [normal(2), normal(4)];
    const { mean, precision } = merged(normal(1), learnt, [0.25, 0.75]);
    const bias = layout.segments.find((segment) => segment.bias)!;
    for (let i = bias.offset; i < bias.offset + bias.size; i++) {
      expect(mean[i]).toBeCloseTo(0.25 * learnt[0].mean[i] + 0.75 * learnt[1].mean[i], 4);
      expect(precision[i]).toBe(0);
    }
  });

  it("never fall below the prior's precision", () => {
    const before = normal(1);
    const doubtful = { mean: before.mean, precision: before.precision.map((p) => p / 100) };
    const { precision } = merged(before, [doubtful], [1]);
    for (const { offset, size, bias } of layout.segments)
      for (let i = offset; i < offset + size; i++) expect(precision[i]).toBe(bias ? 0 : PRIOR);
  });

  it("travel as bytes", () => {
    const change = changeOf(layout, normal(3), normal(2));
    expect(changeFromBytes(changeToBytes(change))).toEqual(change);
  });
});
