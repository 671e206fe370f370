/** @module The text that each token of a vocabulary adds to a line. */
import type { Tokenizer } from "./types.ts";
import { REPLACEMENT } from "./utf8.ts";

const known = new WeakMap<Tokenizer, TokenTexts>();

/** What a token adds after another one: "" where that is part of a character. */
export type TokenTexts = (id: number) => string;

/** Found when first asked for, and remembered as long as the tokenizer is. */
export function tokenTexts(tokenizer: Tokenizer): TokenTexts {
  let texts = known.get(tokenizer);
  if (!texts) {
    texts = remembered(textOf(tokenizer), tokenizer.vocabularySize);
    known.set(tokenizer, texts);
  }
  return texts;
}

function remembered(find: TokenTexts, size: number): TokenTexts {
  const found = new Array<string | undefined>(size);
  return (id) => {
    found[id] ??= find(id);
    return found[id];
  };
}

function textOf(tokenizer: Tokenizer): TokenTexts {
  if (tokenizer.kind === "byte") return (id) => (id < 0x80 ? String.fromCharCode(id) : "");
  if (tokenizer.kind !== "json") return (id) => tokenizer.decode([id]);
  // A word's first token is decoded without its space where nothing comes before it.
  const before = tokenizer.encode("a")[0] ?? 0;
  const { length } = tokenizer.decode([before]);
  return (id) => {
    const text = tokenizer.decode([before, id]).slice(length);
    return text.includes(REPLACEMENT) ? "" : text;
  };
}
