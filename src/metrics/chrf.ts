/** @module chrF (Popović 2015) and chrF++ (2017) with sacreBLEU 2.6.0's defaults, options and signature. */
import { requireInteger, requireNumber } from "../errors.ts";
import { type Kinds, requireOptions } from "../options.ts";
import { type Resampled, resampled } from "./bootstrap.ts";
import { countOfReferences, referencesOf, requireList } from "./checks.ts";
import { type Counts, matches, ngrams, sumsOf } from "./ngrams.ts";
import { splitWords } from "./whitespace.ts";

export interface ChrfOptions {
  /** Longest run of characters, 6 by default. */
  readonly characterOrder?: number;
  /** Longest run of words, 0 by default; 2 makes it chrF++. */
  readonly wordOrder?: number;
  /** How much more recall weighs than precision, 2 by default. */
  readonly beta?: number;
  readonly lowercase?: boolean;
  /** Whether blanks are characters. */
  readonly blanks?: boolean;
}

export interface Chrf extends Resampled {
  /** In per cent. */
  readonly score: number;
  /** sacreBLEU's own, of version 2.6.0, with which the figure agrees. */
  readonly signature: string;
}

const OPTIONS: Kinds<ChrfOptions> = {
  characterOrder: "number",
  wordOrder: "number",
  beta: "number",
  lowercase: "boolean",
  blanks: "boolean",
};

type Settings = Required<ChrfOptions>;

/**
 * chrF of a corpus; with `{ wordOrder: 2 }` chrF++.
 *
 * `chrf(["the cat sat"], [["the cat sits"]]).score` → 69.16
 * @param references sets, each with one text for every hypothesis, or null where a sentence has fewer references
 * @throws SviError `E_OPTION`
 */
export function chrf(
  hypotheses: readonly string[],
  references: readonly (readonly (string | null)[])[],
  options: ChrfOptions = {},
): Chrf {
  const settings = settingsOf(options);
  const own = referencesOf(hypotheses, references);
  const rows = hypotheses.map((hypothesis, i) => best(hypothesis, own[i], settings));
  const scoreOf = (sums: readonly number[]) => fScore(sums, settings.beta);
  const figures = {
    score: scoreOf(sumsOf(rows)),
    signature: signature(countOfReferences(own), settings),
  };
  return resampled(figures, rows, scoreOf);
}

/**
 * chrF of one sentence.
 * @throws SviError `E_OPTION`
 */
export function sentenceChrf(
  hypothesis: string,
  references: readonly string[],
  options: ChrfOptions = {},
): Chrf {
  requireOptions("sentenceChrf", options, OPTIONS);
  return chrf(
    [hypothesis],
    requireList("references", references).map((reference) => [reference]),
    options,
  );
}

function settingsOf(options: ChrfOptions): Settings {
  requireOptions("chrf", options, OPTIONS);
  return {
    characterOrder: requireInteger("characterOrder", options.characterOrder ?? 6, 1, 32),
    wordOrder: requireInteger("wordOrder", options.wordOrder ?? 0, 0, 16),
    beta: requireNumber("beta", options.beta ?? 2, "a number above 0", (v) => v > 0),
    lowercase: options.lowercase ?? false,
    blanks: options.blanks ?? false,
  };
}

function signature(references: string, settings: Settings): string {
  const letters = settings.lowercase ? "lc" : "mixed";
  const { characterOrder, wordOrder, blanks } = settings;
  const orders = `nc:${characterOrder}|nw:${wordOrder}|space:${blanks ? "yes" : "no"}`;
  return `nrefs:${references}|case:${letters}|eff:yes|${orders}|version:2.6.0`;
}

/** The counts against the reference that scores best, the first of equals. */
function best(hypothesis: string, references: readonly string[], settings: Settings): number[] {
  const heard = gramsOf(hypothesis, settings);
  let most = -1;
  let row: number[] = [];
  for (const reference of references) {
    const counts = statistics(heard, gramsOf(reference, settings));
    const score = fScore(counts, settings.beta);
    if (score > most) [most, row] = [score, counts];
  }
  return row;
}

/** Counts of every order: characters first, then words. */
function gramsOf(text: string, { characterOrder, wordOrder, lowercase, blanks }: Settings): Counts[] {
  const line = lowercase ? text.toLowerCase() : text;
  const characters = [...(blanks ? line : splitWords(line).join(""))];
  const words = splitWords(line).flatMap(splitPunctuation);
  return [
    ...Array.from({ length: characterOrder }, (_, n) => ngrams(characters, n + 1, "")),
    ...Array.from({ length: wordOrder }, (_, n) => ngrams(words, n + 1, " ")),
  ];
}

const isPunctuation = (character: string) => /^[!-/:-@[-`{-~]$/.test(character);

/** One ASCII mark is cut off a word: at its end, else at its beginning. */
function splitPunctuation(word: string): string[] {
  const characters = [...word];
  const [first, last] = [characters[0], characters[characters.length - 1]];
  if (characters.length === 1) return [word];
  if (isPunctuation(last)) return [word.slice(0, -1), last];
  return isPunctuation(first) ? [first, word.slice(1)] : [word];
}

/** For every order: runs of the hypothesis, of the reference, matches. */
function statistics(heard: readonly Counts[], said: readonly Counts[]): number[] {
  return heard.flatMap((counts, n) => {
    const runs = total(said[n]);
    return [runs > 0 ? total(counts) : 0, runs, matches(counts, said[n])];
  });
}

function total(counts: Counts): number {
  let sum = 0;
  for (const count of counts.values()) sum += count;
  return sum;
}

/** Precision and recall averaged over the orders that both texts have, then joined. */
function fScore(sums: readonly number[], beta: number): number {
  let [precision, recall, orders] = [0, 0, 0];
  for (let i = 0; i < sums.length; i += 3) {
    const [heard, said, matched] = sums.slice(i, i + 3);
    if (heard === 0 || said === 0) continue;
    precision += matched / heard;
    recall += matched / said;
    orders++;
  }
  if (precision + recall === 0) return 0;
  precision /= orders;
  recall /= orders;
  const weight = beta * beta;
  return (100 * (1 + weight) * precision * recall) / (weight * precision + recall);
}
