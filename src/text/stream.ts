/** @module Texts that can be read once only: buffered as a whole, or dealt to the lanes as they come. */
import { SviError, shown } from "../errors.ts";
import { bytesIn } from "../shapes.ts";
import { BlockReader, tokenizeBlock } from "./blocks.ts";
import { ByteFeed } from "./feed.ts";
import { TokenHash } from "./hash.ts";
import { LaneWindows, requireLanes } from "./lanes.ts";
import type { LineEnds } from "./source.ts";
import { idArray, MemoryStore } from "./store.ts";
import type { LaneOptions, LaneReader, TokenCursor, TokenStore } from "./tokens.ts";
import type { Tokenizer } from "./types.ts";

/** Pieces of a text in order, cut anywhere. */
export type TextStream = AsyncIterable<Uint8Array | string> | ReadableStream<Uint8Array | string>;

export interface StreamText {
  stream: TextStream;
  tokenizer: Tokenizer;
  /** Number of tokens that the stream is said to have. */
  tokens: number;
  lineEnds: LineEnds;
  blockBytes: number;
  signal?: AbortSignal;
}

/** A corpus of a stream: its tokens can be taken once, from the first to the last. */
export class StreamStore implements TokenStore {
  readonly tokens: number;
  readonly #text: StreamText;
  readonly #blocks: BlockReader;
  readonly #close: () => Promise<void>;
  readonly #hash = new TokenHash();
  #ids: ArrayLike<number> = [];
  #at = 0;
  #taken = 0;
  #bytes = 0;
  #used = false;
  #complete = false;

  constructor(text: StreamText) {
    const { pull, close } = pieces(text.stream);
    this.tokens = text.tokens;
    this.#text = text;
    this.#blocks = new BlockReader(new ByteFeed(pull), text.tokenizer.kind, text.lineEnds, text.blockBytes);
    this.#close = close;
  }

