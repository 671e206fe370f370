/** @module Intervals: how far a score would move with other sentences of the same kind (Koehn 2004). */
import { requireInteger, requireNumber, SviError, wrongOption } from "../errors.ts";
import { type Kinds, requireOptions } from "../options.ts";
import { philox } from "./philox.ts";

/** What a score is made of. */
const RESAMPLING = Symbol("sums over sentences");

/** A score that is a function of sums over sentences. */
export interface Resampled {
  /** In per cent. */
  readonly score: number;
  readonly [RESAMPLING]: {
    /** A row of counts a sentence. */
    readonly rows: readonly (readonly number[])[];
    readonly scoreOf: (sums: readonly number[]) => number;
  };
}

/** Gives figures what an interval of them needs, out of the way of printing and JSON. */
export function resampled<T extends { readonly score: number }>(
  figures: T,
  rows: readonly (readonly number[])[],
  scoreOf: (sums: readonly number[]) => number,
): T & Resampled {
  return Object.defineProperty(figures, RESAMPLING, { value: { rows, scoreOf } }) as T & Resampled;
}

export interface IntervalOptions {
  /** How many times sentences are drawn anew, 1,000 by default. */
  readonly samples?: number;
  /** What share of the samples lies between `low` and `high`, 0.95 by default. */
  readonly level?: number;
  readonly seed?: number;
}

export interface Interval {
  readonly low: number;
  readonly high: number;
  readonly level: number;
  readonly samples: number;
}

export interface PairedInterval extends Interval {
  /** Score of the first minus score of the second. */
  readonly difference: number;
  /** Share of samples in which the sign is the opposite, ties counting half. */
  readonly reversed: number;
}

/**
 * Percentile bootstrap over sentences; the same seed gives the same figures everywhere.
 *
 * `interval(bleu(hypotheses, references))` → `{ low: 38.1, high: 41.7, level: 0.95, samples: 1000 }`
 * @throws SviError `E_OPTION`
 */
export function interval(result: Resampled, options: IntervalOptions = {}): Interval {
  const { samples, level, seed } = checked("interval", options, result);
  const scores = resample(result, samples, seed).sort((a, b) => a - b);
  return { ...between(scores, level), level, samples };
}

/**
 * The difference of two scores over the same sentences, drawn together: far narrower than two intervals.
 * @throws SviError `E_OPTION`, also where the two do not have equally many sentences
 */
export function pairedInterval(
  first: Resampled,
  second: Resampled,
  options: IntervalOptions = {},
): PairedInterval {
  const { samples, level, seed } = checked("pairedInterval", options, first, second);
  const [m, n] = [first, second].map((result) => result[RESAMPLING].rows.length);
  if (m !== n)
    throw new SviError("E_OPTION", `One score is of ${m} sentences and the other of ${n}`, {
      value: [m, n],
      remedy: "Compare scores of the same sentences",
    });
  const other = resample(second, samples, seed);
  const differences = resample(first, samples, seed).map((score, i) => score - other[i]);
  const difference = first.score - second.score;
  const against = differences.reduce((sum, d) => sum + (d === 0 ? 0.5 : d > 0 === difference > 0 ? 0 : 1), 0);
  differences.sort((a, b) => a - b);
  return { ...between(differences, level), level, samples, difference, reversed: against / samples };
}

const OPTIONS: Kinds<IntervalOptions> = { samples: "number", level: "number", seed: "number" };

function checked(what: string, options: IntervalOptions, ...results: readonly Resampled[]) {
  for (const result of results)
    if (!result?.[RESAMPLING])
      throw wrongOption("result", result, "what bleu, chrf or an error rate returned");
  const { samples = 1000, level = 0.95, seed = 1 } = requireOptions(what, options, OPTIONS);
  return {
    samples: requireInteger("samples", samples, 2, 1e6),
    level: requireNumber("level", level, "a number between 0 and 1", (v) => v > 0 && v < 1),
    seed: requireInteger("seed", seed, 0, Number.MAX_SAFE_INTEGER),
  };
}

function resample({ [RESAMPLING]: { rows, scoreOf } }: Resampled, samples: number, seed: number): number[] {
  const key = [seed % 2 ** 32, Math.floor(seed / 2 ** 32)];
  const scores: number[] = [];
  for (let s = 0; s < samples; s++) {
    const sums = new Array<number>(rows[0].length).fill(0);
    for (let i = 0; i < rows.length; i += 4)
      for (const [j, word] of philox([i / 4, s, 0, 0], key).entries()) {
        if (i + j >= rows.length) break;
        const row = rows[Math.floor((word / 2 ** 32) * rows.length)];
        for (let c = 0; c < sums.length; c++) sums[c] += row[c];
      }
    scores.push(scoreOf(sums));
  }
  return scores;
}

/** Quantiles of what is sorted, between neighbours in proportion. */
function between(sorted: readonly number[], level: number): { low: number; high: number } {
  const at = (share: number) => {
    const place = share * (sorted.length - 1);
    const below = Math.floor(place);
    const above = Math.min(below + 1, sorted.length - 1);
    return sorted[below] + (sorted[above] - sorted[below]) * (place - below);
  };
  return { low: at((1 - level) / 2), high: at((1 + level) / 2) };
}
