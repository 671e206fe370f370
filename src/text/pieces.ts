/** @module Decoding that continues from what stands before: token by token, or many at once. */
import { wrongOption } from "../errors.ts";
import { requireList } from "../options.ts";
import { requireIds } from "./checks.ts";
import type { Tokenizer } from "./types.ts";
import { REPLACEMENT } from "./utf8.ts";

export interface TextPieces {
  /** The text that this token completes: "" in the middle of a character. Throws `E_TOKEN_RANGE`. */
  push(id: number): string;
  /** What is left of an unfinished character; the next token begins a new text. */
  end(): string;
}

/** Tokens of the text before that can matter to what follows it. */
const CONTEXT = 16;

/**
 * Turns tokens into pieces of text that continue a text: joined they are what `tokenizer.decode` gives for
 * all tokens, less what it gives for those before.
 *
 * @param before tokens of the text that the pieces continue; none: they begin a text
 * @example
 * const pieces = textPieces(tokenizer, tokenizer.encode("the whale"));
 * pieces.push(sea); // " sea"
 */
export function textPieces(
  tokenizer: Pick<Tokenizer, "kind" | "vocabularySize" | "decode">,
  before: ArrayLike<number> = [],
): TextPieces {
  if (typeof tokenizer?.decode !== "function") throw wrongOption("tokenizer", tokenizer, "a tokenizer");
  requireList(before, "before");
  if (tokenizer.kind === "byte") return bytePieces();
  if (tokenizer.kind === "character") return { push: (id) => tokenizer.decode([id]), end: () => "" };
  return differences(tokenizer, Array.from(before).slice(-CONTEXT));
}

function bytePieces(): TextPieces {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  return {
    push(id) {
      requireIds([id], 256);
      return decoder.decode(Uint8Array.of(id), { stream: true });
    },
    end: () => decoder.decode(),
  };
}

/**
 * What a token adds depends on the one before it (a space between words, none before a word's second piece),
 * so both are decoded, and the text that was given out is left out.
 */
function differences(
  tokenizer: Pick<Tokenizer, "vocabularySize" | "decode">,
  before: readonly number[],
): TextPieces {
  /** The last tokens; those up to `known` are context alone. */
  let ids = [...before];
  let known = ids.length;
  /** How much of their text has been given out. */
  let given = tokenizer.decode(ids).length;
  return {
    push(id) {
      requireIds([id], tokenizer.vocabularySize);
      ids.push(id);
      const text = tokenizer.decode(ids);
      // The last character may be the beginning of one that further tokens complete.
      const whole = text.endsWith(REPLACEMENT) ? text.slice(0, -REPLACEMENT.length) : text;
      const piece = whole.slice(given);
      if (piece === "") return "";
      given += piece.length;
      if (whole === text) {
        ids = ids.slice(known);
        known = ids.length;
        given = tokenizer.decode(ids).length;
      }
      return piece;
    },
    end() {
      const rest = tokenizer.decode(ids).slice(given);
      ids = [];
      known = 0;
      given = 0;
      return rest;
    },
  };
}

/** `continue` of a tokenizer that decodes as `decode` does. */
export function continuation(decode: Tokenizer["decode"]): Tokenizer["continue"] {
  return (before, ids) =>
    addition(decode(before), decode([...Array.from(before), ...Array.from(requireList(ids))]));
}

/** What `whole` has beyond `start`; they differ where a character was unfinished. */
function addition(start: string, whole: string): string {
  if (whole.startsWith(start)) return whole.slice(start.length);
  let same = 0;
  while (same < start.length && start[same] === whole[same]) same++;
  return whole.slice(same);
}
