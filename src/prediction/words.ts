/** @module The words of a text, as numbers: a rule of its own, since what engines know of Unicode differs. */

/** Spaces, and the general punctuation with its wider spaces. */
const isBetween = (code: number) => code <= 0x20 || (code >= 0x2000 && code < 0x2070);
const isApostrophe = (code: number) => code === 0x27 || code === 0x2019;
const isLetter = (code: number) => (code >= 0x61 && code <= 0x7a) || code >= 0xc0 || isApostrophe(code);
const lowered = (code: number) => (code >= 0x41 && code <= 0x5a ? code + 0x20 : code);

/** A hash of every word; letters in a row are one, whatever their case, any other sign but a space is one by itself. */
export function wordsOf(text: string): number[] {
  const words: number[] = [];
  let inside = false;
  for (let i = 0; i < text.length; i++) {
    const code = lowered(text.charCodeAt(i));
    const between = isBetween(code) && !isApostrophe(code);
    const letter = !between && isLetter(code);
    if (letter && inside) words[words.length - 1] = Math.imul(words.at(-1)! ^ code, 0x01000193);
    else if (!between) words.push(Math.imul(0x811c9dc5 ^ code, 0x01000193));
    inside = letter;
  }
  return words;
}
