/** @module The character tokenizer: one id for each Unicode code point of the vocabulary. */
import { requireOptions } from "../options.ts";
import { hasLoneSurrogate, requireIds, requireText, tokenizerError, unknownSymbol } from "./checks.ts";
import { continuation } from "./pieces.ts";
import type { Tokenizer } from "./types.ts";
import { REPLACEMENT } from "./utf8.ts";

/**
 * Ids follow the order of code point values; with `unknown` (the default) id 0 stands for every other
 * character and the vocabulary is one larger.
 *
 * @param options.characters single code points, in any order, repeats allowed: a text will do
 * @throws E_TOKENIZER for an empty vocabulary or an item that is not one code point
 */
export function characterTokenizer(options: { characters: Iterable<string>; unknown?: boolean }): Tokenizer {
  requireOptions("characterTokenizer", options, { characters: "any", unknown: "boolean" });
  const points = codePoints(options.characters);
  const withUnknown = options.unknown ?? true;
  const first = withUnknown ? 1 : 0;
  const symbols = points.map((point) => String.fromCodePoint(point));
  if (withUnknown) symbols.unshift(REPLACEMENT);
  const unknown = withUnknown ? 0 : null;
  const idOf = lookup(points, first, unknown ?? -1);
  const lineFeed = points.indexOf(10);
  const decode = (ids: ArrayLike<number>) => {
    requireIds(ids, symbols.length);
    return Array.from(ids, (id) => symbols[id]).join("");
  };

  return {
    kind: "character",
    vocabularySize: symbols.length,
    unknown,
    endOfLine: lineFeed < 0 ? null : lineFeed + first,
    lossless: true,
    encode: (text) => encode(requireText(text), idOf),
    decode,
    continue: continuation(decode),
    describe: () => ({
      kind: "character",
      characters: symbols.slice(first).join(""),
      unknown: withUnknown,
    }),
  };
}

function codePoints(characters: Iterable<string>): number[] {
  const points = new Set<number>();
  if (typeof characters?.[Symbol.iterator] !== "function")
    throw tokenizerError(
      "The characters are not a text, nor a list",
      characters,
      "Give a text that has them",
    );
  for (const character of characters) {
    const point = typeof character === "string" ? character.codePointAt(0) : undefined;
    if (point === undefined || character !== String.fromCodePoint(point) || hasLoneSurrogate(character))
      throw tokenizerError(
        `${JSON.stringify(character)} is not one Unicode character`,
        character,
        "Give single code points; half surrogate pairs have no UTF-8 form",
      );
    points.add(point);
  }
  if (points.size === 0)
    throw tokenizerError("The character vocabulary is empty", [], "Give at least one character");
  return [...points].sort((a, b) => a - b);
}

/** A table for the first 65,536 code points, a map for the others; `missing` (−1: none) for the rest. */
function lookup(points: readonly number[], first: number, missing: number): (point: number) => number {
  const table = new Int32Array(65536).fill(missing);
  const astral = new Map<number, number>();
  points.forEach((point, i) => {
    if (point < 65536) table[point] = first + i;
    else astral.set(point, first + i);
  });
  return (point) => (point < 65536 ? table[point] : (astral.get(point) ?? missing));
}

function encode(text: string, idOf: (point: number) => number): Int32Array {
  const ids = new Int32Array(text.length);
  let count = 0;
  for (let i = 0; i < text.length; i++) {
    let point = text.charCodeAt(i);
    if (point >= 0xd800 && point < 0xdc00) {
      point = text.codePointAt(i)!;
      if (point > 0xffff) i++;
    }
    const id = idOf(point);
    if (id < 0)
      throw unknownSymbol(
        String.fromCodePoint(point),
        "Use a character tokenizer with unknown: true, or one learnt from a text that has this character",
      );
    ids[count++] = id;
  }
  return count === ids.length ? ids : ids.slice(0, count);
}
