/**
 * @module Whole words that begin with what is half typed, the likeliest first: paths of tokens are followed from the
 * likeliest on, and a path is never likelier than its beginning, so that what is found first is what is likeliest.
 */
import { requireInteger, SviError, wrongOption } from "../errors.ts";
import type { Kinds } from "../options.ts";
import { pause } from "../pause.ts";
import type { Tokenizer } from "../text/types.ts";
import { type TokenTexts, tokenTexts } from "../text/vocabulary.ts";
import type { Cache } from "./cache.ts";
import type { SharedPredictor } from "./shared.ts";

export interface CompleteOptions {
  /** What is typed and was not read, behind what was. */
  readonly prefix?: string;
  /** Words to find at most, 5 by default. */
  readonly count?: number;
  /** A character that ends a word: by default anything but letters, digits, marks, apostrophes and hyphens. */
  readonly until?: RegExp;
  /** Tokens to read at most in the search, 256 by default. */
  readonly effort?: number;
  readonly signal?: AbortSignal;
}

export const COMPLETE: Kinds<CompleteOptions> = {
  prefix: "string",
  count: "number",
  until: "object",
  effort: "number",
  signal: "signal",
};

/** A word, and its probability given what it begins with. */
export interface Completion {
  readonly text: string;
  readonly probability: number;
}

export interface Place {
  /** The states after all that was read, and before the half-typed word. */
  readonly now: Float32Array;
  readonly word: Float32Array;
  readonly half: string;
  /** The half-typed word with the space before it, where tokens hold that. */
  readonly tail: string;
  /** What was read, for predictions; what a search tries is not taken into it. */
  readonly cache: Cache | null;
}

