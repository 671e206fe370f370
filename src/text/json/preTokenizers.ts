/** @module The pre-tokenizers of a tokenizer.json: where a text is cut before the model sees it. */
import { character, choice, count, flag, list, malformed, type Part, typeOf, unsupported } from "./file.ts";
import { readPattern } from "./normalizers.ts";
import { compile, type Pattern } from "./regex.ts";
import { BEHAVIORS, type Behavior, cut, type Span, spansOf } from "./split.ts";
import { PUNCTUATION, SPACE, toByteCharacters, WORD } from "./unicode.ts";

export interface Piece {
  readonly text: string;
  /** Whether it begins where the whole text begins. */
  readonly first: boolean;
}

export interface PreTokenizer {
  readonly split: (pieces: readonly Piece[]) => readonly Piece[];
  /** Whether it needs to know which piece is the first. */
  readonly heedsFirst: boolean;
}

const GPT2 = compile("'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+");
const always = (expression: string): Pattern => {
  const compiled = new RegExp(expression, "gu");
  return { for: () => compiled };
};
const WHITESPACE = always(`[${SPACE}]`);
const WORDS = always(`${WORD}+|(?:(?!${WORD})[^${SPACE}])+`);
const PUNCTUATION_MARK = always(PUNCTUATION);
const NUMBER = always("\\p{N}");

/** @throws E_TOKENIZER for one that is not read */
export function readPreTokenizer(part: unknown): PreTokenizer {
  const type = typeOf(part, "pre_tokenizer");
  const fields = part as Part;
  switch (type) {
    case "Sequence": {
      const parts = list(fields, "pretokenizers").map(readPreTokenizer);
      return {
        split: (pieces) => parts.reduce((out, one) => one.split(out), pieces),
        heedsFirst: parts.some((one) => one.heedsFirst),
      };
    }
    case "ByteLevel":
      return byteLevel(fields);
    case "Metaspace":
      return metaspace(fields);
    case "Split":
      return cutting(readPattern(fields), choice(fields, "behavior", BEHAVIORS), flag(fields, "invert"));
    case "Punctuation":
      return cutting(PUNCTUATION_MARK, choice(fields, "behavior", BEHAVIORS, "Isolated"));
    case "Digits":
      return cutting(NUMBER, flag(fields, "individual_digits") ? "Isolated" : "Contiguous");
    case "Whitespace":
      return cutting(WORDS, "Removed", true);
    case "WhitespaceSplit":
      return cutting(WHITESPACE, "Removed");
    case "CharDelimiterSplit":
      return cutting(readDelimiter(fields), "Removed");
    case "BertPreTokenizer": {
      const words = cutting(WHITESPACE, "Removed");
      const marks = cutting(PUNCTUATION_MARK, "Isolated");
      return { split: (pieces) => marks.split(words.split(pieces)), heedsFirst: false };
    }
    case "FixedLength":
      return fixedLength(count(fields, "length", 5));
    default:
      throw unsupported(`the pre-tokenizer ${type}`, type);
  }
}

/** Pieces of pieces; empty ones are dropped. */
function each(
  pieces: readonly Piece[],
  work: (text: string, first: boolean) => { text: string; cuts: readonly (readonly [number, number])[] },
): Piece[] {
  const out: Piece[] = [];
  for (const piece of pieces) {
    const { text, cuts } = work(piece.text, piece.first);
    for (const [start, end] of cuts)
      if (end > start) out.push({ text: text.slice(start, end), first: piece.first && start === 0 });
  }
  return out;
}

function cutting(pattern: Pattern, behavior: Behavior, inverted = false): PreTokenizer {
  const spans = (text: string): Span[] => {
    const found = spansOf(text, pattern.for(text));
    return inverted ? found.map(([start, end, matches]) => [start, end, !matches]) : found;
  };
  return {
    split: (pieces) => each(pieces, (text) => ({ text, cuts: cut(spans(text), behavior) })),
    heedsFirst: false,
  };
}

const whole = (text: string) => ({ text, cuts: [[0, text.length]] as const });

function byteLevel(fields: Part): PreTokenizer {
  const prefix = flag(fields, "add_prefix_space", true);
  const cuts = flag(fields, "use_regex", true);
  return {
    split: (pieces) => {
      const spaced = each(pieces, (text) => {
        const own = prefix && !text.startsWith(" ") ? ` ${text}` : text;
        return cuts ? { text: own, cuts: cut(spansOf(own, GPT2.for(own)), "Isolated") } : whole(own);
      });
      return spaced.map(({ text, first }) => ({ text: toByteCharacters(text), first }));
    },
    heedsFirst: false,
  };
}

/** How a Metaspace is set, of a pre-tokenizer or a decoder. */
export function metaspaceOptions(fields: Part): {
  replacement: string;
  scheme: "always" | "first" | "never";
} {
  const scheme = choice(fields, "prepend_scheme", ["always", "first", "never"], "always");
  if (!flag(fields, "add_prefix_space", true) && scheme !== "never")
    throw unsupported("a Metaspace with add_prefix_space false and no prepend_scheme never", scheme);
  return { replacement: character(fields, "replacement"), scheme };
}

function metaspace(fields: Part): PreTokenizer {
  const { replacement, scheme } = metaspaceOptions(fields);
  const splits = flag(fields, "split", true);
  return {
    split: (pieces) =>
      each(pieces, (text, first) => {
        const replaced = text.replaceAll(" ", () => replacement);
        const prefixed = scheme === "always" || (scheme === "first" && first);
        const own = prefixed && !replaced.startsWith(replacement) ? replacement + replaced : replaced;
        return splits ? { text: own, cuts: beginningAt(own, replacement) } : whole(own);
      }),
    heedsFirst: scheme === "first",
  };
}

/** A piece begins at every mark, as with `MergedWithNext`: of marks in a row each has a piece but the last. */
function beginningAt(text: string, mark: string): [number, number][] {
  const starts = [0];
  for (let at = text.indexOf(mark, mark.length); at >= 0; at = text.indexOf(mark, at + mark.length))
    starts.push(at);
  return starts.map((start, i) => [start, starts[i + 1] ?? text.length]);
}

function readDelimiter(fields: Part): Pattern {
  const delimiter = character(fields, "delimiter");
  return always(`\\u{${delimiter.codePointAt(0)!.toString(16)}}`);
}

function fixedLength(length: number): PreTokenizer {
  if (length === 0) throw malformed("The tokenizer file has a FixedLength of 0", length);
  return {
    split: (pieces) =>
      each(pieces, (text) => {
        const points = [...text];
        const cuts: [number, number][] = [];
        let start = 0;
        for (let i = 0; i < points.length; i += length) {
          const end = start + points.slice(i, i + length).join("").length;
          cuts.push([start, end]);
          start = end;
        }
        return { text, cuts };
      }),
    heedsFirst: false,
  };
}
