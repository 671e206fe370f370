/** @module Decoding token by token, for text that is shown while it is being generated. */
import { requireIds } from "./checks.ts";
import type { Tokenizer } from "./types.ts";
import { REPLACEMENT } from "./utf8.ts";

export interface TextPieces {
  /** The text that this token completes: "" in the middle of a character. Throws `E_TOKEN_RANGE`. */
  push(id: number): string;
  /** What is left of an unfinished character; the next token begins a new text. */
  end(): string;
}

/** Turns tokens into pieces of text that join to what `tokenizer.decode` gives for all of them. */
export function textPieces(tokenizer: Tokenizer): TextPieces {
  if (tokenizer.kind === "byte") return bytePieces();
  if (tokenizer.kind === "character") return { push: (id) => tokenizer.decode([id]), end: () => "" };
  return differences(tokenizer);
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
 * so both are decoded, and the text of the earlier tokens is left out.
 */
function differences(tokenizer: Tokenizer): TextPieces {
  /** Tokens already given out, as context, then those that wait. */
  let ids: number[] = [];
  let given = 0;
  const added = () => tokenizer.decode(ids).slice(tokenizer.decode(ids.slice(0, given)).length);
  return {
    push(id) {
      requireIds([id], tokenizer.vocabularySize);
      ids.push(id);
      const piece = added();
      if (piece.endsWith(REPLACEMENT)) return "";
      ids = ids.slice(given);
      given = ids.length;
      return piece;
    },
    end() {
      const piece = added();
      ids = [];
      given = 0;
      return piece;
    },
  };
}
