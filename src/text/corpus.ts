/** @module A corpus: a text as tokens, counted, checked and ready to be read in lanes. */
import { requireChoice, requireInteger, requireNumber, SviError, wrongOption } from "../errors.ts";
import { type Kinds, requireList, requireNoMore, requireOptions } from "../options.ts";
import { frozen } from "../shapes.ts";
import { BLOCK_BYTES } from "./blocks.ts";
import { byteTokenizer } from "./byte.ts";
import { requireIds, requireTokenizer } from "./checks.ts";
import { JoinedStore } from "./joined.ts";
import { ContiguousLanes } from "./lanes.ts";
import { learnTokenizer } from "./learn.ts";
import type { Pairs } from "./pairSources.ts";
import { type PairOptions, readPairs } from "./pairs.ts";
import { scan } from "./scan.ts";
import { countScored, type Documents, type Scoring, scoringOf } from "./scoring.ts";
import { type LineEnds, openBytes, type TextSource } from "./source.ts";
import { idArray, MemoryStore } from "./store.ts";
import { bufferStream, onlyOnce, StreamStore, type TextStream } from "./stream.ts";
import type { DocumentCounts, LaneOptions, LaneReader, TokenStore } from "./tokens.ts";
import type { Tokenizer } from "./types.ts";

export type { LaneOptions, LaneReader } from "./tokens.ts";

export interface CorpusOptions {
  /** A tokenizer, or "byte", or the kind of one that is learnt from the whole text, in a pass of its own. */
  tokenizer: Tokenizer | "byte" | "character" | "word";
  /** For a learnt tokenizer: symbols seen less often become unknown; default 1. */
  minimumCount?: number;
  /** For a learnt tokenizer: size of the vocabulary with its special ids, at most. */
  maximumVocabulary?: number;
  /** "lf" reads `\r\n` and lone `\r` as `\n`; default "keep". */
  lineEnds?: LineEnds;
  /**
   * In every document, what comes up to and with this symbol is read and not scored: neither in `fit` nor in
   * `evaluate`. One token of the vocabulary, such as "\t"; none by default.
   */
  scoreAfter?: string;
  /** With `scoreAfter`: the symbol that ends a document; default "\n". States are reset before the next one. */
  separator?: string;
  /** First token of the text to take; default 0. */
  start?: number;
  /** The token after the last one to take; default: the end of the text. */
  end?: number;
  /** Up to so many tokens are kept in memory, of more only an index; default 2²⁴. */
  cacheTokens?: number;
  /** Bytes tokenised at a time; changes memory and speed, never a token; default 16,384. */
  blockBytes?: number;
  /** Tokens between two entries of the index; default 65,536. */
  anchorTokens?: number;
  signal?: AbortSignal;
}

export interface StreamOptions {
  tokenizer: Tokenizer;
  /** Number of tokens in the stream; another number is an error at its end. */
  tokens: number;
  /**
   * "contiguous-buffered" reads it into memory, up to `cacheTokens`, and then it is a corpus like any other.
   * "interleaved" needs next to no memory, but is read once, and with more than one lane consecutive windows
   * of `sequence` tokens go to the lanes in turn, so that state carried from one minibatch to the next
   * belongs to another place in the text.
   */
  lanes: "contiguous-buffered" | "interleaved";
  lineEnds?: LineEnds;
  cacheTokens?: number;
  blockBytes?: number;
  signal?: AbortSignal;
}

const OPTIONS: Kinds<CorpusOptions> = {
  tokenizer: "any",
  minimumCount: "number",
  maximumVocabulary: "number",
  lineEnds: "string",
  scoreAfter: "string",
  separator: "string",
  start: "number",
  end: "number",
  cacheTokens: "number",
  blockBytes: "number",
  anchorTokens: "number",
  signal: "signal",
};

/** Tokens of a text for one that is rehearsed, at most. */
const REHEARSED = 3;

const STREAM: Kinds<StreamOptions> = {
  tokenizer: "any",
  tokens: "number",
  lanes: "string",
  lineEnds: "string",
  cacheTokens: "number",
  blockBytes: "number",
  signal: "signal",
};

const LANES: Kinds<LaneOptions> = {
  batch: "number",
  sequence: "number",
  partial: "boolean",
  shuffle: "number",
};

/** An immutable sequence of tokens of one tokenizer. */
export class Corpus {
  readonly tokenizer: Tokenizer;
  /** Number of tokens. */
  readonly tokens: number;
  /** Which targets are scored; null where all are. */
  readonly scoring: Scoring | null;
  readonly #store: TokenStore;
  readonly #from: number;
  #bytes: number | undefined;
  #fingerprint: Promise<string> | undefined;
  #scored: Promise<number> | undefined;

