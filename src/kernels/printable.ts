/**
 * @module Bytes that travel as text inside a JavaScript module: one printable character for a common byte, two for a
 * rare one. Unlike base64 it leaves repetitions where gzip finds them: a module of it is as small as the binary.
 */

/** What neither a string, a template nor a script element in a page has to escape: all of ASCII but "$'<\` */
const ALPHABET = " !#%&()*+,-./0123456789:;=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_abcdefghijklmnopqrstuvwxyz{|}~";
/** Characters that stand for a byte alone; the last two of the alphabet begin a pair. */
const SINGLES = ALPHABET.length - 2;

/** @param text what scripts/printable.mjs makes: the bytes of single characters in hexadecimal, then the bytes */
export function bytesOfPrintable(text: string): Uint8Array<ArrayBuffer> {
  const codes = new TextEncoder().encode(text);
  const order = Array.from({ length: SINGLES }, (_, i) => Number.parseInt(text.slice(2 * i, 2 * i + 2), 16));
  for (let byte = 0; byte < 256; byte++) if (!order.includes(byte)) order.push(byte);
  const place = new Uint8Array(128);
  const single = new Uint8Array(128);
  for (let i = 0; i < ALPHABET.length; i++) {
    place[ALPHABET.charCodeAt(i)] = i;
    single[ALPHABET.charCodeAt(i)] = order[i];
  }
  const pairs = ALPHABET.charCodeAt(SINGLES);
  let count = 0;
  // In place, and as few operations a byte as can be: it runs once, before the engine has compiled it.
  for (let i = 2 * SINGLES; i < codes.length; i++) {
    const code = codes[i];
    codes[count++] =
      code < pairs ? single[code] : order[SINGLES + (code - pairs) * ALPHABET.length + place[codes[++i]]];
  }
  return codes.slice(0, count);
}
