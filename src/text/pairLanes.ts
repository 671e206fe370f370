/**
 * @module Minibatches of documents: one a lane, those of like length together, so that a window is no longer than they
 * are. What is left of a lane is padded with targets that are not scored.
 */
import { requireInteger, SviError } from "../errors.ts";
import type { TokenIds } from "./blocks.ts";
import { LaneWindows } from "./lanes.ts";
import type { LaneOptions, SourceRanges } from "./tokens.ts";

export interface Documents {
  readonly ids: TokenIds;
  /** Places of the separators before documents, and of the last one. */
  readonly starts: Int32Array;
  /** Tokens of the sources. */
  readonly sources: Int32Array;
  /** Timesteps of the longest. */
  readonly longest: number;
}

/** Timesteps within which lengths count as alike: documents of a bucket meet others in every epoch. */
const BUCKET = 4;

/** Every lane begins with a separator, which no document holds: its state is that of a text that begins. */
export class PairLanes extends LaneWindows {
  readonly windows: number;
  readonly tokens: number;
  readonly unread = 0;
  readonly contiguous = false;
  readonly #documents: Documents;
  readonly #shuffle: number | undefined;
  /** Documents in their order, and which window comes when; null before the first and after a seek. */
  #order: { readonly documents: Int32Array; readonly windows: Int32Array } | null = null;
  #epoch = 0;

  constructor(documents: Documents, options: LaneOptions) {
    requireInteger("batch", options.batch, 1);
    requireInteger("sequence", options.sequence, 1);
    if (options.shuffle !== undefined) requireInteger("seed", options.shuffle, 0, Number.MAX_SAFE_INTEGER);
    const { starts, longest } = documents;
    if (options.sequence < longest)
      throw new SviError(
        "E_OPTION",
        `sequence is ${options.sequence}, and the longest document has ${longest} timesteps`,
        {
          option: "sequence",
          value: options.sequence,
          remedy: "Omit sequence, or open the pairs with a smaller `longest`",
        },
      );
    super(options);
    this.#documents = documents;
    this.#shuffle = options.shuffle;
    this.windows = Math.ceil((starts.length - 1) / options.batch);
    this.tokens = starts[starts.length - 1];
  }

  protected async read(
    inputs: Int32Array,
    targets: Int32Array,
    sources: SourceRanges | undefined,
  ): Promise<number> {
    if (this.at === this.windows) return 0;
    this.#order ??= this.#inOrder();
    const { documents, windows } = this.#order;
    const from = windows[this.at] * this.batch;
    const own = documents.subarray(from, from + this.batch);
    let steps = 0;
    for (const document of own) steps = Math.max(steps, this.#stepsOf(document));
    for (let lane = 0; lane < this.batch; lane++)
      this.#fill(lane, lane < own.length ? own[lane] : -1, steps, inputs, targets, sources);
    this.at++;
    return steps;
  }

  #stepsOf(document: number): number {
    const { starts } = this.#documents;
    return starts[document + 1] - starts[document];
  }

  /** @param document -1 for a lane that stays empty */
  #fill(
    lane: number,
    document: number,
    steps: number,
    inputs: Int32Array,
    targets: Int32Array,
    sources: SourceRanges | undefined,
  ): void {
    const { ids, starts, sources: lengths } = this.#documents;
    const start = document < 0 ? 0 : starts[document];
    const length = document < 0 ? 0 : this.#stepsOf(document);
    // After the separator before the document come the source and the symbol behind it.
    const source = document < 0 ? 0 : lengths[document];
    for (let t = 0, i = lane; t < steps; t++, i += this.batch) {
      const scored = t > source && t < length;
      inputs[i] = t < length ? ids[start + t] : ids[0];
      targets[i] = scored ? ids[start + t + 1] : -1;
      if (!sources) continue;
      sources.from[i] = scored ? 1 : 0;
      sources.to[i] = scored ? 1 + source : 0;
    }
  }

  #inOrder() {
    const count = this.#documents.starts.length - 1;
    const documents = Int32Array.from({ length: count }, (_, i) => i);
    const windows = Int32Array.from({ length: this.windows }, (_, i) => i);
    if (this.#shuffle === undefined) return { documents, windows };
    const random = generator(this.#shuffle, this.#epoch);
    shuffle(documents, random);
    const bucket = (document: number) => Math.ceil(this.#stepsOf(document) / BUCKET);
    // Stable: within a bucket the order stays that of the shuffle.
    const sorted = Array.from(documents).sort((a, b) => bucket(a) - bucket(b));
    shuffle(windows, random);
    return { documents: Int32Array.from(sorted), windows };
  }

  protected async move(window: number, epoch: number): Promise<void> {
    if (epoch !== this.#epoch) this.#order = null;
    this.#epoch = epoch;
    this.at = window;
  }

  protected async release(): Promise<void> {
    this.#order = null;
  }
}

/** Fisher and Yates. */
function shuffle(values: Int32Array, random: () => number): void {
  for (let i = values.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [values[i], values[j]] = [values[j], values[i]];
  }
}

/** Numbers from 0 to below 1: a counter through the final mix of MurmurHash3, the same on every engine. */
function generator(seed: number, epoch: number): () => number {
  let state = mixed(mixed(seed >>> 0) ^ mixed(Math.floor(seed / 2 ** 32) + 0x9e37) ^ mixed(epoch + 0x85eb51));
  return () => {
    state = (state + 0x9e3779b9) | 0;
    return (mixed(state) >>> 0) / 2 ** 32;
  };
}

function mixed(state: number): number {
  let x = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return x ^ (x >>> 16);
}