  private constructor(
    store: TokenStore,
    tokenizer: Tokenizer,
    from: number,
    to: number,
    scoring: Scoring | null = null,
  ) {
    this.scoring = scoring && frozen({ ...scoring });
    this.#store = store;
    this.tokenizer = tokenizer;
    this.#from = from;
    this.tokens = to - from;
  }

  /** Vue and its like leave it as it is: a proxy of it would have no private fields. */
  get [Symbol.toStringTag](): string {
    return "Corpus";
  }

  /** Of a corpus of pairs, how many documents it has; null for any other. */
  get documents(): DocumentCounts | null {
    return this.#store.documents ?? null;
  }

  /**
   * Reads a text once from end to end (twice where the vocabulary is learnt). Several texts are read one
   * after the other; where one does not end in a line end, a `\n` is put behind it.
   *
   * Up to `cacheTokens` tokens stay in memory and the text is no longer needed; a larger text has to stay
   * readable and unchanged as long as the corpus is in use. Both give exactly the same minibatches.
   *
   * @throws E_TEXT_EMPTY, E_TEXT_SHORT (for `end`), E_TEXT_ENCODING, E_UNKNOWN_SYMBOL, E_TOKEN_RANGE,
   *   E_TOKENIZER, E_OPTION, what the source throws, and the signal's reason
   */
  static async open(source: TextSource | readonly TextSource[], options: CorpusOptions): Promise<Corpus> {
    requireOptions("Corpus.open", options, OPTIONS);
    const { signal, end } = options;
    const start = requireInteger("start", options.start ?? 0, 0, Number.MAX_SAFE_INTEGER);
    if (end !== undefined) requireInteger("end", end, start + 1, Number.MAX_SAFE_INTEGER);
    const { lineEnds, cacheTokens, blockBytes } = reading(options);
    const anchorTokens = requireInteger("anchorTokens", options.anchorTokens ?? 65536, 1);
    const bytes = await openBytes(source);
    const tokenizer = await chooseTokenizer(bytes, { ...options, lineEnds });
    const range = { tokenizer, lineEnds, start, end, cacheTokens, blockBytes, anchorTokens, signal };
    const store = await scan(bytes, range);
    if (options.scoreAfter === undefined) {
      if (options.separator !== undefined) throw needsScoreAfter(options.separator);
      return new Corpus(store, tokenizer, 0, store.tokens);
    }
    const scoring = scoringOf(tokenizer, options.scoreAfter, options.separator ?? "\n");
    const corpus = new Corpus(store, tokenizer, 0, store.tokens, scoring);
    await corpus.scored();
    return corpus;
  }

  /**
   * A corpus of tokens that are at hand already; they are copied.
   *
   * @throws E_TOKEN_RANGE for an id outside of the vocabulary, E_TEXT_EMPTY for none
   */
  static fromTokens(ids: ArrayLike<number>, tokenizer: Tokenizer): Corpus;
  static fromTokens(ids: ArrayLike<number>, tokenizer: Tokenizer, ...more: unknown[]): Corpus {
    requireNoMore("Corpus.fromTokens", more);
    requireIds(ids, requireTokenizer(tokenizer).vocabularySize);
    if (ids.length === 0)
      throw new SviError("E_TEXT_EMPTY", "There are no tokens", {
        value: 0,
        remedy: "Give at least one token",
      });
    const copy = idArray(tokenizer.vocabularySize, ids.length);
    copy.set(ids);
    return new Corpus(new MemoryStore(copy, tokenizer), tokenizer, 0, ids.length);
  }

  /**
   * A corpus of texts and what is to become of them: sentences and their translations, words and their sounds. A pair
   * is a document: separator, source, `scoreAfter`, target, separator. Only the target, with the separator behind it,
   * is scored. Windows hold a document a lane, those of like length together, in another order in every epoch; its
   * state begins anew. The tokens are kept in memory.
   *
   * ```ts
   * const pairs = [["one", "1"], ["two", "2"], ["three", "3"]] as const;
   * const corpus = await Corpus.pairs(pairs, { tokenizer: "character" });
   * console.log(corpus.documents?.count, await corpus.scored());
   * ```
   *
   * @param pairs an iterable of [source, target]; two texts, `{ source, target }`, line by line; or one text of lines,
   *   with a tab between source and target
   * @throws E_PAIRS for what is not a pair: an empty target, a symbol of the document inside it, texts of different
   *   numbers of lines; E_TEXT_LONG for a document longer than `longest`; E_TEXT_EMPTY, E_TEXT_ENCODING,
   *   E_UNKNOWN_SYMBOL, E_OPTION, what the source throws, and the signal's reason
   */
  static async pairs(pairs: Pairs, options: PairOptions): Promise<Corpus> {
    const { store, tokenizer, scoring } = await readPairs(pairs, options);
    return new Corpus(store, tokenizer, 0, store.tokens, scoring);
  }

