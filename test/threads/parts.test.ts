/** Where work is cut for threads, and the memory that they speak through. */
import { describe, expect, test } from "vitest";
import {
  channelOf,
  controlOf,
  jobOf,
  MOST_PIECES,
  readFailure,
  writeFailure,
} from "../../src/kernels/threads/control.ts";
import { edges } from "../../src/kernels/threads/crew.ts";

const viewsOf = (holder: object) => Object.values(holder).filter(ArrayBuffer.isView) as Int32Array[];

describe("edges of parts", () => {
  test.each([
    [2, 10_000, 1, 1000],
    [4, 100_000, 16, 100],
    [3, 5000, 8, 1],
    [2, 10_000_000, 1, 1000],
  ])(
    "pieces of %d parts of %d units rise from 0 to the end, and are no more than fit the memory",
    (parts, size, granule, nanoseconds) => {
      const at = edges(parts, size, granule, nanoseconds);
      expect(at[0]).toBe(0);
      expect(at.at(-1)).toBe(size);
      expect(at.length - 1).toBeLessThanOrEqual(MOST_PIECES);
      expect(at.length - 1).toBeGreaterThanOrEqual(parts);
      for (let i = 1; i < at.length; i++) expect(at[i]).toBeGreaterThanOrEqual(at[i - 1]);
    },
  );

  test("long work reserves three quarters for its parts and cuts the rest finer and finer", () => {
    const at = edges(2, 100_000, 1, 1000);
    expect(at.slice(0, 3)).toEqual([0, 37_500, 75_000]);
    const pieces = at.slice(2).map((from, i, all) => (all[i + 1] ?? from) - from);
    expect(pieces.slice(0, -2)).toEqual([...pieces.slice(0, -2)].sort((a, b) => b - a));
  });

  test("short work is cut into its parts alone", () => {
    expect(edges(2, 100, 1, 100)).toEqual([0, 50, 100]);
  });
});

describe("the memory of a pool", () => {
  test("keeps what threads write apart from each other and from the pieces", () => {
    const control = controlOf(3);
    const channels = [0, 1, 2].map((thread) => channelOf(control, thread));
    for (const [i, channel] of channels.entries()) for (const array of viewsOf(channel)) array.fill(i + 1);
    const job = jobOf(control);
    const shared = viewsOf(job);
    expect(shared.length).toBeGreaterThan(0);
    for (const array of shared) expect(new Set<number>(array)).toEqual(new Set([0]));
    for (const array of shared) array.fill(9);
    for (const [i, channel] of channels.entries())
      for (const array of viewsOf(channel)) expect(new Set<number>(array)).toEqual(new Set([i + 1]));
  });

  test("carries what went wrong, at most 256 characters of it", () => {
    const channel = channelOf(controlOf(1), 0);
    writeFailure(channel, "RuntimeError: memory access out of bounds – é");
    expect(readFailure(channel)).toBe("RuntimeError: memory access out of bounds – é");
    writeFailure(channel, "x".repeat(1000));
    expect(readFailure(channel)).toBe("x".repeat(256));
    writeFailure(channel, "");
    expect(readFailure(channel)).toBe("");
  });
});
