/**
 * @module Cuts a text into blocks that can be tokenised one by one.
 *
 * Where a block ends depends on the bytes, never on how they were delivered, and only places are taken where
 * cutting cannot change a token. So a text read from the beginning, or from the start of any block, in small
 * pieces or large ones, gives the same tokens.
 */
import { SviError } from "../errors.ts";
import { requireIds } from "./checks.ts";
import type { ByteFeed } from "./feed.ts";
import type { LineEnds } from "./source.ts";
import type { Tokenizer } from "./types.ts";
import { decodeUtf8 } from "./utf8.ts";

/** Bytes of text tokenised at a time. */
export const BLOCK_BYTES = 2 ** 14;
/** A text without a place to cut in this many bytes is refused: its memory would have no bound. */
const LONGEST_BLOCK = 2 ** 24;
const LF = 10;
const CR = 13;

export type TokenIds = Int32Array | Uint16Array | Uint8Array;

/** Part of a text between two safe places. */
export interface Block {
  /** First byte, in the text as it was given. */
  readonly start: number;
  /** One past the last byte. */
  readonly end: number;
  /** Length in bytes after the treatment of line ends. */
  readonly bytes: number;
  /** The tokens; checked against the vocabulary. */
  readonly ids: TokenIds;
}

export class BlockReader {
  readonly #feed: ByteFeed;
  readonly #kind: Tokenizer["kind"];
  readonly #lineEnds: LineEnds;
  readonly #blockBytes: number;

  constructor(feed: ByteFeed, kind: Tokenizer["kind"], lineEnds: LineEnds, blockBytes: number) {
    this.#feed = feed;
    this.#kind = kind;
    this.#lineEnds = lineEnds;
    this.#blockBytes = blockBytes;
  }

  /** The next block's bytes with its start, null at the end; the view is good until the next call. */
  async next(): Promise<{ start: number; raw: Uint8Array } | null> {
    for (let wanted = this.#blockBytes; ; wanted *= 2) {
      const bytes = await this.#feed.peek(wanted);
      if (bytes.length === 0) return null;
      const length = bytes.length < wanted ? bytes.length : this.#lastCut(bytes);
      if (length > 0) {
        const start = this.#feed.position;
        this.#feed.skip(length);
        return { start, raw: bytes.subarray(0, length) };
      }
      if (wanted >= LONGEST_BLOCK) throw this.#nowhereToCut();
    }
  }

  /** The last place where the text can be cut, 0 where there is none. */
  #lastCut(bytes: Uint8Array): number {
    const lf = this.#lineEnds === "lf";
    const anywhere = this.#kind === "byte" || this.#kind === "character";
    for (let at = bytes.length - 1; at > 0; at--) {
      const before = bytes[at - 1];
      const after = bytes[at];
      if (this.#kind !== "byte" && (after & 0xc0) === 0x80) continue;
      if (lf && before === CR && after === LF) continue;
      if (anywhere) return at;
      if (before === LF || (lf && before === CR)) return at;
      if (this.#kind === "word" && (before === 32 || (before >= 9 && before <= 13))) return at;
    }
    // No such run is valid UTF-8: taken as it is, decoding says where it goes wrong.
    return anywhere ? bytes.length : 0;
  }

  #nowhereToCut(): SviError {
    const missing = this.#kind === "word" ? "whitespace" : "a line end";
    const at = this.#feed.position;
    return new SviError(
      "E_TOKENIZER",
      `The text has ${LONGEST_BLOCK} bytes without ${missing} after byte ${at}`,
      {
        value: at,
        remedy: "Break its lines, or use the byte or the character tokenizer",
      },
    );
  }
}

/** The text of a block, with its line ends treated. */
export function blockText(raw: Uint8Array, start: number, lineEnds: LineEnds): string {
  const text = decodeUtf8(raw, start);
  return lineEnds === "lf" ? text.replace(/\r\n?/g, "\n") : text;
}

/** Tokenises a block; throws what the tokenizer throws, and `E_TOKEN_RANGE`. */
export function tokenizeBlock(
  { start, raw }: { start: number; raw: Uint8Array },
  tokenizer: Tokenizer,
  lineEnds: LineEnds,
): Block {
  const end = start + raw.length;
  if (tokenizer.kind === "byte") {
    const ids = lineEnds === "lf" ? withLineFeeds(raw) : raw.slice();
    return { start, end, bytes: ids.length, ids };
  }
  const ids = tokenizer.encode(blockText(raw, start, lineEnds));
  requireIds(ids, tokenizer.vocabularySize);
  return { start, end, bytes: raw.length - (lineEnds === "lf" ? pairs(raw) : 0), ids };
}

/** The number of `\r\n`. */
function pairs(raw: Uint8Array): number {
  let count = 0;
  for (let i = 1; i < raw.length; i++) if (raw[i] === LF && raw[i - 1] === CR) count++;
  return count;
}

function withLineFeeds(raw: Uint8Array): Uint8Array {
  const out = new Uint8Array(raw.length);
  let length = 0;
  for (let i = 0; i < raw.length; i++) {
    if (raw[i] === CR && raw[i + 1] === LF) continue;
    out[length++] = raw[i] === CR ? LF : raw[i];
  }
  return out.slice(0, length);
}
