/** @module BLEU (Papineni et al. 2002) with sacreBLEU 2.6.0's defaults, options and signature. */
import { requireChoice, requireInteger, requireNumber } from "../errors.ts";
import { type Kinds, requireOptions } from "../options.ts";
import { type Resampled, resampled } from "./bootstrap.ts";
import { countOfReferences, referencesOf, requireList } from "./checks.ts";
import { exp, root } from "./elementary.ts";
import { matches, mostOf, ngrams, sumsOf } from "./ngrams.ts";
import { type BleuTokenization, tokenize } from "./tokenize.ts";

export interface BleuOptions {
  readonly lowercase?: boolean;
  /** "13a" by default; "none" cuts at blanks alone, "char" makes every character a word. */
  readonly tokenize?: BleuTokenization;
  /** What takes the place of a precision of 0 (Chen and Cherry 2014): "exp" by default. */
  readonly smoothing?: "exp" | "floor" | "add-k" | "none";
  /** 0.1 for "floor" and 1 for "add-k" by default. */
  readonly smoothingValue?: number;
  /** Longest run of words, 4 by default. */
  readonly maximumOrder?: number;
  /** Whether runs longer than any of the hypothesis are left out; only a sentence's score does by default. */
  readonly effectiveOrder?: boolean;
}

export interface Bleu extends Resampled {
  /** In per cent. */
  readonly score: number;
  /** In per cent, one an order. */
  readonly precisions: readonly number[];
  readonly brevityPenalty: number;
  readonly hypothesisLength: number;
  readonly referenceLength: number;
  /** sacreBLEU's own, of version 2.6.0, with which the figure agrees. */
  readonly signature: string;
}

type Settings = Required<Omit<BleuOptions, "smoothingValue">> & { readonly smoothingValue: number | null };
const OPTIONS: Kinds<BleuOptions> = {
  lowercase: "boolean",
  tokenize: "string",
  smoothing: "string",
  smoothingValue: "number",
  maximumOrder: "number",
  effectiveOrder: "boolean",
};
const SMOOTHING = { exp: null, floor: 0.1, "add-k": 1, none: null } as const;

/**
 * BLEU of a corpus.
 *
 * `bleu(["the cat sat on the mat"], [["the cat sat on a mat"]]).score` → 53.73
 * @param hypotheses one text a sentence
 * @param references sets, each with one text for every hypothesis, or null where a sentence has fewer references
 * @throws SviError `E_OPTION`
 */
export function bleu(
  hypotheses: readonly string[],
  references: readonly (readonly (string | null)[])[],
  options: BleuOptions = {},
): Bleu {
  const settings = settingsOf(options, false);
  const own = referencesOf(hypotheses, references);
  const rows = hypotheses.map((hypothesis, i) => statistics(hypothesis, own[i], settings));
  const figures = {
    ...scored(sumsOf(rows), settings),
    signature: signature(countOfReferences(own), settings),
  };
  return resampled(figures, rows, (sums) => scored(sums, settings).score);
}

/**
 * BLEU of one sentence, by its effective order unless asked otherwise.
 *
 * `sentenceBleu("a red boat", ["a red boat"]).score` → 100
 * @throws SviError `E_OPTION`
 */
export function sentenceBleu(
  hypothesis: string,
  references: readonly string[],
  options: BleuOptions = {},
): Bleu {
  requireOptions("sentenceBleu", options, OPTIONS);
  const sets = requireList("references", references).map((reference) => [reference]);
  return bleu([hypothesis], sets, { ...options, effectiveOrder: options.effectiveOrder ?? true });
}

