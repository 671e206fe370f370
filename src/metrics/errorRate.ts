/** @module Word and character error rates as sclite counts them (NIST SCTK 2.10). */
import { SviError } from "../errors.ts";
import { type Kinds, requireOptions } from "../options.ts";
import { type AlignedWord, align } from "./align.ts";
import { type Resampled, resampled } from "./bootstrap.ts";
import { requireText } from "./checks.ts";
import {
  chain,
  hypothesisNetwork,
  referenceNetwork,
  type WordNetwork,
  type WordOptions,
} from "./notation.ts";
import { splitWords } from "./whitespace.ts";

export interface CharacterOptions {
  readonly caseSensitive?: boolean;
  /** Whether blanks between words are characters, each run as one; by default they are not, as with sclite's `-c`. */
  readonly blanks?: boolean;
}

export interface ErrorCounts {
  /** Substitutions, insertions and deletions. */
  readonly errors: number;
  readonly substitutions: number;
  readonly insertions: number;
  readonly deletions: number;
  readonly correct: number;
  /** Units of the reference: words, or characters. */
  readonly words: number;
}

export interface Errors extends ErrorCounts {
  /** Errors over words; null where the reference has none. */
  readonly rate: number | null;
  /** The rate in per cent. */
  readonly score: number | null;
  readonly alignment: readonly AlignedWord[];
}

export interface ErrorRate extends ErrorCounts, Resampled {
  readonly rate: number;
  readonly sentences: number;
  readonly sentencesWithErrors: number;
  /** Ids, or indices, of sentences without a hypothesis: all their words are counted as deletions. */
  readonly missing: readonly string[];
  readonly each: readonly Errors[];
}

/** Texts in the same order, or by id; a hypothesis that is null or absent is missing. */
export type Texts = readonly (string | null | undefined)[] | ReadonlyMap<string, string>;

const WORDS: Kinds<WordOptions> = {
  caseSensitive: "boolean",
  optionalWords: "boolean",
  alternations: "boolean",
};
const CHARACTERS: Kinds<CharacterOptions> = { caseSensitive: "boolean", blanks: "boolean" };

/**
 * Errors of one sentence, word by word.
 *
 * `wordErrors("the cat sat", "the cat sat down").errors` → 1
 * @throws SviError `E_OPTION` for what is not a text, `E_FORMAT` for marks that are not supported
 */
export function wordErrors(reference: string, hypothesis: string, options: WordOptions = {}): Errors {
  requireOptions("wordErrors", options, WORDS);
  requireText("The reference", reference);
  requireText("The hypothesis", hypothesis);
  return count(referenceNetwork(reference, options), hypothesisNetwork(hypothesis, options));
}

/**
 * Errors of one sentence, character by character: code points, without blanks.
 *
 * `characterErrors("the cat", "the hat").score` → 16.67
 * @throws SviError `E_OPTION`
 */
export function characterErrors(
  reference: string,
  hypothesis: string,
  options: CharacterOptions = {},
): Errors {
  requireOptions("characterErrors", options, CHARACTERS);
  requireText("The reference", reference);
  requireText("The hypothesis", hypothesis);
  const network = (text: string) => chain([...splitWords(text).join(options.blanks ? " " : "")], options);
  return count(network(reference), network(hypothesis));
}

/**
 * Errors of all sentences over all their words, as sclite sums them.
 *
 * `wordErrorRate(["a b", "c"], ["a b", "d"]).score` → 33.33
 * @param references one text a sentence, or a map from ids to texts
 * @param hypotheses likewise, of the same length or with the same ids; what is missing is counted as deletions
 * @throws SviError `E_OPTION`, also for unequal lengths; `E_FORMAT` for an id without a reference and marks that are not
 *   supported; `E_TEXT_EMPTY` where the references hold no words
 */
export function wordErrorRate(references: Texts, hypotheses: Texts, options: WordOptions = {}): ErrorRate {
  requireOptions("wordErrorRate", options, WORDS);
  return sum(references, hypotheses, "words", (r, h) => wordErrors(r, h, options));
}

