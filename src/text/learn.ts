/** @module Vocabularies learnt from a text, in one pass. */
import { requireInteger, SviError } from "../errors.ts";
import { type Kinds, requireOptions } from "../options.ts";
import { BLOCK_BYTES, blockText } from "./blocks.ts";
import { characterTokenizer } from "./character.ts";
import { LARGEST_VOCABULARY } from "./checks.ts";
import { forEachBlock } from "./scan.ts";
import { type LineEnds, openBytes, type TextSource } from "./source.ts";
import type { Tokenizer } from "./types.ts";
import { forEachWord, WORD_SPECIALS, wordTokenizer } from "./word.ts";

export interface LearnOptions {
  kind: "character" | "word";
  /** Symbols seen less often become unknown; default 1. */
  minimumCount?: number;
  /** Size of the vocabulary with its special ids, at most; the rarest symbols become unknown. */
  maximumVocabulary?: number;
  /** As for the corpus that the tokenizer is for; default "keep". */
  lineEnds?: LineEnds;
  signal?: AbortSignal;
}

const OPTIONS: Kinds<LearnOptions> = {
  kind: "string",
  minimumCount: "number",
  maximumVocabulary: "number",
  lineEnds: "string",
  signal: "signal",
};

/**
 * A character or word tokenizer with the vocabulary of a text.
 *
 * Words are numbered by falling count, equals in code point order, after `<unk>` and `<eos>`; characters in
 * code point order after the unknown id. Memory grows with the number of distinct words alone; beyond
 * 4,194,304 of them the rarest so far are forgotten, always the same ones for the same text.
 *
 * @throws E_TEXT_EMPTY, E_TEXT_ENCODING, E_OPTION, and the signal's reason
 */
export async function learnTokenizer(
  source: TextSource | readonly TextSource[],
  options: LearnOptions,
): Promise<Tokenizer> {
  requireOptions("learnTokenizer", options, OPTIONS);
  const { kind, lineEnds = "keep", signal } = options;
  if (kind !== "character" && kind !== "word")
    throw new SviError("E_OPTION", `The tokenizer kind is ${String(kind)}`, {
      value: kind,
      remedy: 'Give "character" or "word"; the byte tokenizer has nothing to learn',
    });
  const least = requireInteger("minimumCount", options.minimumCount ?? 1, 1);
  const specials = kind === "word" ? WORD_SPECIALS.length : 1;
  const most = requireInteger(
    "maximumVocabulary",
    options.maximumVocabulary ?? LARGEST_VOCABULARY,
    specials + 1,
  );
  const counts = kind === "word" ? new WordCounts(LARGEST_VOCABULARY) : new CharacterCounts();
  await forEachBlock(
    await openBytes(source),
    kind,
    { lineEnds, blockBytes: BLOCK_BYTES, signal },
    ({ raw, start }) => {
      counts.add(blockText(raw, start, lineEnds));
      return true;
    },
  );
  const counted = counts.entries();
  if (counted.length === 0)
    throw new SviError("E_TEXT_EMPTY", "The text has no symbols to learn", {
      value: 0,
      remedy: "Give a text that is not empty or blank",
    });
  const symbols = mostFrequent(counted, least, Math.min(most, LARGEST_VOCABULARY) - specials);
  if (symbols.length === 0)
    throw new SviError("E_OPTION", `minimumCount is ${least}, and no symbol of the text occurs as often`, {
      option: "minimumCount",
      value: least,
      remedy: "Give a smaller minimumCount, or a longer text",
    });
  return kind === "word" ? wordTokenizer({ words: symbols }) : characterTokenizer({ characters: symbols });
}

/** By falling count, then code point order. */
function mostFrequent(entries: [string, number][], least: number, most: number): string[] {
  return entries
    .filter(([, count]) => count >= least)
    .sort(([x, m], [y, n]) => n - m || byCodePoints(x, y))
    .slice(0, most)
    .map(([symbol]) => symbol);
}

/** Strings compare by code units, which puts U+FFFF after U+10000; this does not. */
export function byCodePoints(x: string, y: string): number {
  const length = Math.min(x.length, y.length);
  for (let i = 0; i < length; i++) {
    const p = x.codePointAt(i)!;
    const q = y.codePointAt(i)!;
    if (p !== q) return p - q;
  }
  return x.length - y.length;
}

export class WordCounts {
  readonly #most: number;
  readonly #counts = new Map<string, number>();
  /** Words counted at most this often have been forgotten. */
  #forgotten = 0;

  constructor(most: number) {
    this.#most = most;
  }

  add(text: string): void {
    forEachWord(text, (word) => {
      if (word === "\n" || (WORD_SPECIALS as readonly string[]).includes(word)) return;
      const count = this.#counts.get(word);
      if (count !== undefined) this.#counts.set(word, count + 1);
      else {
        // A copy: engines keep the whole block alive for the sake of a substring of it.
        this.#counts.set(` ${word}`.slice(1), 1);
        if (this.#counts.size > this.#most) this.#forgetRarest();
      }
    });
  }

  entries(): [string, number][] {
    return [...this.#counts];
  }

  #forgetRarest(): void {
    this.#forgotten++;
    for (const [word, count] of this.#counts) if (count <= this.#forgotten) this.#counts.delete(word);
  }
}

class CharacterCounts {
  readonly #counts = new Float64Array(65536);
  readonly #astral = new Map<number, number>();

  add(text: string): void {
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      if (unit < 0xd800 || unit > 0xdfff) this.#counts[unit]++;
      else {
        const point = text.codePointAt(i++)!;
        this.#astral.set(point, (this.#astral.get(point) ?? 0) + 1);
      }
    }
  }

  entries(): [string, number][] {
    const entries: [string, number][] = [];
    this.#counts.forEach((count, unit) => {
      if (count > 0) entries.push([String.fromCharCode(unit), count]);
    });
    for (const [point, count] of this.#astral) entries.push([String.fromCodePoint(point), count]);
    return entries;
  }
}
