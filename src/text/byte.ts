/** @module The byte tokenizer: 256 ids, the bytes of UTF-8. Every text can be encoded. */
import { requireIds, requireText } from "./checks.ts";
import { continuation } from "./pieces.ts";
import type { Tokenizer } from "./types.ts";

const LINE_FEED = 10;

/**
 * Ids are the UTF-8 bytes of the text.
 *
 * `encode` writes half surrogate pairs as U+FFFD, as `TextEncoder` does; `decode` writes bytes that are no
 * UTF-8 as U+FFFD. A corpus of bytes is never decoded, so any file can be trained on.
 */
export function byteTokenizer(): Tokenizer {
  const decode = (ids: ArrayLike<number>) => {
    requireIds(ids, 256);
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(Uint8Array.from(ids));
  };
  return {
    kind: "byte",
    vocabularySize: 256,
    unknown: null,
    endOfLine: LINE_FEED,
    lossless: true,
    encode: (text) => Int32Array.from(new TextEncoder().encode(requireText(text))),
    decode,
    continue: continuation(decode),
    describe: () => ({ kind: "byte" }),
  };
}
