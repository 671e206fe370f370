/** @module A result of the benchmark, as it travels in a link: what can be checked of it is. */
import type { BenchmarkResult } from "svi-lm/benchmark";
import { Refusal } from "../../parts/notice.ts";

export interface Result {
  /** What its owner calls the machine. */
  readonly name: string;
  readonly peak: number;
  readonly product: number;
  readonly training: number;
  readonly prediction: number;
  readonly seconds: number;
  readonly hash: string;
}

/**
 * SHA-256 of the trained weights and all predictions of the benchmark: the same on every machine and engine. A change of
 * it is a change of the numbers that svi-lm computes; the tests of the site run the benchmark and compare.
 */
export const HASH = "d12fd82a579dee3f106c94de36ed09020ccbd5b00f8c93bb54bfda461c12b222";

/** Tokens that the benchmark trains on and predicts. */
const TRAINED = 28_000;
const PREDICTED = 2000;
const LONGEST_NAME = 60;

/** Bounds beyond which no machine of this decade is. */
const BOUNDS = {
  peak: [0.01, 2000],
  product: [0.01, 2000],
  training: [1, 5_000_000],
  prediction: [0.1, 1_000_000],
  seconds: [0.05, 10_000],
} as const;

/** @throws Refusal where the work was not the benchmark's */
export function resultOf(name: string, found: BenchmarkResult): Result {
  const { peakGflops, gemmGflops, trainTokensPerSecond, predictMicrosecondsPerToken, seconds, hash } = found;
  const result = {
    name,
    peak: peakGflops ?? 0,
    product: gemmGflops ?? 0,
    training: trainTokensPerSecond ?? 0,
    prediction: predictMicrosecondsPerToken ?? 0,
    seconds,
    hash,
  };
  if (hash !== HASH)
    throw new Refusal(
      `This machine computed something else: its hash begins with ${hash.slice(0, 12)}`,
      "Load the page again, in case it is of an older version; else its processor or browser errs, which should be reported",
    );
  return result;
}

export function linkOf(result: Result): string {
  const { name, peak, product, training, prediction, seconds, hash } = result;
  const figures = [peak, product, training, prediction, seconds].map((value) => Number(value.toPrecision(4)));
  const bytes = new TextEncoder().encode(JSON.stringify([name, ...figures, hash]));
  const text = btoa(String.fromCharCode(...bytes));
  return `#/race?result=${text.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "")}`;
}

/** @throws Refusal for what is not a result, or cannot be one */
export function readLink(text: string): Result {
  const fields = fieldsOf(text);
  if (!Array.isArray(fields) || fields.length !== 7) throw damaged();
  const [name, peak, product, training, prediction, seconds, hash] = fields;
  if (typeof name !== "string" || typeof hash !== "string") throw damaged();
  return requireBelievable({
    name: name.slice(0, LONGEST_NAME),
    peak,
    product,
    training,
    prediction,
    seconds,
    hash,
  });
}

function fieldsOf(text: string): unknown {
  try {
    const bytes = Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (one) =>
      one.charCodeAt(0),
    );
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw damaged();
  }
}

const damaged = () =>
  new Refusal("The link does not hold a result", "Ask for it again: it may have been cut");

const forged = (why: string) =>
  new Refusal(
    `The result in this link is not believed: ${why}`,
    "Ask whoever sent it to run the benchmark again, or run it here",
  );

/** Figures that go with each other, and the hash of the benchmark's own work. @throws Refusal */
function requireBelievable(result: Result): Result {
  for (const [key, [least, most]] of Object.entries(BOUNDS) as [
    keyof typeof BOUNDS,
    readonly [number, number],
  ][]) {
    const value: unknown = result[key];
    if (typeof value !== "number" || !(value >= least && value <= most))
      throw forged(`${key} is ${String(value)}`);
  }
  if (result.hash !== HASH) throw forged("its hash is not that of the benchmark's work");
  // Medians; the whole took as long as half of it did, at the least.
  const least = (TRAINED / result.training + (PREDICTED * result.prediction) / 1e6) / 2;
  if (result.seconds < least) throw forged("so much work cannot be done in the time that it states");
  return result;
}
