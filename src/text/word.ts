/** @module The word tokenizer: whitespace-separated words, `<eos>` at line ends, `<unk>` for the others. */
import { requireOptions } from "../options.ts";
import { hasLoneSurrogate, LARGEST_VOCABULARY, requireIds, requireText, tokenizerError } from "./checks.ts";
import { continuation } from "./pieces.ts";
import type { Tokenizer } from "./types.ts";

/** The specials, in the order of their ids: `<unk>` is 0, `<eos>` is 1. */
export const WORD_SPECIALS = ["<unk>", "<eos>"] as const;
const UNKNOWN = 0;
const END_OF_LINE = 1;

/**
 * Text becomes words between whitespace (JavaScript's `\s`, which includes a byte order mark), and an
 * `<eos>` for each `\n`: a text of N words and M line feeds has N + M tokens, as in the published Penn
 * Treebank figures. A last line without `\n` gets no `<eos>`. Words that are literally `<unk>` or `<eos>`
 * in the text have those ids. Decoding joins words by spaces and writes `<eos>` as `\n`.
 *
 * @param options.words the vocabulary without the two specials; the i-th word has the id i + 2
 * @throws E_TOKENIZER for repeated words, words with whitespace in them, or more than 2²² words
 */
export function wordTokenizer(options: { words: readonly string[] }): Tokenizer {
  requireOptions("wordTokenizer", options, { words: "any" });
  const ids = idsOfWords(options.words);
  const vocabulary = [...ids.keys()];
  const decodeIds = (tokens: ArrayLike<number>) => {
    requireIds(tokens, vocabulary.length);
    return decode(tokens, vocabulary);
  };
  return {
    kind: "word",
    vocabularySize: vocabulary.length,
    unknown: UNKNOWN,
    endOfLine: END_OF_LINE,
    lossless: false,
    encode: (text) => encode(requireText(text), ids),
    decode: decodeIds,
    continue: continuation(decodeIds),
    describe: () => ({ kind: "word", words: vocabulary.slice(WORD_SPECIALS.length) }),
  };
}

/** Calls `visit` with each word and with `"\n"` for each line feed, in order. */
export function forEachWord(text: string, visit: (word: string) => void): void {
  let start = -1;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (!isSpace(unit)) {
      if (start < 0) start = i;
      continue;
    }
    if (start >= 0) visit(text.slice(start, i));
    start = -1;
    if (unit === LINE_FEED) visit("\n");
  }
  if (start >= 0) visit(text.slice(start));
}

/** What `\s` matches; spelled out, since regular expressions made tokenising half as slow again. */
function isSpace(unit: number): boolean {
  if (unit < 0xa0) return unit === 32 || (unit >= 9 && unit <= 13);
  if (unit < 0x1680) return unit === 0xa0;
  if (unit < 0x3000)
    return unit === 0x1680 || (unit >= 0x2000 && unit <= 0x200a) || OTHER_SPACES.includes(unit);
  return unit === 0x3000 || unit === 0xfeff;
}
const OTHER_SPACES = [0x2028, 0x2029, 0x202f, 0x205f];
const LINE_FEED = 10;

function idsOfWords(words: readonly string[]): Map<string, number> {
  if (!Array.isArray(words))
    throw tokenizerError("The words are not an array", words, "Give an array of strings");
  if (words.length > LARGEST_VOCABULARY - WORD_SPECIALS.length)
    throw tokenizerError(
      `The vocabulary has ${words.length} words`,
      words.length,
      `Give at most ${LARGEST_VOCABULARY - WORD_SPECIALS.length}`,
    );
  const ids = new Map<string, number>(WORD_SPECIALS.map((word, id) => [word, id]));
  for (const word of words) {
    if (typeof word !== "string" || !/^\S+$/.test(word) || hasLoneSurrogate(word))
      throw tokenizerError(`${JSON.stringify(word)} is not a word`, word, "Give strings without whitespace");
    if (ids.has(word))
      throw tokenizerError(
        `${JSON.stringify(word)} occurs twice in the vocabulary`,
        word,
        "Give each word once; <unk> and <eos> are added by the tokenizer",
      );
    ids.set(word, ids.size);
  }
  return ids;
}

function encode(text: string, ids: ReadonlyMap<string, number>): Int32Array {
  const out: number[] = [];
  forEachWord(text, (word) => {
    out.push(word === "\n" ? END_OF_LINE : (ids.get(word) ?? UNKNOWN));
  });
  return Int32Array.from(out);
}

function decode(tokens: ArrayLike<number>, vocabulary: readonly string[]): string {
  let text = "";
  let lineStart = true;
  for (let i = 0; i < tokens.length; i++) {
    const ends = tokens[i] === END_OF_LINE;
    if (!ends && !lineStart) text += " ";
    text += ends ? "\n" : vocabulary[tokens[i]];
    lineStart = ends;
  }
  return text;
}
