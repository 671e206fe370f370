/** @module Added tokens: found in a text before anything else is done with it. */
import { flag, isPart, malformed, text } from "./file.ts";
import { requireId } from "./model.ts";
import type { Normalizer } from "./normalizers.ts";
import { SPACE, WORD } from "./unicode.ts";

export interface AddedToken {
  readonly id: number;
  /** What is looked for, and what the token is decoded to. */
  readonly content: string;
  readonly singleWord: boolean;
  readonly stripsLeft: boolean;
  readonly stripsRight: boolean;
  /** Whether it is looked for in the normalised text, itself normalised. */
  readonly normalized: boolean;
}

/** A part of the text, or an added token. */
export type Section = { readonly text: string; readonly start: number } | { readonly id: number };

const startsWithWord = new RegExp(`^${WORD}`, "u");
const endsWithWord = new RegExp(`${WORD}$`, "u");
const isSpace = new RegExp(`^[${SPACE}]$`, "u");

/** Tokens that are in the model's vocabulary keep its ids. */
export function readAddedTokens(
  list: unknown,
  ids: ReadonlyMap<string, number>,
  normalizer: Normalizer | null,
): AddedToken[] {
  if (!Array.isArray(list)) throw malformed("The tokenizer file's added_tokens is not an array", list);
  return list.map((token) => {
    if (!isPart(token)) throw malformed("The tokenizer file has an added token that is not an object", token);
    const content = text(token, "content");
    const normalized = flag(token, "normalized", !flag(token, "special", false));
    return {
      id: ids.get(content) ?? requireId(token.id),
      content: normalized && normalizer ? normalizer.normalize(content) : content,
      singleWord: flag(token, "single_word", false),
      stripsLeft: flag(token, "lstrip", false),
      stripsRight: flag(token, "rstrip", false),
      normalized,
    };
  });
}

/** Cuts texts at tokens: at each place the longest, from left to right. */
export class AddedTokenFinder {
  /** By first UTF-16 unit, the longest first. */
  readonly #tokens = new Map<number, AddedToken[]>();

  constructor(tokens: readonly AddedToken[]) {
    for (const token of tokens) {
      if (token.content === "") continue;
      const first = token.content.charCodeAt(0);
      const group = this.#tokens.get(first) ?? [];
      // A later token of the same content takes the place of the earlier one.
      const others = group.filter(({ content }) => content !== token.content);
      this.#tokens.set(
        first,
        [...others, token].sort((a, b) => b.content.length - a.content.length),
      );
    }
  }

  split(text: string): Section[] {
    if (this.#tokens.size === 0) return [{ text, start: 0 }];
    const sections: Section[] = [];
    let done = 0;
    for (let at = 0; at < text.length; ) {
      const token = this.#at(text, at);
      if (token === undefined) {
        at++;
        continue;
      }
      const matchEnd = at + token.content.length;
      if (!token.singleWord || standsAlone(text, at, matchEnd)) {
        const start = token.stripsLeft ? Math.max(done, spacesBefore(text, at)) : at;
        if (done < start) sections.push({ text: text.slice(done, start), start: done });
        sections.push({ id: token.id });
        done = token.stripsRight ? spacesAfter(text, matchEnd) : matchEnd;
      }
      at = matchEnd;
    }
    if (done < text.length) sections.push({ text: text.slice(done), start: done });
    return sections;
  }

  #at(text: string, at: number): AddedToken | undefined {
    return this.#tokens.get(text.charCodeAt(at))?.find(({ content }) => text.startsWith(content, at));
  }
}

function standsAlone(text: string, start: number, end: number): boolean {
  // Two units are one character at most.
  return (
    !endsWithWord.test(text.slice(Math.max(0, start - 2), start)) &&
    !startsWithWord.test(text.slice(end, end + 2))
  );
}

function spacesBefore(text: string, at: number): number {
  let start = at;
  while (start > 0 && isSpace.test(text[start - 1])) start--;
  return start;
}

function spacesAfter(text: string, at: number): number {
  let end = at;
  while (end < text.length && isSpace.test(text[end])) end++;
  return end;
}
