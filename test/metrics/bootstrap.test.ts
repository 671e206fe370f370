/** Intervals over sentences: as wide as theory has them, the same everywhere. */
import { describe, expect, test } from "vitest";
import { bleu, interval, pairedInterval, wordErrorRate } from "../../src/entries/metrics.ts";
import { philox } from "../../src/metrics/philox.ts";

describe("Philox4x32-10 gives the published known answers", () => {
  test.each([
    [
      [0, 0, 0, 0],
      [0, 0],
      [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
    ],
    [
      [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      [0xffffffff, 0xffffffff],
      [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    ],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    ],
  ])("for counter %j and key %j", (counter, key, expected) => {
    expect(philox(counter, key)).toEqual(expected);
  });
});

/** One word a sentence; every k-th is wrong. */
function everyWrong(k: number, sentences: number) {
  const references = Array.from({ length: sentences }, () => "a");
  return wordErrorRate(
    references,
    references.map((_, i) => (i % k === 0 ? "b" : "a")),
  );
}

describe("an interval", () => {
  test("of independent errors is the binomial's", () => {
    const { low, high } = interval(everyWrong(4, 2000), { samples: 4000 });
    const half = 1.96 * 100 * Math.sqrt((0.25 * 0.75) / 2000);
    expect(low).toBeCloseTo(25 - half, 0);
    expect(high).toBeCloseTo(25 + half, 0);
    expect(Math.abs((high - low) / (2 * half) - 1)).toBeLessThan(0.05);
  });

  test("is the same for the same seed and another for another, narrower for a lower level", () => {
    const rate = everyWrong(3, 50);
    const few = (seed: number) => interval(rate, { seed, samples: 3 });
    expect(few(7)).toEqual(few(7));
    expect(few(8)).not.toEqual(few(7));
    expect(few(2 ** 32 + 7)).not.toEqual(few(7));
    const [wide, narrow] = [interval(rate), interval(rate, { level: 0.5 })];
    expect(narrow.low).toBeGreaterThan(wide.low);
    expect(narrow.high).toBeLessThan(wide.high);
  });

  test("has the bits that it had", () => {
    const texts = ["the cat sat", "a dog ran off", "birds sing at dawn", "the end"];
    const score = bleu(texts, [["the cat sits", "a dog ran away", "birds sing at dawn", "an end"]]);
    expect(interval(score, { samples: 200 })).toMatchInlineSnapshot(`
      {
        "high": 92.34732618882052,
        "level": 0.95,
        "low": 0,
        "samples": 200,
      }
    `);
  });

  test("is refused for options out of range", () => {
    const rate = everyWrong(3, 9);
    expect(() => interval(rate, { samples: 1 })).toThrow(/samples is 1/);
    expect(() => interval(rate, { level: 1 })).toThrow(/level is 1/);
    expect(() => interval(rate, { seed: -1 })).toThrow(/seed is -1/);
  });
});

describe("a paired interval", () => {
  test("is nothing wide for the same sentences", () => {
    const rate = everyWrong(5, 100);
    expect(pairedInterval(rate, rate)).toMatchObject({ difference: 0, low: 0, high: 0, reversed: 0.5 });
  });

  test("is narrower than two intervals where errors go together", () => {
    const [more, fewer] = [everyWrong(4, 400), everyWrong(8, 400)];
    const paired = pairedInterval(more, fewer);
    expect(paired.difference).toBe(12.5);
    expect(paired.low).toBeGreaterThan(0);
    expect(paired.reversed).toBe(0);
    const [a, b] = [interval(more), interval(fewer)];
    expect(paired.high - paired.low).toBeLessThan(a.high - a.low + (b.high - b.low));
  });

  test("is refused for other sentences", () => {
    expect(() => pairedInterval(everyWrong(2, 4), everyWrong(2, 5))).toThrow(
      /4 sentences and the other of 5/,
    );
  });
});
