/** @module Where a corpus keeps its tokens: this file, in memory; `indexed.ts`, in the text itself. */
import type { TokenIds } from "./blocks.ts";
import { TokenHash } from "./hash.ts";
import type { TokenCursor, TokenStore } from "./tokens.ts";
import type { Tokenizer } from "./types.ts";

/** An array of the smallest element type that holds every id. */
export function idArray(vocabularySize: number, length: number): TokenIds {
  if (vocabularySize <= 2 ** 8) return new Uint8Array(length);
  return vocabularySize <= 2 ** 16 ? new Uint16Array(length) : new Int32Array(length);
}

export class MemoryStore implements TokenStore {
  readonly tokens: number;
  readonly #ids: TokenIds;
  readonly #tokenizer: Tokenizer;
  /** Length of the whole text, where it was counted while reading. */
  readonly #bytes: number | undefined;

  constructor(ids: TokenIds, tokenizer: Tokenizer, bytes?: number) {
    this.tokens = ids.length;
    this.#ids = ids;
    this.#tokenizer = tokenizer;
    this.#bytes = bytes;
  }

  cursor(position: number): TokenCursor {
    const ids = this.#ids;
    let at = position;
    return {
      take(into, count) {
        for (let i = 0; i < count; i++) into[i] = ids[at + i];
        at += count;
        return undefined;
      },
    };
  }

  bytes(from: number, to: number): number {
    if (this.#bytes !== undefined && from === 0 && to === this.tokens) return this.#bytes;
    if (this.#tokenizer.kind === "byte") return to - from;
    const encoder = new TextEncoder();
    let bytes = 0;
    for (let at = from; at < to; at += 65536) {
      const piece = this.#ids.subarray(at, Math.min(to, at + 65536));
      bytes += encoder.encode(this.#tokenizer.decode(piece)).length;
    }
    return bytes;
  }

  async hash(from: number, to: number): Promise<string> {
    const hash = new TokenHash();
    hash.update(this.#ids, from, to);
    return hash.hex();
  }
}

/** Collects tokens up to a limit; beyond it, forgets them all. */
export class TokenCollector {
  readonly #limit: number;
  #ids: TokenIds | null;
  #length = 0;

  constructor(vocabularySize: number, limit: number) {
    this.#ids = idArray(vocabularySize, Math.min(limit, 65536));
    this.#limit = limit;
  }

  add(ids: TokenIds): void {
    if (this.#ids === null) return;
    const length = this.#length + ids.length;
    if (length > this.#limit) {
      this.#ids = null;
      return;
    }
    if (length > this.#ids.length) {
      const Ids = this.#ids.constructor as new (length: number) => TokenIds;
      const larger = new Ids(Math.min(this.#limit, Math.max(length, 2 * this.#ids.length)));
      larger.set(this.#ids.subarray(0, this.#length));
      this.#ids = larger;
    }
    this.#ids.set(ids, this.#length);
    this.#length = length;
  }

  /** The tokens, or null where they were too many. */
  finish(): TokenIds | null {
    return this.#ids?.slice(0, this.#length) ?? null;
  }
}
