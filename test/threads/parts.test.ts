/** Where work is cut for threads, and the memory that they speak through. */
import { describe, expect, test } from "vitest";
import {
  channelOf,
  controlOf,
  MOST_PIECES,
  piecesOf,
  readFailure,
  writeFailure,
} from "../../src/kernels/threads/control.ts";
import { edge, edges } from "../../src/kernels/threads/parts.ts";

describe("edges of parts", () => {
  test.each([
    [1, 7, 1],
    [2, 1024, 16],
    [3, 1000, 16],
    [8, 100, 16],
    [5, 3, 1],
  ])(
    "%d parts of %d elements, in multiples of %d, cover all of them once and in order",
    (parts, size, granule) => {
      const at = Array.from({ length: parts + 1 }, (_, p) => edge(p, parts, size, granule));
      expect(at[0]).toBe(0);
      expect(at[parts]).toBe(size);
      for (let p = 0; p < parts; p++) {
        expect(at[p + 1]).toBeGreaterThanOrEqual(at[p]);
        if (at[p] < size) expect(at[p] % granule).toBe(0);
      }
    },
  );

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
    for (const [i, { signals, task, results, failure }] of channels.entries()) {
      signals.fill(i + 1);
      task.fill(i + 1);
      results.fill(i + 1);
      failure.fill(i + 1);
    }
    const pieces = piecesOf(control);
    expect(pieces.next[0]).toBe(0);
    expect(pieces.words.every((word) => word === 0)).toBe(true);
    pieces.words.fill(9);
    pieces.next.fill(9);
    for (const [i, channel] of channels.entries())
      for (const array of [channel.signals, channel.task, channel.results, channel.failure])
        expect(new Set<number>(array)).toEqual(new Set([i + 1]));
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
