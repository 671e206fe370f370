/**
 * @module A model that counts: how often tokens followed those before them in a text, and words the word before,
 * interpolated with shorter contexts by Witten and Bell (1991). What a language model's likelihood is compared with, to
 * tell an unusual text from one that is hard to predict anyway.
 */
import { requireInteger } from "../errors.ts";
import { requireOptions } from "../options.ts";
import type { Corpus } from "../text/corpus.ts";
import type { Tokenizer } from "../text/types.ts";
import { requireCorpus } from "./model.ts";
import { wordsOf } from "./words.ts";

export interface BackgroundOptions {
  /** Tokens that are counted together at most, 6 by default. */
  readonly order?: number;
  readonly signal?: AbortSignal;
}

/** Logarithms of a token's probability: after the tokens before it, and by itself. */
export interface Counted {
  readonly inContext: number;
  readonly alone: number;
}

/** Numbers of a slot: two hashes, of which the second is never 0, times seen, tokens seen after it, different ones. */
const FIELDS = 5;
const FIRST_SLOTS = 2 ** 12;
const TOKENS = 4096;
/** Of a word that was never seen. */
const NEW_WORD = 2 ** -20;
/** What a word's place counts beside that it is new at all. */
const ORDER = 0.3;

export class Background {
  readonly vocabulary: number;
  readonly order: number;
  #table = new Int32Array(FIELDS * FIRST_SLOTS);
  #used = 0;

  private constructor(vocabulary: number, order: number) {
    this.vocabulary = vocabulary;
    this.order = order;
  }

  /**
   * Counts a corpus, such as the one that the model was trained on.
   * @throws SviError `E_OPTION`, `E_TEXT_SHORT`; the signal's reason when aborted
   * @example model.scoreAll(lines, { background: await Background.count(corpus) })
   */
  static async count(corpus: Corpus, options: BackgroundOptions = {}): Promise<Background> {
    requireOptions("Background.count", options, { order: "number", signal: "signal" });
    requireCorpus(corpus);
    const order = requireInteger("order", options.order ?? 6, 1, 16);
    const counted = new Background(corpus.tokenizer.vocabularySize, order);
    const reader = corpus.lanes({ batch: 1, sequence: Math.min(TOKENS, corpus.tokens - 1), partial: true });
    const [inputs, targets] = [new Int32Array(TOKENS), new Int32Array(TOKENS)];
    const [walk, words] = [new Walk(order), counted.#wordCounter(corpus.tokenizer)];
    try {
      for (let first = true; ; first = false) {
        options.signal?.throwIfAborted();
        const count = await reader.next(inputs, targets);
        if (first) counted.#add(walk, inputs[0]);
        if (first) words(inputs.subarray(0, 1), false);
        words(targets.subarray(0, count), count === 0);
        if (count === 0) return counted;
        for (let i = 0; i < count; i++) counted.#add(walk, targets[i]);
      }
    } finally {
      await reader.close();
    }
  }

  /** Counts the words of tokens as they come; those behind the last space wait for what follows. */
  #wordCounter(tokenizer: Tokenizer): (ids: Int32Array, last: boolean) => void {
    const spaces = new Map<number, boolean>();
    const hasSpace = (id: number) => {
      if (!spaces.has(id)) spaces.set(id, /\s/.test(tokenizer.decode([id])));
      return spaces.get(id)!;
    };
    const walk = wordWalk();
    let waiting: number[] = [];
    return (ids, last) => {
      for (const id of ids) waiting.push(id);
      const space = last ? -1 : waiting.findLastIndex(hasSpace);
      // Where no token has a space, every one of them is a word.
      const end = space < 0 ? waiting.length : space;
      for (const word of wordsOf(tokenizer.decode(waiting.slice(0, end)))) this.#add(walk, word);
      waiting = waiting.slice(end);
    };
  }