  /**
   * A corpus of a text that can be read only once, such as a response's body.
   *
   * @throws E_TEXT_SHORT and E_TEXT_CHANGED where the stream has fewer or more tokens than it was said to:
   *   here for buffered lanes, from the lanes' `next` for interleaved ones; E_OPTION for more tokens than
   *   `cacheTokens` to buffer, and for slices, a second reader or an earlier window of interleaved ones
   */
  static async fromStream(stream: TextStream, options: StreamOptions): Promise<Corpus> {
    const { lanes, signal } = requireOptions("Corpus.fromStream", options, STREAM);
    const tokenizer = requireTokenizer(options.tokenizer);
    const { lineEnds, cacheTokens, blockBytes } = reading(options);
    const rules = ["contiguous-buffered", "interleaved"] as const;
    const buffered = requireChoice("lanes", lanes, rules) === "contiguous-buffered";
    const most = buffered ? cacheTokens : Number.MAX_SAFE_INTEGER;
    const tokens = requireInteger("tokens", options.tokens, 1, most);
    const text = { stream, tokenizer, tokens, lineEnds, blockBytes, signal };
    const store = buffered ? await bufferStream(text) : new StreamStore(text);
    return new Corpus(store, tokenizer, 0, tokens);
  }

  /**
   * Length of the text in bytes of UTF-8, after the treatment of line ends.
   *
   * Exact for a whole text, and for bytes always. For a part it is the length of what its tokens decode to
   * or, where they are not in memory, interpolated from the index. For a stream, of what has been read.
   */
  get bytes(): number {
    if (this.#store.lanes) return this.#store.bytes(0, this.tokens);
    this.#bytes ??= this.#store.bytes(this.#from, this.#from + this.tokens);
    return this.#bytes;
  }

  /**
   * Hash of the token ids, 16 hexadecimal digits, and what is scored of them: the same tokens have the same one, however they are kept.
   *
   * @throws E_TEXT_CHANGED where the text has to be read again and is not the one that was opened
   */
  fingerprint(): Promise<string> {
    this.#fingerprint ??= this.#hash().catch((error) => {
      this.#fingerprint = undefined;
      throw error;
    });
    return this.#fingerprint;
  }

  async #hash(): Promise<string> {
    const hash = await this.#store.hash(this.#from, this.#from + this.tokens);
    return this.scoring ? `${hash}-${this.scoring.after}-${this.scoring.separator}` : hash;
  }

  /**
   * Number of targets that are scored: all tokens but the first, or those that `scoreAfter` leaves.
   *
   * @throws E_OPTION for a document that lacks the symbol
   */
  scored(): Promise<number> {
    const { scoring } = this;
    this.#scored ??= scoring
      ? countScored(this.#store, scoring, this.#from, this.#from + this.tokens)
      : Promise.resolve(this.tokens - 1);
    return this.#scored;
  }

  /**
   * Minibatches over the whole corpus. With N tokens a lane is L = ⌊(N − 1) / batch⌋ long; lane b's inputs
   * are the tokens bL … bL + L − 1 and its targets the same shifted by one.
   *
   * @throws E_TEXT_SHORT where there is not one full window, E_OPTION
   */
  lanes(options: LaneOptions): LaneReader {
    requireOptions("lanes", options, LANES);
    if (this.#store.lanes) return this.#store.lanes(options);
    return new ContiguousLanes(this.#store, this.#from, this.#from + this.tokens, options, this.scoring);
  }

  /**
   * The same tokens, of which only what a model's documents let is scored; itself where it says so itself.
   *
   * @throws E_OPTION for a document that lacks the symbol, or a stream that is read once
   */
  async heeding(documents: Documents | null): Promise<Corpus> {
    const after = documents?.after ?? null;
    if (!documents || after === null || this.scoring) return this;
    if (this.#store.lanes) throw onlyOnce("The model scores a part of every document");
    const { separator } = documents;
    const to = this.#from + this.tokens;
    const corpus = new Corpus(this.#store, this.tokenizer, this.#from, to, { after, separator });
    await corpus.scored();
    return corpus;
  }

  /**
   * The tokens `from … to − 1` as a corpus of their own, sharing the text.
   *
   * @throws E_OPTION for an empty range or one that is not within the corpus
   */
  slice(from: number, to?: number): Corpus;
  slice(from: number, to: number = this.tokens, ...more: unknown[]): Corpus {
    requireNoMore("slice", more);
    if (this.documents)
      throw new SviError("E_OPTION", "A corpus of pairs has no parts by tokens", {
        value: from,
        remedy: "Open each part of the pairs as a corpus, with one tokenizer",
      });
    if (this.#store.lanes) throw onlyOnce("It has no parts");
    requireInteger("from", from, 0, this.tokens - 1);
    requireInteger("to", to, from + 1, this.tokens);
    return new Corpus(this.#store, this.tokenizer, this.#from + from, this.#from + to, this.scoring);
  }

  /**
   * This text with another one behind it that is to be kept in mind, as often as it takes to be a third of this one.
   * Lanes read both side by side, so that every step of a run learns from both.
   *
   * @throws E_OPTION for pairs, a stream that is read once, and tokens of another tokenizer
   * @example fit(model, notes.rehearsing(book.slice(0, 100_000)))
   */
  rehearsing(memory: Corpus): Corpus {
    if (
      [this, memory].some((one) => one.#store.lanes) ||
      memory.tokenizer.vocabularySize !== this.tokenizer.vocabularySize
    )
      throw new SviError("E_OPTION", "Other tokens, pairs and streams cannot be rehearsed", {
        option: "rehearse",
        remedy: "Open both texts with one tokenizer",
      });
    const partOf = (one: Corpus) => ({ store: one.#store, from: one.#from, to: one.#from + one.tokens });
    const times = Math.ceil(this.tokens / (REHEARSED * memory.tokens));
    const store = new JoinedStore([partOf(this), ...Array.from({ length: times }, () => partOf(memory))]);
    return new Corpus(store, this.tokenizer, 0, store.tokens, this.scoring);
  }

  /**
   * Consecutive parts, each with its fraction of the tokens: `split([0.9, 0.1])`.
   *
   * @throws E_OPTION for fractions that are not positive or sum to more than 1, E_TEXT_SHORT where a part
   *   would be empty
   */
  split(fractions: readonly number[]): Corpus[];
  split(fractions: readonly number[], ...more: unknown[]): Corpus[] {
    requireNoMore("split", more);
    let sum = 0;
    let from = 0;
    return Array.from(requireList(fractions, "fractions")).map((fraction, i) => {
      sum += requireNumber(`Fraction ${i}`, fraction, "a number above 0, at most 1", (f) => f > 0 && f <= 1);
      requireNumber("The sum of the fractions", sum, "fractions that sum to at most 1", (s) => s <= 1 + 1e-9);
      const to = Math.min(this.tokens, Math.round(sum * this.tokens));
      if (to <= from)
        throw new SviError("E_TEXT_SHORT", `Part ${i} of ${this.tokens} tokens would be empty`, {
          value: { needed: Math.ceil(1 / fraction), available: this.tokens },
          remedy: "Give a longer text, or larger fractions",
        });
      const part = this.slice(from, to);
      from = to;
      return part;
    });
  }
}

function needsScoreAfter(separator: string): SviError {
  return new SviError("E_OPTION", "separator applies only with scoreAfter", {
    option: "separator",
    value: separator,
    remedy: "Give scoreAfter as well, or the separator's id to fit and evaluate",
  });
}

/** The options that opening a text and taking a stream share. */
function reading({
  lineEnds = "keep",
  cacheTokens = 2 ** 24,
  blockBytes = BLOCK_BYTES,
}: Partial<CorpusOptions>) {
  requireChoice("lineEnds", lineEnds, ["keep", "lf"]);
  requireInteger("cacheTokens", cacheTokens, 0, 2 ** 30);
  requireInteger("blockBytes", blockBytes, 8, 2 ** 24);
  return { lineEnds, cacheTokens, blockBytes };
}

async function chooseTokenizer(
  source: TextSource,
  options: CorpusOptions & { lineEnds: LineEnds },
): Promise<Tokenizer> {
  const { tokenizer, minimumCount, maximumVocabulary, lineEnds, signal } = options;
  if (tokenizer === "byte") return byteTokenizer();
  if (tokenizer === "character" || tokenizer === "word")
    return learnTokenizer(source, { kind: tokenizer, minimumCount, maximumVocabulary, lineEnds, signal });
  if (typeof tokenizer?.encode === "function") return tokenizer;
  throw wrongOption("tokenizer", tokenizer, 'a tokenizer, or "byte", "character" or "word"');
}
