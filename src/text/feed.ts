/** @module A queue of bytes between whatever delivers them and the blocks that are cut from it. */
import { type ByteSource, readExactly } from "./source.ts";

/** Delivers the next piece of a text, null at its end. */
export type Pull = () => Promise<Uint8Array | null>;

export class ByteFeed {
  /** Bytes taken so far, counted from the beginning of the text. */
  position: number;
  readonly #pull: Pull;
  #store = new Uint8Array(0);
  #start = 0;
  #end = 0;
  #ended = false;

  constructor(pull: Pull, position = 0) {
    this.#pull = pull;
    this.position = position;
  }

  /** The next `count` bytes, fewer at the end of the text alone; the view is good until the next call. */
  async peek(count: number): Promise<Uint8Array> {
    while (this.#end - this.#start < count && !this.#ended) {
      const piece = await this.#pull();
      if (piece === null) this.#ended = true;
      else this.#append(piece, count);
    }
    return this.#store.subarray(this.#start, Math.min(this.#end, this.#start + count));
  }

  skip(count: number): void {
    this.#start += count;
    this.position += count;
  }

  #append(piece: Uint8Array, wanted: number): void {
    const held = this.#end - this.#start;
    if (this.#end + piece.length > this.#store.length) {
      const needed = Math.max(held + piece.length, wanted);
      const target = needed > this.#store.length ? new Uint8Array(needed) : this.#store;
      target.set(this.#store.subarray(this.#start, this.#end));
      this.#store = target;
      this.#start = 0;
      this.#end = held;
    }
    this.#store.set(piece, this.#end);
    this.#end += piece.length;
  }
}

/** Feeds from a position of a source on, `readAhead` bytes at a time. */
export function sourceFeed(source: ByteSource, position: number, readAhead: number): ByteFeed {
  let at = position;
  const { size } = source;
  return new ByteFeed(async () => {
    if (at >= size) return null;
    const end = Math.min(size, at + readAhead);
    const bytes = await readExactly(source, at, end);
    at = end;
    return bytes;
  }, position);
}