  #add(walk: Walk, token: number): void {
    for (let o = 0; o < walk.length; o++) {
      // Both may be new.
      if (2 * FIELDS * (this.#used + 2) > this.#table.length) this.#grow();
      const sequence = this.#claim(...walk.after(o, token));
      const isNew = this.#table[sequence + 2]++ === 0;
      const context = this.#claim(...walk.at(o));
      this.#table[context + 3]++;
      if (isNew) this.#table[context + 4]++;
    }
    walk.push(token);
  }

  /** Log-probabilities of every token of a text. @param log natural logarithm, the same on every engine */
  read(ids: Int32Array, log: (x: number) => number): Counted[] {
    const walk = new Walk(this.order);
    return Array.from(ids, (token) => {
      const { inContext, alone } = this.#probability(walk, token, 1 / this.vocabulary);
      walk.push(token);
      return { inContext: log(inContext), alone: log(alone) };
    });
  }

  /**
   * How unusual a text's words are: the share of those that were never seen, and how much less likely the others are
   * after the word before than by themselves; 0 for a text without words.
   * @param log natural logarithm, the same on every engine
   */
  words(text: string, log: (x: number) => number): number {
    const walk = wordWalk();
    let [count, unseen, order] = [0, 0, 0];
    for (const word of wordsOf(text)) {
      const { inContext, alone, seen } = this.#probability(walk, word, NEW_WORD);
      if (!seen) unseen++;
      if (count++ > 0) order += log(alone) - log(inContext);
      walk.push(word);
    }
    return count === 0 ? 0 : unseen / count + (ORDER * order) / Math.max(1, count - 1);
  }

  /** @param base probability of a token of which nothing is known */
  #probability(walk: Walk, token: number, base: number) {
    let [p, alone, seen] = [base, base, false];
    for (let o = 0; o < walk.length; o++) {
      const context = this.#find(...walk.at(o));
      if (context < 0) break;
      const sequence = this.#find(...walk.after(o, token));
      const [total, distinct] = [this.#table[context + 3], this.#table[context + 4]];
      p = ((sequence < 0 ? 0 : this.#table[sequence + 2]) + distinct * p) / (total + distinct);
      if (o === 0) [alone, seen] = [p, sequence >= 0];
    }
    return { inContext: p, alone, seen };
  }

  /** Place of a sequence's numbers; −1 where it was not seen. */
  #find(a: number, b: number): number {
    const at = this.#slot(a, b);
    return this.#table[at + 1] === 0 ? -1 : at;
  }

  /** Where a sequence's numbers are, or would be. */
  #slot(a: number, b: number): number {
    const mask = this.#table.length / FIELDS - 1;
    for (let slot = a & mask; ; slot = (slot + 1) & mask) {
      const at = FIELDS * slot;
      const other = this.#table[at + 1];
      if (other === 0 || (other === b && this.#table[at] === a)) return at;
    }
  }

  #claim(a: number, b: number): number {
    const at = this.#slot(a, b);
    if (this.#table[at + 1] !== 0) return at;
    this.#table[at] = a;
    this.#table[at + 1] = b;
    this.#used++;
    return at;
  }

  #grow(): void {
    const old = this.#table;
    this.#table = new Int32Array(2 * old.length);
    for (let at = 0; at < old.length; at += FIELDS)
      if (old[at + 1] !== 0) this.#table.set(old.subarray(at, at + FIELDS), this.#slot(old[at], old[at + 1]));
  }
}

/** Hashes of the last tokens: none of them, one, two and so on. */
class Walk {
  readonly #order: number;
  #a: number[];
  #b: number[];

  constructor(order: number, a = 0x2545f491, b = 0x1b873593) {
    this.#order = order;
    this.#a = [a];
    this.#b = [b];
  }

  /** Contexts that there are. */
  get length(): number {
    return this.#a.length;
  }

  at(o: number): [number, number] {
    return [mixed(this.#a[o]), this.#b[o] | 1];
  }

  after(o: number, token: number): [number, number] {
    const [a, b] = this.#extended(o, token);
    return [mixed(a), b | 1];
  }

  push(token: number): void {
    const longer = Math.min(this.#order, this.length + 1);
    const next = Array.from({ length: longer - 1 }, (_, o) => this.#extended(o, token));
    this.#a = [this.#a[0], ...next.map(([a]) => a)];
    this.#b = [this.#b[0], ...next.map(([, b]) => b)];
  }

  #extended(o: number, token: number): [number, number] {
    const b = Math.imul(this.#b[o] ^ (token + 1), 0x85ebca6b);
    return [Math.imul(this.#a[o] ^ (token + 1), 0x01000193) ^ (o + 1), (b << 13) | (b >>> 19)];
  }
}

/** Of words: each by itself, and after the one before; apart from all tokens. */
const wordWalk = () => new Walk(2, 0x7f4a7c15, 0x3c6ef372);

/** The final mix of MurmurHash3. */
function mixed(state: number): number {
  let x = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return x ^ (x >>> 16);
}
