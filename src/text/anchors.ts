/** @module A thin index of a text: some block starts, with what had been read before them. */
import type { Block } from "./blocks.ts";
import { TokenHash } from "./hash.ts";

/** Everything before `byte` in the text, summed up. */
export interface Anchor {
  /** Offset in the text as it was given. */
  readonly byte: number;
  /** Tokens before it. */
  readonly token: number;
  /** Bytes before it after the treatment of line ends. */
  readonly text: number;
  /** State of the token hash. */
  readonly a: number;
  readonly b: number;
}

/** More anchors than this, and every other one is dropped: the index of any text stays below a megabyte. */
const MOST_ANCHORS = 8192;

export class AnchorBuilder {
  readonly hash = new TokenHash();
  tokens = 0;
  bytes = 0;
  #byte = 0;
  #spacing: number;
  #anchors: Anchor[] = [];

  /** @param spacing tokens between two anchors, at least */
  constructor(spacing: number) {
    this.#spacing = spacing;
    this.#push();
  }

  add(block: Block): void {
    this.hash.update(block.ids);
    this.tokens += block.ids.length;
    this.bytes += block.bytes;
    this.#byte = block.end;
    if (this.tokens - this.#anchors[this.#anchors.length - 1].token >= this.#spacing) this.#push();
    if (this.#anchors.length > MOST_ANCHORS) {
      this.#anchors = this.#anchors.filter((_, i) => i % 2 === 0);
      this.#spacing *= 2;
    }
  }

  /** The anchors, the first at the beginning and the last where reading stopped. */
  finish(): readonly Anchor[] {
    if (this.#anchors[this.#anchors.length - 1].byte !== this.#byte) this.#push();
    return this.#anchors;
  }

  #push(): void {
    const { a, b } = this.hash;
    this.#anchors.push({ byte: this.#byte, token: this.tokens, text: this.bytes, a, b });
  }
}

/** Index of the last anchor at or before a token. */
export function anchorBefore(anchors: readonly Anchor[], token: number): number {
  let low = 0;
  let high = anchors.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (anchors[middle].token <= token) low = middle;
    else high = middle - 1;
  }
  return low;
}