/** Paths that are kept of those that continue one. */
const MOST_BRANCHES = 32;
/** Paths that are much less likely than what is found are not kept. */
const LEAST_SHARE = 1e-5;
const WORD_END = /[^\p{L}\p{M}\p{N}'’-]/u;

/** Tokens read one after the other, and the text that they make. */
interface Path {
  readonly probability: number;
  readonly text: string;
  /** The state before the path's last token, and that token; null where it has been read. */
  readonly state: Float32Array;
  readonly token: number | null;
  /** Whether the word ends here. */
  readonly ended: boolean;
}

/**
 * The likeliest words, exact among a word model's own; of others, where the effort suffices.
 * @throws SviError `E_PREFIX`, `E_OPTION`; the signal's reason when aborted
 */
export async function complete(
  tokenizer: Tokenizer,
  predictor: SharedPredictor,
  place: Place,
  options: CompleteOptions,
): Promise<Completion[]> {
  const { until = WORD_END, signal } = options;
  const count = requireInteger("count", options.count ?? 5, 1, 1000);
  const effort = requireInteger("effort", options.effort ?? 256, 1, 2 ** 20);
  if (!(until instanceof RegExp))
    throw wrongOption("until", until, "a regular expression that a word's end matches");
  if (tokenizer.kind === "word") return wordsOf(tokenizer, predictor, place, count);
  const search = new Search(
    tokenizer,
    predictor,
    place,
    count,
    new RegExp(until, until.flags.replace(/[gy]/g, "")),
  );
  for (let read = 0; read < effort && search.expand(); read++) {
    if (read % 8 !== 7) continue;
    signal?.throwIfAborted();
    await pause();
  }
  return search.found();
}

function nothing(half: string): SviError {
  return new SviError("E_PREFIX", `No token continues ${JSON.stringify(half)}`, {
    value: half,
    remedy: "Type on, or correct it: the vocabulary has no word that begins like that",
  });
}

/** Every word of the vocabulary that begins so. */
function wordsOf(
  tokenizer: Tokenizer,
  predictor: SharedPredictor,
  place: Place,
  count: number,
): Completion[] {
  const probabilities = predict(predictor, place.word, place.cache);
  const textOf = tokenTexts(tokenizer);
  const begun: { text: string; probability: number }[] = [];
  let sum = 0;
  for (const [id, probability] of probabilities.entries()) {
    if (id === tokenizer.unknown || id === tokenizer.endOfLine) continue;
    const text = textOf(id);
    if (!text.startsWith(place.half)) continue;
    sum += probability;
    begun.push({ text, probability });
  }
  if (begun.length === 0) throw nothing(place.half);
  const order = begun.sort((a, b) => b.probability - a.probability).slice(0, count);
  return order.map(({ text, probability }) => ({ text, probability: probability / sum }));
}

function predict(predictor: SharedPredictor, state: Float32Array, cache: Cache | null): Float32Array {
  predictor.load(state);
  predictor.owner = null;
  predictor.predict(cache);
  return predictor.probabilities;
}

/** The half-typed word and the space before it, as tokens hold that. */
function tailOf({ lossless }: Tokenizer, { half, tail }: Place): string {
  return lossless || tail === half ? tail : ` ${half}`;
}

class Search {
  readonly #predictor: SharedPredictor;
  readonly #spelling: Spelling;
  readonly #unknown: number | null;
  readonly #count: number;
  readonly #cache: Cache | null;
  readonly #half: string;
  /** Whether the word begins a line: its first token may hold a space that the text does not have. */
  readonly #trimming: boolean;
  readonly #open: Path[] = [];
  /** Words that ended, and how likely each is by all paths to it. */
  readonly #words = new Map<string, number>();
  /** Probability of all paths that hold what is half typed. */
  #mass = 0;

  constructor(tokenizer: Tokenizer, predictor: SharedPredictor, place: Place, count: number, until: RegExp) {
    const subwords = tokenizer.kind === "json";
    this.#predictor = predictor;
    this.#spelling = spellingOf(tokenizer, until);
    this.#unknown = tokenizer.unknown;
    this.#count = count;
    this.#cache = place.cache;
    // Tokens of subwords may span what is typed and what is not: it is spelt anew, from before the word.
    this.#half = this.#spelling.of(subwords ? tailOf(tokenizer, place) : place.half);
    this.#trimming = subwords && this.#half === place.half;
    const state = subwords ? place.word : place.now;
    const text = subwords ? "" : this.#half;
    if (!subwords) this.#mass = 1;
    this.#open.push({ probability: 1, text, state, token: null, ended: false });
  }

  /** Follows the likeliest path by a token. @returns whether there is more to find */
  expand(): boolean {
    const path = this.#pop();
    if (!path) return false;
    if (path.ended) {
      this.#words.set(path.text, (this.#words.get(path.text) ?? 0) + path.probability);
      return this.#words.size < this.#count || this.#open.some((open) => this.#isShort(open));
    }
    this.#follow(path);
    return true;
  }

  /** Whether a path does not hold all that is half typed. */
  #isShort({ text }: Path): boolean {
    return text.length < this.#half.length;
  }

  found(): Completion[] {
    for (const path of this.#open)
      if (path.ended) this.#words.set(path.text, (this.#words.get(path.text) ?? 0) + path.probability);
    const words = [...this.#words].sort((a, b) => b[1] - a[1]);
    const found: Completion[] = [];
    for (const [spelt, probability] of words) {
      const text = this.#spelling.text(spelt)?.trimStart();
      if (text) found.push({ text, probability: Math.min(1, probability / this.#mass) });
      if (found.length === this.#count) break;
    }
    if (found.length === 0) throw nothing(this.#spelling.text(this.#half) ?? this.#half);
    return found;
  }

  #pop(): Path | undefined {
    let best = 0;
    for (let i = 1; i < this.#open.length; i++)
      if (this.#open[i].probability > this.#open[best].probability) best = i;
    const [path] = this.#open.splice(best, 1);
    return path;
  }

  #follow(path: Path): void {
    const state = this.#read(path);
    const { probabilities } = this.#predictor;
    const missing = Math.max(0, this.#half.length - path.text.length);
    const branches: Path[] = [];
    let end = 0;
    for (let token = 0; token < probabilities.length; token++) {
      const piece = token === this.#unknown ? null : this.#piece(path, token);
      if (piece === null) continue;
      const probability = path.probability * probabilities[token];
      const cut = this.#spelling.end(piece, missing);
      if (cut === 0) end += probability;
      else {
        const text = path.text + (cut < 0 ? piece : piece.slice(0, cut));
        if (missing > 0 && piece.length >= missing) this.#mass += probability;
        branches.push({ probability, text, state, token, ended: cut > 0 });
      }
    }
    if (missing === 0 && path.text.trim() !== "")
      branches.push({ probability: end, text: path.text, state, token: null, ended: true });
    this.#keep(branches);
  }

  /** The likeliest, and all that do not hold what is half typed yet. */
  #keep(branches: Path[]): void {
    branches.sort((a, b) => b.probability - a.probability);
    const least = LEAST_SHARE * this.#mass;
    this.#open.push(
      ...branches.filter((path, i) => this.#isShort(path) || (i < MOST_BRANCHES && path.probability > least)),
    );
  }

  /** The state after a path, whose prediction the predictor then has. */
  #read({ state: before, token }: Path): Float32Array {
    const state = before.slice();
    this.#predictor.load(state);
    this.#predictor.owner = null;
    if (token !== null) this.#predictor.read(token);
    this.#predictor.save(state);
    this.#predictor.predict(this.#cache);
    return state;
  }

  /** What a token adds to a path; null where it does not go with what is half typed. */
  #piece({ text }: Path, token: number): string | null {
    let piece = this.#spelling.piece(token);
    if (this.#trimming && text === "") piece = piece.trimStart();
    if (piece === "") return null;
    const wanted = this.#half.slice(text.length);
    return piece.startsWith(wanted) || wanted.startsWith(piece) ? piece : null;
  }
}

/** Text as it is put together from tokens: bytes are spelt one character each. */
interface Spelling {
  of(text: string): string;
  piece(token: number): string;
  /** Where a word ends in a piece, behind so much of it; −1 for nowhere. */
  end(piece: string, after: number): number;
  /** null where bytes are not text. */
  text(spelt: string): string | null;
}

function spellingOf(tokenizer: Tokenizer, until: RegExp): Spelling {
  const search = (piece: string, after: number) => {
    const at = piece.slice(after).search(until);
    return at < 0 ? -1 : at + after;
  };
  if (tokenizer.kind !== "byte") {
    const textOf: TokenTexts = tokenTexts(tokenizer);
    return { of: (text) => text, piece: textOf, end: search, text: (spelt) => spelt };
  }
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  return {
    of: (text) => String.fromCharCode(...new TextEncoder().encode(text)),
    piece: (byte) => String.fromCharCode(byte),
    end: (piece, after) => (piece < "\x80" ? search(piece, after) : -1),
    text(spelt) {
      try {
        return decoder.decode(Uint8Array.from(spelt, (byte) => byte.charCodeAt(0)));
      } catch {
        return null;
      }
    },
  };
}
