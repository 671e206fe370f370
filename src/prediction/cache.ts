/**
 * @module A cache of what was read (Grave, Joulin, Usunier 2017, "Improving neural language models with a continuous
 * cache"): words that followed states like this one are likelier here,
 * p(w) = (1 − λ) p_model(w) + λ Σᵢ [wᵢ = w] softmaxᵢ(θ h·hᵢ), over the last `size` states hᵢ and the words after them.
 */
import { requireInteger, requireNumber } from "../errors.ts";
import { requireInner } from "../options.ts";

export interface CacheOptions {
  /** States that are kept, 500 by default. */
  readonly size?: number;
  /** How much nearer states count for more, 1 by default; 0 for all of them alike. */
  readonly theta?: number;
  /** Share of the prediction that is the cache's, 0.1 by default. */
  readonly lambda?: number;
}

export type CacheForm = Required<CacheOptions>;

const DEFAULTS: CacheForm = { size: 500, theta: 1, lambda: 0.1 };
const MOST = 2 ** 20;

/** @returns null for none @throws SviError `E_OPTION` */
export function requireCache(cache: boolean | CacheOptions | undefined): CacheForm | null {
  if (cache === undefined || cache === false) return null;
  const given = requireInner<CacheForm>("cache", cache, ["size", "theta", "lambda"]);
  const { size = DEFAULTS.size, theta = DEFAULTS.theta, lambda = DEFAULTS.lambda } = given;
  return {
    size: requireInteger("cache.size", size, 1, MOST),
    theta: requireNumber("cache.theta", theta, "a number from 0 on", (v) => v >= 0 && v < 1e6),
    lambda: requireNumber("cache.lambda", lambda, "a number from 0 to below 1", (v) => v >= 0 && v < 1),
  };
}

/** States and the words after them, the last `size` of which count; as many more are kept as may be taken back. */
export class Cache {
  readonly form: CacheForm;
  /** Floats of a state. */
  readonly width: number;
  #keys: Float32Array;
  #words: Int32Array;
  /** Entries that were dropped, and those that are kept. */
  #dropped = 0;
  #count = 0;
  #weights = new Float64Array(0);

  constructor(form: CacheForm, width: number) {
    this.form = form;
    this.width = width;
    this.#keys = new Float32Array(64 * width);
    this.#words = new Int32Array(64);
  }

  /** Entries since the beginning; what `back` takes. */
  get length(): number {
    return this.#dropped + this.#count;
  }

  clear(): void {
    this.#dropped = 0;
    this.#count = 0;
  }

  /** Keeps a state, in pieces, and the word that came after it. @param needed entries that `back` may go to, at least */
  push(state: readonly Float32Array[], word: number, needed = this.length): void {
    this.#makeRoom(needed);
    let at = this.#count * this.width;
    for (const piece of state) {
      this.#keys.set(piece, at);
      at += piece.length;
    }
    this.#words[this.#count++] = word;
  }

  /** Forgets all entries after the first `length`. */
  back(length: number): void {
    this.#count = Math.max(0, Math.min(this.#count, length - this.#dropped));
  }

  /** Drops what counts no longer, also after going `back` to so many entries. */
  drop(needed: number): void {
    const drop = this.#superfluous(needed);
    this.#keys.copyWithin(0, drop * this.width);
    this.#words.copyWithin(0, drop);
    this.#dropped += drop;
    this.#count -= drop;
  }

  #superfluous(needed: number): number {
    return Math.max(0, Math.min(this.#count, needed - this.#dropped - this.form.size));
  }

  /** Drops what no longer counts, or grows. */
  #makeRoom(needed: number): void {
    if (this.#count < this.#words.length) return;
    if (2 * this.#superfluous(needed) >= this.#count) {
      this.drop(needed);
      return;
    }
    const [keys, words] = [this.#keys, this.#words];
    this.#keys = new Float32Array(2 * keys.length);
    this.#words = new Int32Array(2 * words.length);
    this.#keys.set(keys);
    this.#words.set(words);
  }

  /**
   * Mixes what the cache says into probabilities of all words, in place.
   * @param state as pushed; of samples, all of their states one after the other, whose products are averaged
   */
  mix(
    probabilities: Float32Array,
    state: readonly Float32Array[],
    samples: number,
    k: { exp64(x: number): number },
    until = this.length,
  ): void {
    const last = Math.min(this.#count, until - this.#dropped);
    const first = Math.max(0, last - this.form.size);
    const { lambda } = this.form;
    if (last <= first || lambda === 0) return;
    const weights = this.#scores(state, first, last, this.form.theta / Math.max(1, samples));
    let most = Number.NEGATIVE_INFINITY;
    for (let i = first; i < last; i++) most = Math.max(most, weights[i - first]);
    let sum = 0;
    for (let i = first; i < last; i++) {
      const weight = k.exp64(weights[i - first] - most);
      weights[i - first] = weight;
      sum += weight;
    }
    for (let w = 0; w < probabilities.length; w++) probabilities[w] *= 1 - lambda;
    const share = lambda / sum;
    for (let i = first; i < last; i++) probabilities[this.#words[i]] += share * weights[i - first];
  }

  /** θ h·hᵢ of the entries. */
  #scores(state: readonly Float32Array[], first: number, last: number, theta: number): Float64Array {
    if (this.#weights.length < last - first) this.#weights = new Float64Array(2 * (last - first));
    const weights = this.#weights.fill(0, 0, last - first);
    let offset = 0;
    for (const piece of state) {
      for (let i = first; i < last; i++)
        weights[i - first] += theta * dot(piece, this.#keys, i * this.width + offset);
      offset += piece.length;
    }
    return weights;
  }

  copy(): Cache {
    const other = new Cache(this.form, this.width);
    other.#keys = this.#keys.slice();
    other.#words = this.#words.slice();
    other.#dropped = this.#dropped;
    other.#count = this.#count;
    return other;
  }

  /** All that is kept. */
  get state(): CacheState {
    return {
      dropped: this.#dropped,
      words: Array.from(this.#words.subarray(0, this.#count)),
      keys: this.#keys.slice(0, this.#count * this.width),
    };
  }

  static of(form: CacheForm, width: number, { dropped, words, keys }: CacheState): Cache {
    const cache = new Cache(form, width);
    cache.#dropped = dropped;
    cache.#count = words.length;
    cache.#words = new Int32Array(Math.max(64, words.length));
    cache.#words.set(words);
    cache.#keys = new Float32Array(cache.#words.length * width);
    cache.#keys.set(keys);
    return cache;
  }
}

export interface CacheState {
  readonly dropped: number;
  readonly words: readonly number[];
  /** [words, width]. */
  readonly keys: Float32Array;
}

/** Four sums, in a fixed order. */
function dot(a: Float32Array, b: Float32Array, at: number): number {
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  const whole = a.length & ~3;
  for (let i = 0; i < whole; i += 4) {
    s0 += a[i] * b[at + i];
    s1 += a[i + 1] * b[at + i + 1];
    s2 += a[i + 2] * b[at + i + 2];
    s3 += a[i + 3] * b[at + i + 3];
  }
  for (let i = whole; i < a.length; i++) s0 += a[i] * b[at + i];
  return s0 + s1 + (s2 + s3);
}
