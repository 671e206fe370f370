/** @module Blanks as Python's `split` has them: what sacreBLEU and its kin cut words at. JavaScript's `\s` differs. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: Python's blanks include separators of ASCII
const BLANKS = /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/;

/** Words between blanks; none for a text of blanks alone. */
export function splitWords(text: string): string[] {
  return text.split(BLANKS).filter((word) => word !== "");
}
