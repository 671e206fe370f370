/** @module Minibatches: a text cut into lanes that are read side by side, window by window. */
import { counted, requireInteger, SviError } from "../errors.ts";
import { tagOf } from "../shapes.ts";
import { type Scoring, scoredAt, scores } from "./scoring.ts";
import type { LaneOptions, LaneReader, SourceRanges, TokenCursor, TokenStore } from "./tokens.ts";

/** Checks lane options against a number of tokens; throws `E_OPTION` or `E_TEXT_SHORT`. */
export function requireLanes({ batch, sequence, partial }: LaneOptions, tokens: number): void {
  requireInteger("batch", batch, 1);
  requireInteger("sequence", sequence, 1);
  const needed = batch * (partial ? 1 : sequence) + 1;
  if (tokens < needed)
    throw new SviError(
      "E_TEXT_SHORT",
      `The text has ${counted(tokens, "token")}, one minibatch needs ${needed}`,
      {
        value: { needed, available: tokens },
        remedy: "Give a longer text, or a smaller batch or sequence",
      },
    );
}

/** What every lane reader does alike: one call at a time, none after close, buffers that are large enough. */
export abstract class LaneWindows implements LaneReader {
  readonly batch: number;
  readonly sequence: number;
  abstract readonly windows: number;
  abstract readonly tokens: number;
  abstract readonly unread: number;
  abstract readonly contiguous: boolean;
  protected at = 0;
  #busy = false;
  #closed = false;

  constructor({ batch, sequence }: LaneOptions) {
    this.batch = batch;
    this.sequence = sequence;
  }

  get cursor(): number {
    return this.at;
  }

  next(inputs: Int32Array, targets: Int32Array, sources?: SourceRanges): Promise<number> {
    return this.#alone(() => {
      const needed = this.batch * this.sequence;
      for (const [name, ids] of Object.entries({ inputs, targets, ...sources }))
        if (tagOf(ids) !== "Int32Array" || ids.length < needed)
          throw new SviError("E_OPTION", `${name} has room for ${ids?.length} of ${needed} tokens`, {
            value: ids?.length,
            remedy: "Give Int32Arrays of batch × sequence elements",
          });
      for (const ids of sources ? [sources.from, sources.to] : []) ids.fill(0, 0, needed);
      return this.read(inputs, targets, sources);
    });
  }

  seek(window: number, epoch = 0): Promise<void> {
    return this.#alone(() => {
      requireInteger("window", window, 0, this.windows);
      return this.move(window, requireInteger("epoch", epoch, 0));
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.release();
  }

  protected abstract read(inputs: Int32Array, targets: Int32Array, sources?: SourceRanges): Promise<number>;
  protected abstract move(window: number, epoch: number): Promise<void>;
  protected abstract release(): Promise<void>;

  async #alone<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closed)
      throw new SviError("E_DISPOSED", "The lane reader is closed", {
        remedy: "Ask the corpus for new lanes",
      });
    if (this.#busy)
      throw new SviError("E_BUSY", "The lane reader is still reading", {
        remedy: "Await each call before the next",
      });
    this.#busy = true;
    try {
      return await work();
    } finally {
      this.#busy = false;
    }
  }
}

/**
 * N tokens in lanes of L = ⌊(N − 1) / batch⌋: lane b's inputs are the tokens bL … bL + L − 1, its targets
 * the same shifted by one, -1 where scoring ignores them. The text after the last lane and, unless partial, after the last full window of
 * each lane is left out.
 */
export class ContiguousLanes extends LaneWindows {
  readonly windows: number;
  readonly tokens: number;
  readonly unread: number;
  readonly contiguous = true;
  readonly #store: TokenStore;
  readonly #from: number;
  readonly #length: number;
  readonly #last: Int32Array;
  readonly #taken: Int32Array;
  readonly #scoring: Scoring | null;
  /** Of each lane, whether the target behind its last token but one is scored. */
  readonly #scored: boolean[] = [];
  /** Null before the first window and after a seek or an error. */
  #cursors: TokenCursor[] | null = null;

  constructor(
    store: TokenStore,
    from: number,
    to: number,
    options: LaneOptions,
    scoring: Scoring | null = null,
  ) {
    requireLanes(options, to - from);
    super(options);
    this.#scoring = scoring;
    this.#store = store;
    this.#from = from;
    this.#length = Math.floor((to - from - 1) / this.batch);
    const windows = this.#length / this.sequence;
    this.windows = options.partial ? Math.ceil(windows) : Math.floor(windows);
    const steps = options.partial ? this.#length : this.windows * this.sequence;
    this.tokens = this.batch * steps;
    this.unread = to - from - 1 - this.tokens;
    this.#last = new Int32Array(this.batch);
    this.#taken = new Int32Array(this.sequence);
  }

  protected async read(inputs: Int32Array, targets: Int32Array): Promise<number> {
    if (this.at === this.windows) return 0;
    const cursors = this.#cursors ?? (await this.#position());
    const { batch } = this;
    const steps = Math.min(this.sequence, this.#length - this.at * this.sequence);
    const taken = this.#taken;
    this.#cursors = null;
    for (let lane = 0; lane < batch; lane++) {
      const waiting = cursors[lane].take(taken, steps);
      if (waiting !== undefined) await waiting;
      let token = this.#last[lane];
      for (let t = 0, i = lane; t < steps; t++, i += batch) {
        inputs[i] = token;
        token = taken[t];
        targets[i] = token;
      }
      this.#last[lane] = token;
      if (this.#scoring) this.#ignore(this.#scoring, inputs, targets, steps, lane);
    }
    this.#cursors = cursors;
    this.at++;
    return steps;
  }

  #ignore(scoring: Scoring, inputs: Int32Array, targets: Int32Array, steps: number, lane: number): void {
    let scored = this.#scored[lane];
    for (let t = 0, i = lane; t < steps; t++, i += this.batch) {
      scored = scores(scoring, inputs[i], scored);
      if (!scored) targets[i] = -1;
    }
    this.#scored[lane] = scored;
  }

  protected async move(window: number): Promise<void> {
    if (window !== this.at) this.#cursors = null;
    this.at = window;
  }

  protected async release(): Promise<void> {
    this.#cursors = null;
  }

  async #position(): Promise<TokenCursor[]> {
    const cursors: TokenCursor[] = [];
    const first = new Int32Array(1);
    for (let lane = 0; lane < this.batch; lane++) {
      const position = this.#from + lane * this.#length + this.at * this.sequence;
      const cursor = this.#store.cursor(position, this.batch);
      await cursor.take(first, 1);
      this.#last[lane] = first[0];
      if (this.#scoring) this.#scored[lane] = await scoredAt(this.#store, this.#scoring, position);
      cursors.push(cursor);
    }
    return cursors;
  }
}
