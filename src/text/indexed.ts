/** @module A corpus too large for memory: its tokens are made again from the text wherever they are read. */
import { SviError } from "../errors.ts";
import { type Anchor, anchorBefore } from "./anchors.ts";
import { type Block, BlockReader, tokenizeBlock } from "./blocks.ts";
import { sourceFeed } from "./feed.ts";
import { TokenHash } from "./hash.ts";
import type { ByteSource, LineEnds } from "./source.ts";
import type { TokenCursor, TokenStore } from "./tokens.ts";
import type { Tokenizer } from "./types.ts";

/** What all cursors over one text have in common. */
export interface IndexedText {
  readonly source: ByteSource;
  /** Its size when it was indexed. */
  readonly size: number;
  readonly tokenizer: Tokenizer;
  readonly lineEnds: LineEnds;
  readonly blockBytes: number;
  readonly anchors: readonly Anchor[];
}

/** Bytes that the cursors of one reader keep read ahead, together. */
const READ_AHEAD = 2 ** 22;

export class IndexedStore implements TokenStore {
  readonly tokens: number;
  readonly #text: IndexedText;
  /** Position of this store's first token in the text. */
  readonly #first: number;

  constructor(text: IndexedText, first: number, end: number) {
    this.#text = text;
    this.#first = first;
    this.tokens = end - first;
  }

  cursor(position: number, readers: number): TokenCursor {
    const { blockBytes } = this.#text;
    const readAhead = Math.max(blockBytes, Math.min(2 ** 18, Math.floor(READ_AHEAD / readers)));
    return new IndexedCursor(this.#text, this.#first + position, readAhead);
  }

  /** Exact at the anchors, interpolated between them. */
  bytes(from: number, to: number): number {
    if (this.#text.tokenizer.kind === "byte") return to - from;
    return this.#bytesBefore(this.#first + to) - this.#bytesBefore(this.#first + from);
  }

  async hash(from: number, to: number): Promise<string> {
    const hash = new TokenHash();
    const { anchors } = this.#text;
    const last = anchors[anchors.length - 1];
    if (this.#first + from === 0 && this.#first + to === last.token) {
      hash.a = last.a;
      hash.b = last.b;
      return hash.hex();
    }
    const cursor = this.cursor(from, 1);
    const ids = new Int32Array(65536);
    for (let at = from; at < to; at += ids.length) {
      const count = Math.min(ids.length, to - at);
      await cursor.take(ids, count);
      hash.update(ids, 0, count);
    }
    return hash.hex();
  }

  #bytesBefore(token: number): number {
    const { anchors } = this.#text;
    const i = anchorBefore(anchors, token);
    const { token: t0, text } = anchors[i];
    const next = anchors[i + 1];
    if (next === undefined || token === t0) return text;
    return text + Math.round(((next.text - text) * (token - t0)) / (next.token - t0));
  }
}

class IndexedCursor implements TokenCursor {
  readonly #text: IndexedText;
  readonly #blocks: BlockReader;
  readonly #hash = new TokenHash();
  /** The next anchor that reading on will meet. */
  #next: number;
  /** Position of the end of the block in the text, in tokens. */
  #tokens: number;
  #block: Block | null = null;
  #at = 0;
  /** Tokens to drop before the first one that is wanted. */
  #skip: number;

  constructor(text: IndexedText, position: number, readAhead: number) {
    const i = anchorBefore(text.anchors, position);
    const anchor = text.anchors[i];
    const feed = sourceFeed(text.source, anchor.byte, readAhead);
    this.#text = text;
    this.#blocks = new BlockReader(feed, text.tokenizer.kind, text.lineEnds, text.blockBytes);
    this.#hash.a = anchor.a;
    this.#hash.b = anchor.b;
    this.#next = i + 1;
    this.#tokens = anchor.token;
    this.#skip = position - anchor.token;
  }

  take(into: Int32Array, count: number): Promise<void> | undefined {
    if (this.#skip === 0 && this.#block !== null && this.#at + count <= this.#block.ids.length) {
      this.#copy(this.#block, into, 0, count);
      return undefined;
    }
    return this.#takeOverBlocks(into, count);
  }

  async #takeOverBlocks(into: Int32Array, count: number): Promise<void> {
    for (let done = 0; done < count; ) {
      const block = this.#block;
      const left = block === null ? 0 : block.ids.length - this.#at;
      if (block === null || left === 0) await this.#read();
      else if (this.#skip > 0) {
        const dropped = Math.min(left, this.#skip);
        this.#skip -= dropped;
        this.#at += dropped;
      } else {
        const taken = Math.min(left, count - done);
        this.#copy(block, into, done, taken);
        done += taken;
      }
    }
  }

  #copy(block: Block, into: Int32Array, start: number, count: number): void {
    const { ids } = block;
    const at = this.#at;
    for (let i = 0; i < count; i++) into[start + i] = ids[at + i];
    this.#at = at + count;
  }

  async #read(): Promise<void> {
    const { source, size, tokenizer, lineEnds } = this.#text;
    if (source.size !== size) throw changed("Its size is another", { before: size, now: source.size });
    const bytes = await this.#blocks.next();
    if (bytes === null) throw changed("It ends early", { tokens: this.#tokens });
    try {
      this.#block = tokenizeBlock(bytes, tokenizer, lineEnds);
    } catch (cause) {
      throw changed(`It cannot be tokenised any more at byte ${bytes.start}`, { byte: bytes.start }, cause);
    }
    this.#at = 0;
    this.#tokens += this.#block.ids.length;
    this.#hash.update(this.#block.ids);
    this.#compare(this.#block.end);
  }

  /** The blocks of a text are always the same, so reading on has to meet every anchor exactly. */
  #compare(byte: number): void {
    const anchor = this.#text.anchors[this.#next];
    if (anchor === undefined || byte < anchor.byte) return;
    const { a, b } = this.#hash;
    if (byte !== anchor.byte || this.#tokens !== anchor.token || a !== anchor.a || b !== anchor.b)
      throw changed(`It differs before byte ${byte}`, { byte, tokens: this.#tokens, expected: anchor.token });
    this.#next++;
  }
}

function changed(how: string, value: unknown, cause?: unknown): SviError {
  return new SviError("E_TEXT_CHANGED", `The text is not the one that was opened. ${how}`, {
    value,
    remedy: "Leave the text as it is while it is in use, and open the corpus again",
    cause,
  });
}