function settingsOf(options: BleuOptions, effectiveOrder: boolean): Settings {
  requireOptions("bleu", options, OPTIONS);
  const smoothing = requireChoice("smoothing", options.smoothing ?? "exp", ["exp", "floor", "add-k", "none"]);
  const value = options.smoothingValue ?? SMOOTHING[smoothing];
  return {
    lowercase: options.lowercase ?? false,
    tokenize: requireChoice("tokenize", options.tokenize ?? "13a", ["13a", "none", "char"]),
    smoothing,
    smoothingValue:
      value === null ? null : requireNumber("smoothingValue", value, "a number above 0", (v) => v > 0),
    maximumOrder: requireInteger("maximumOrder", options.maximumOrder ?? 4, 1, 16),
    effectiveOrder: options.effectiveOrder ?? effectiveOrder,
  };
}

function signature(references: string, settings: Settings): string {
  const { smoothing, smoothingValue } = settings;
  const shown = SMOOTHING[smoothing] === null ? smoothing : `${smoothing}[${smoothingValue!.toFixed(2)}]`;
  const letters = settings.lowercase ? "lc" : "mixed";
  const order = settings.effectiveOrder ? "yes" : "no";
  return `nrefs:${references}|case:${letters}|eff:${order}|tok:${settings.tokenize}|smooth:${shown}|version:2.6.0`;
}

/** Length of the hypothesis and of the reference nearest to it, matches of every order, runs of every order. */
function statistics(hypothesis: string, references: readonly string[], settings: Settings): number[] {
  const words = (text: string) => tokenize(settings.lowercase ? text.toLowerCase() : text, settings.tokenize);
  const heard = words(hypothesis);
  const said = references.map(words);
  const correct: number[] = [];
  const total: number[] = [];
  for (let n = 1; n <= settings.maximumOrder; n++) {
    correct.push(matches(ngrams(heard, n, " "), mostOf(said.map((reference) => ngrams(reference, n, " ")))));
    total.push(Math.max(0, heard.length - n + 1));
  }
  const lengths = said.map((reference) => reference.length);
  return [heard.length, nearest(heard.length, lengths), ...correct, ...total];
}

/** Of two that are equally near the shorter. */
function nearest(length: number, lengths: readonly number[]): number {
  return lengths.reduce((best, each) => {
    const [d, least] = [Math.abs(each - length), Math.abs(best - length)];
    return d < least || (d === least && each < best) ? each : best;
  });
}

function scored(sums: readonly number[], settings: Settings) {
  const { maximumOrder } = settings;
  const [hypothesisLength, referenceLength] = sums;
  const brevityPenalty =
    hypothesisLength >= referenceLength
      ? 1
      : hypothesisLength > 0
        ? exp(1 - referenceLength / hypothesisLength)
        : 0;
  const correct = sums.slice(2, 2 + maximumOrder);
  const { shares, order } = precisionsOf(correct, sums.slice(2 + maximumOrder), settings);
  const product = shares.slice(0, order).reduce((product, share) => product * share, 1);
  return {
    score: 100 * brevityPenalty * root(product, order),
    precisions: shares.map((share) => 100 * share),
    brevityPenalty,
    hypothesisLength,
    referenceLength,
  };
}

/** Shares of 1, and how many of them make the score. All are 0 where no word matches. */
function precisionsOf(correct: readonly number[], total: readonly number[], settings: Settings) {
  const { smoothing, smoothingValue, effectiveOrder } = settings;
  const shares = new Array<number>(correct.length).fill(0);
  let order = correct.length;
  let divisor = 1;
  if (correct.every((count) => count === 0)) return { shares, order };
  for (let n = 0; n < shares.length; n++) {
    const added = smoothing === "add-k" && n > 0 ? smoothingValue! : 0;
    const [matched, runs] = [correct[n] + added, total[n] + added];
    if (runs === 0) break;
    if (effectiveOrder) order = n + 1;
    if (matched > 0) shares[n] = matched / runs;
    else if (smoothing === "exp") {
      divisor *= 2;
      shares[n] = 1 / (divisor * runs);
    } else if (smoothing === "floor") shares[n] = smoothingValue! / runs;
  }
  return { shares, order };
}
