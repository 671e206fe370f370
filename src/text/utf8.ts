/** @module UTF-8 decoding that says where it went wrong. */
import { SviError } from "../errors.ts";

/**
 * What stands for something unknown, U+FFFD. Decoded from a byte that is not UTF-8, not written: minifiers put the
 * character itself into the file, and a page that does not say its encoding then reads three.
 */
export const REPLACEMENT: string = new TextDecoder().decode(Uint8Array.of(0xff));

// A byte order mark is kept as the character U+FEFF: dropping it would make byte counts wrong.
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * @param offset where `bytes` begins in the text, for the message
 * @throws E_TEXT_ENCODING with the offset of the first byte that is not UTF-8
 */
export function decodeUtf8(bytes: Uint8Array, offset: number): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    const at = offset + firstInvalid(bytes);
    throw new SviError("E_TEXT_ENCODING", `Byte ${at} of the text is not valid UTF-8`, {
      value: at,
      remedy: "Convert the text to UTF-8, or use the byte tokenizer, which takes any bytes",
      cause,
    });
  }
}

/** Where the longest valid beginning ends, sequence by sequence. */
function firstInvalid(bytes: Uint8Array): number {
  let at = 0;
  while (at < bytes.length) {
    const length = sequenceLength(bytes[at]);
    try {
      decoder.decode(bytes.subarray(at, at + length));
    } catch {
      return at;
    }
    at += length;
  }
  return at;
}

const sequenceLength = (lead: number): number => (lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4);