  /** The one reader that there can be. */
  lanes(options: LaneOptions): LaneReader {
    const lanes = new InterleavedLanes(this, options);
    if (this.#used) throw onlyOnce("It is being read already, or has been");
    this.#used = true;
    return lanes;
  }

  cursor(): TokenCursor {
    throw onlyOnce("It has no positions");
  }

  /** Of what has been read so far. */
  bytes(): number {
    return this.#bytes;
  }

  async hash(): Promise<string> {
    if (!this.#complete) throw onlyOnce("Its fingerprint is known when it has been read to the end");
    return this.#hash.hex();
  }

  /** Throws `E_TEXT_SHORT` where the stream ends before `count` more tokens. */
  async take(into: Int32Array, count: number): Promise<void> {
    for (let done = 0; done < count; ) {
      if (this.#at === this.#ids.length && !(await this.#read())) throw this.#endsEarly();
      const taken = Math.min(count - done, this.#ids.length - this.#at);
      for (let i = 0; i < taken; i++) into[done + i] = this.#ids[this.#at + i];
      this.#hash.update(this.#ids, this.#at, this.#at + taken);
      this.#at += taken;
      this.#taken += taken;
      done += taken;
    }
  }

  async discard(count: number): Promise<void> {
    const into = new Int32Array(Math.min(count, 65536));
    for (let left = count; left > 0; left -= into.length) await this.take(into, Math.min(left, into.length));
  }

  /** Reads what is left; throws `E_TEXT_SHORT` or `E_TEXT_CHANGED` where the token count was wrong. */
  async finish(): Promise<void> {
    if (this.#complete) return;
    await this.discard(this.tokens - this.#taken);
    while (this.#at === this.#ids.length && (await this.#read()));
    if (this.#at < this.#ids.length)
      throw new SviError(
        "E_TEXT_CHANGED",
        `The stream continues after the ${this.tokens} tokens it was said to have`,
        {
          value: this.tokens,
          remedy: "Give its exact number of tokens, or cut the stream where it should end",
        },
      );
    this.#complete = true;
  }

  async close(): Promise<void> {
    await this.#close();
  }

  async #read(): Promise<boolean> {
    this.#text.signal?.throwIfAborted();
    const bytes = await this.#blocks.next();
    if (bytes === null) return false;
    const block = tokenizeBlock(bytes, this.#text.tokenizer, this.#text.lineEnds);
    this.#bytes += block.bytes;
    this.#ids = block.ids;
    this.#at = 0;
    return true;
  }

  #endsEarly(): SviError {
    return new SviError("E_TEXT_SHORT", `The stream ended after ${this.#taken} of ${this.tokens} tokens`, {
      value: { needed: this.tokens, available: this.#taken },
      remedy: "Give the number of tokens that the stream has",
    });
  }
}

/** Reads a stream to its end into memory. */
export async function bufferStream(text: StreamText): Promise<MemoryStore> {
  const stream = new StreamStore(text);
  try {
    const ids = idArray(text.tokenizer.vocabularySize, text.tokens);
    const piece = new Int32Array(Math.min(text.tokens, 65536));
    for (let at = 0; at < text.tokens; at += piece.length) {
      const count = Math.min(piece.length, text.tokens - at);
      await stream.take(piece, count);
      ids.set(piece.subarray(0, count), at);
    }
    await stream.finish();
    return new MemoryStore(ids, text.tokenizer, stream.bytes());
  } finally {
    await stream.close();
  }
}

/**
 * Consecutive windows of `sequence` tokens go to the lanes in turn: lane b's window in minibatch m has the
 * inputs from token (m·batch + b)·sequence on. With more than one lane a lane's windows do not follow each
 * other, so state carried from one to the next belongs to another place in the text.
 */
class InterleavedLanes extends LaneWindows {
  readonly windows: number;
  readonly tokens: number;
  readonly unread: number;
  readonly contiguous: boolean;
  readonly #store: StreamStore;
  readonly #tokens: Int32Array;
  #started = false;
  #failure: unknown;

  constructor(store: StreamStore, options: LaneOptions) {
    requireLanes(options, store.tokens);
    super(options);
    if (options.partial && this.batch > 1)
      throw new SviError("E_OPTION", `partial is set with ${this.batch} interleaved lanes`, {
        value: this.batch,
        remedy: "Give batch 1 for a partial last window of a stream",
      });
    const windows = (store.tokens - 1) / (this.batch * this.sequence);
    this.windows = options.partial ? Math.ceil(windows) : Math.floor(windows);
    this.tokens = options.partial ? store.tokens - 1 : this.windows * this.batch * this.sequence;
    this.unread = store.tokens - 1 - this.tokens;
    this.contiguous = this.batch === 1;
    this.#store = store;
    this.#tokens = new Int32Array(this.batch * this.sequence + 1);
  }

  protected read(inputs: Int32Array, targets: Int32Array): Promise<number> {
    return this.#once(async () => {
      if (this.at === this.windows) {
        await this.#store.finish();
        return 0;
      }
      const tokens = this.#tokens;
      const { batch, sequence } = this;
      const steps = Math.min(sequence, this.#store.tokens - 1 - this.at * batch * sequence);
      if (!this.#started) await this.#takeAfterFirst(0);
      await this.#takeAfterFirst(batch * steps);
      for (let lane = 0; lane < batch; lane++)
        for (let t = 0; t < steps; t++) {
          inputs[t * batch + lane] = tokens[lane * steps + t];
          targets[t * batch + lane] = tokens[lane * steps + t + 1];
        }
      tokens[0] = tokens[batch * steps];
      this.at++;
      return steps;
    });
  }

  protected move(window: number): Promise<void> {
    if (window < this.at) throw onlyOnce(`Window ${window} has gone by`);
    return this.#once(async () => {
      if (window === this.at) return;
      const skipped = (window - this.at) * this.batch * this.sequence;
      // The first token of the next window is the last one skipped, or the first of all.
      const left = Math.min(skipped, this.#store.tokens - 1 - this.at * this.batch * this.sequence);
      if (!this.#started) await this.#takeAfterFirst(0);
      await this.#store.discard(left - 1);
      const last = new Int32Array(1);
      await this.#store.take(last, 1);
      this.#tokens[0] = last[0];
      this.at = window;
    });
  }

  protected async release(): Promise<void> {
    await this.#store.close();
  }

  /** Takes `count` tokens behind the first of `#tokens`; for 0, that first one. */
  async #takeAfterFirst(count: number): Promise<void> {
    await this.#store.take(count === 0 ? this.#tokens : this.#tokens.subarray(1), count || 1);
    this.#started = true;
  }

  /** What a failed read took from the stream is lost, so no later one can be right. */
  async #once<T>(work: () => Promise<T>): Promise<T> {
    if (this.#failure !== undefined) throw this.#failure;
    try {
      return await work();
    } catch (error) {
      this.#failure = error;
      throw error;
    }
  }
}

export function onlyOnce(why: string): SviError {
  return new SviError("E_OPTION", `A stream can be read once, from its beginning to its end. ${why}`, {
    remedy: 'Use a file or a Blob with Corpus.open, or lanes: "contiguous-buffered"',
  });
}

function pieces(stream: TextStream): { pull: () => Promise<Uint8Array | null>; close: () => Promise<void> } {
  requireStream(stream);
  const iterator = Symbol.asyncIterator in stream ? stream[Symbol.asyncIterator]() : readerOf(stream);
  const encoder = new TextEncoder();
  /** Half of a surrogate pair that ended the last piece. */
  let half = "";
  const pull = async (): Promise<Uint8Array | null> => {
    const { done, value } = await iterator.next();
    if (done) {
      const rest = half;
      half = "";
      return rest === "" ? null : encoder.encode(rest);
    }
    const bytes = bytesIn(value);
    if (bytes) return bytes;
    if (typeof value !== "string")
      throw new SviError("E_OPTION", "A piece of the stream is neither a string nor bytes", {
        value,
        remedy: "Give a stream of strings or of Uint8Arrays",
      });
    const text = half + value;
    half = /[\ud800-\udbff]$/.test(text) ? text.slice(-1) : "";
    return encoder.encode(half === "" ? text : text.slice(0, -1));
  };
  return { pull, close: async () => void (await iterator.return?.()) };
}

function requireStream(stream: TextStream): void {
  const { locked, getReader, [Symbol.asyncIterator]: iterate } = Object(stream);
  if (!locked && [getReader, iterate].some((each) => typeof each === "function")) return;
  throw new SviError("E_OPTION", `The stream is ${locked ? "being read already" : shown(stream)}`, {
    option: "stream",
    value: stream,
    remedy: "Give a stream of strings or of Uint8Arrays, or an async iterable of them",
  });
}

/** Safari's ReadableStream is not iterable. */
function readerOf(stream: ReadableStream<Uint8Array | string>): AsyncIterator<Uint8Array | string> {
  const reader = stream.getReader();
  return {
    next: () => reader.read() as Promise<IteratorResult<Uint8Array | string>>,
    return: async () => {
      await reader.cancel();
      return { done: true, value: undefined };
    },
  };
}
