/**
 * @module Bytes that travel as text inside a JavaScript module: one printable character for a common byte, two for a
 * rare one. Unlike base64 it leaves repetitions where gzip finds them: a module of it is as small as the binary.
 */

/** What neither a string, a template nor a script element in a page has to escape: all of ASCII but "$'<\` */
const ALPHABET =
  " !#%&()*+,-./0123456789:;=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_abcdefghijklmnopqrstuvwxyz{|}~";
/** Characters that stand for a byte alone; the last two of the alphabet begin a pair. */
const SINGLES = ALPHABET.length - 2;

/** @param text what scripts/printable.mjs makes: the bytes of single characters in hexadecimal, then the bytes */
export function bytesOfPrintable(text: string): Uint8Array<ArrayBuffer> {
  const order = Array.from({ length: SINGLES }, (_, i) => Number.parseInt(text.slice(2 * i, 2 * i + 2), 16));
  for (let byte = 0; byte < 256; byte++) if (!order.includes(byte)) order.push(byte);
  const place = new Uint8Array(128);
  for (let i = 0; i < ALPHABET.length; i++) place[ALPHABET.charCodeAt(i)] = i;
  const bytes = new Uint8Array(text.length);
  let count = 0;
  for (let i = 2 * SINGLES; i < text.length; i++) {
    let at = place[text.charCodeAt(i)];
    if (at >= SINGLES) at += (at - SINGLES) * (ALPHABET.length - 1) + place[text.charCodeAt(++i)];
    bytes[count++] = order[at];
  }
  return bytes.slice(0, count);
}
