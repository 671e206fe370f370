/** @module Bytes that travel as text inside a JavaScript module, in characters that nothing escapes. */

/** Printable ASCII but for what ends a string, a template or a script. */
const CHARACTERS = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i)).filter(
  (character) => !"\"$'<\\`".includes(character),
);
/** The first two characters begin a pair. */
const SINGLE = CHARACTERS.length - 2;

/**
 * The text begins with 64 hexadecimal digits, a bit for each of the 256 bytes: those that occur most are one character
 * each, the others two. gzip sees through it as through the bytes themselves, which both hexadecimal digits and base64
 * hide from it.
 */
export function bytesOfText(text: string): Uint8Array<ArrayBuffer> {
  const all = Array.from({ length: 256 }, (_, byte) => byte);
  const isSingle = (byte: number) => (Number.parseInt(text[byte >> 2], 16) >> (byte & 3)) & 1;
  const values = Uint8Array.from([...all.filter(isSingle), ...all.filter((byte) => !isSingle(byte))]);
  const places = new Uint8Array(128);
  CHARACTERS.forEach((character, place) => {
    places[character.charCodeAt(0)] = place;
  });
  const bytes = new Uint8Array(text.length);
  let size = 0;
  for (let at = 64; at < text.length; size++) {
    let place = places[text.charCodeAt(at++)] - 2;
    if (place < 0) place = SINGLE + (place + 2) * CHARACTERS.length + places[text.charCodeAt(at++)];
    bytes[size] = values[place];
  }
  return bytes.slice(0, size);
}