/** The same of characters. @throws as `wordErrorRate` */
export function characterErrorRate(
  references: Texts,
  hypotheses: Texts,
  options: CharacterOptions = {},
): ErrorRate {
  requireOptions("characterErrorRate", options, CHARACTERS);
  return sum(references, hypotheses, "characters", (r, h) => characterErrors(r, h, options));
}

function count(reference: WordNetwork, hypothesis: WordNetwork): Errors {
  const alignment = align(reference, hypothesis);
  const counted = { correct: 0, substitution: 0, insertion: 0, deletion: 0 };
  for (const { kind } of alignment) counted[kind]++;
  const { correct, substitution: substitutions, insertion: insertions, deletion: deletions } = counted;
  const errors = substitutions + insertions + deletions;
  const words = correct + substitutions + deletions;
  const rate = words > 0 ? errors / words : null;
  const score = words > 0 ? scoreOf([errors, words]) : null;
  return { errors, substitutions, insertions, deletions, correct, words, rate, score, alignment };
}

const scoreOf = ([errors, words]: readonly number[]) => (words > 0 ? (100 * errors) / words : 0);

function sum(
  references: Texts,
  hypotheses: Texts,
  unit: string,
  errorsOf: (reference: string, hypothesis: string) => Errors,
): ErrorRate {
  const pairs = pair(references, hypotheses);
  const missing = pairs.filter(({ hypothesis }) => hypothesis === undefined).map(({ id }) => id);
  const each = pairs.map(({ id, reference, hypothesis = "" }) =>
    named(id, () => errorsOf(requireText("The reference", reference), hypothesis)),
  );
  const total = (name: keyof ErrorCounts) => each.reduce((sum, sentence) => sum + sentence[name], 0);
  const counts = { errors: total("errors"), words: total("words"), correct: total("correct") };
  if (counts.words === 0)
    throw new SviError("E_TEXT_EMPTY", `The references hold no ${unit}`, {
      value: pairs.length,
      remedy: "Give the references first, then the hypotheses",
    });
  const figures = {
    score: scoreOf([counts.errors, counts.words]),
    rate: counts.errors / counts.words,
    ...counts,
    substitutions: total("substitutions"),
    insertions: total("insertions"),
    deletions: total("deletions"),
    sentences: each.length,
    sentencesWithErrors: each.filter(({ errors }) => errors > 0).length,
    missing,
    each,
  };
  const rows = each.map(({ errors, words }) => [errors, words]);
  return resampled(figures, rows, scoreOf);
}

interface Pair {
  readonly id: string;
  readonly reference: string | null | undefined;
  readonly hypothesis: string | undefined;
}

function pair(references: Texts, hypotheses: Texts): Pair[] {
  if (references instanceof Map && hypotheses instanceof Map) {
    for (const id of hypotheses.keys())
      if (!references.has(id))
        throw new SviError("E_FORMAT", `The hypothesis ${JSON.stringify(id)} has no reference`, {
          value: id,
          remedy: "Give a reference for every hypothesis",
        });
    return [...references].map(([id, reference]) => ({ id, reference, hypothesis: hypotheses.get(id) }));
  }
  if (!Array.isArray(references) || !Array.isArray(hypotheses))
    throw new SviError("E_OPTION", "The texts are not two lists, nor two maps", {
      value: references,
      remedy: "Give references and hypotheses in the same order, or both by id",
    });
  if (references.length !== hypotheses.length)
    throw new SviError(
      "E_OPTION",
      `There are ${references.length} references and ${hypotheses.length} hypotheses`,
      {
        value: hypotheses.length,
        remedy: "Give one hypothesis for every reference, null where there is none",
      },
    );
  return references.map((reference, i) => ({
    id: String(i),
    reference,
    hypothesis: hypotheses[i] ?? undefined,
  }));
}

/** Puts the sentence's id before what is wrong with it. */
function named<T>(id: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof SviError)) throw error;
    const { code, problem, value, remedy } = error;
    throw new SviError(code, `Sentence ${id}: ${problem}`, { value, remedy, cause: error });
  }
}
