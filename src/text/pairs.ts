/** @module Pairs of texts as tokens: each a document of source and target, of which the target is scored. */
import { requireChoice, requireInteger, SviError, wrongOption } from "../errors.ts";
import { type Kinds, requireOptions } from "../options.ts";
import { pause } from "../pause.ts";
import { frozen } from "../shapes.ts";
import { byteTokenizer } from "./byte.ts";
import { requireIds } from "./checks.ts";
import { learnTokenizer } from "./learn.ts";
import { PairLanes } from "./pairLanes.ts";
import { type Pair, type Pairs, pairsOf, type Side, wrongPairs } from "./pairSources.ts";
import { type Scoring, scoringOf } from "./scoring.ts";
import { MemoryStore, TokenCollector } from "./store.ts";
import type { DocumentCounts, LaneOptions, LaneReader, TokenStore } from "./tokens.ts";
import type { Tokenizer } from "./types.ts";

export interface PairOptions {
  /** One for both sides: a tokenizer, or "byte", or the kind of one that is learnt from all sources and targets. */
  tokenizer: Tokenizer | "byte" | "character" | "word";
  /** For a learnt tokenizer: symbols seen less often become unknown; default 1. */
  minimumCount?: number;
  /** For a learnt tokenizer: size of the vocabulary with its special ids, at most. */
  maximumVocabulary?: number;
  /** Stands between source and target, and in neither: one token; default "\t", of words "<sep>". */
  scoreAfter?: string;
  /** Stands before and after every document, and in none: one token; default "\n". */
  separator?: string;
  /** Timesteps of a document at most, those of its tokens and two more; default 1,024, at most 4,096. */
  longest?: number;
  /** What becomes of a longer one: "refuse", an error, by default; "omit" counts it in `documents.omitted`. */
  tooLong?: "refuse" | "omit";
  signal?: AbortSignal;
}

const OPTIONS: Kinds<PairOptions> = {
  tokenizer: "any",
  minimumCount: "number",
  maximumVocabulary: "number",
  scoreAfter: "string",
  separator: "string",
  longest: "number",
  tooLong: "string",
  signal: "signal",
};

/** What stands between words, which a tab does not. */
const WORD_SEPARATOR = "<sep>";
/** Tokens that are kept at most, and those after which the host has a turn. */
const MOST_TOKENS = 2 ** 30;
const PAUSE_TOKENS = 2 ** 20;
/** Characters of a text that a vocabulary is learnt from, at a time. */
const LEARN_CHARACTERS = 2 ** 20;

/** The tokens of all documents, each with the separator before and after it, which two of them share. */
export class PairStore extends MemoryStore implements TokenStore {
  readonly documents: DocumentCounts;
  readonly #ids: ConstructorParameters<typeof MemoryStore>[0];
  /** Places of the separators before documents, and of the last one. */
  readonly #starts: Int32Array;
  /** Tokens of the sources. */
  readonly #sources: Int32Array;

  constructor(
    ids: ConstructorParameters<typeof MemoryStore>[0],
    tokenizer: Tokenizer,
    starts: readonly number[],
    sources: readonly number[],
    documents: DocumentCounts,
  ) {
    super(ids, tokenizer);
    this.#ids = ids;
    this.#starts = Int32Array.from(starts);
    this.#sources = Int32Array.from(sources);
    this.documents = documents;
  }

  override async hash(from: number, to: number): Promise<string> {
    return `${await super.hash(from, to)}-pairs`;
  }

  lanes(options: LaneOptions): LaneReader {
    const { longest } = this.documents;
    return new PairLanes({ ids: this.#ids, starts: this.#starts, sources: this.#sources, longest }, options);
  }
}

/** @throws what `Corpus.pairs` does */
export async function readPairs(
  pairs: Pairs,
  options: PairOptions,
): Promise<{ store: PairStore; tokenizer: Tokenizer; scoring: Scoring }> {
  requireOptions("Corpus.pairs", options, OPTIONS);
  const { tooLong = "refuse", signal } = options;
  requireChoice("tooLong", tooLong, ["refuse", "omit"]);
  const most = requireInteger("longest", options.longest ?? 1024, 3, 4096);
  const [source, tokenizer] = await withTokenizer(pairsOf(pairs), options);
  const between = tokenizer.kind === "word" ? WORD_SEPARATOR : "\t";
  const scoring = scoringOf(tokenizer, options.scoreAfter ?? between, options.separator ?? "\n");
  const collector = new TokenCollector(tokenizer.vocabularySize, MOST_TOKENS);
  const [after, separator] = [Int32Array.of(scoring.after), Int32Array.of(scoring.separator)];
  const starts = [0];
  const sources: number[] = [];
  let [omitted, longest, paused] = [0, 0, 0];
  collector.add(separator);
  for await (const pair of source) {
    const own = sideOf(pair, "source", tokenizer, scoring);
    const target = sideOf(pair, "target", tokenizer, scoring);
    const steps = own.length + target.length + 2;
    if (steps > most) {
      if (tooLong === "refuse") throw longer(pair, steps, most);
      omitted++;
      continue;
    }
    for (const ids of [own, after, target, separator]) collector.add(ids);
    sources.push(own.length);
    starts.push(starts[starts.length - 1] + steps);
    longest = Math.max(longest, steps);
    if (starts[starts.length - 1] - paused < PAUSE_TOKENS) continue;
    paused = starts[starts.length - 1];
    await pause();
    signal?.throwIfAborted();
  }
  requireSome(sources.length, omitted);
  const documents = frozen({ count: sources.length, omitted, longest });
  const store = new PairStore(requireKept(collector), tokenizer, starts, sources, documents);
  return { store, tokenizer, scoring };
}

/** The pairs, which are read twice where the vocabulary is learnt, and what makes tokens of them. */
async function withTokenizer(
  source: AsyncIterable<Pair>,
  { tokenizer, minimumCount, maximumVocabulary, scoreAfter, signal }: PairOptions,
): Promise<[AsyncIterable<Pair> | Iterable<Pair>, Tokenizer]> {
  if (tokenizer === "byte") return [source, byteTokenizer()];
  if (tokenizer !== "character" && tokenizer !== "word") {
    if (typeof tokenizer?.encode === "function") return [source, tokenizer];
    throw wrongOption("tokenizer", tokenizer, 'a tokenizer, or "byte", "character" or "word"');
  }
  const kept: Pair[] = [];
  const texts: string[] = [""];
  const between = scoreAfter ?? (tokenizer === "word" ? ` ${WORD_SEPARATOR} ` : "\t");
  for await (const pair of source) {
    kept.push(pair);
    texts[texts.length - 1] += `${pair.source}${between}${pair.target}\n`;
    if (texts[texts.length - 1].length < LEARN_CHARACTERS) continue;
    texts.push("");
    signal?.throwIfAborted();
  }
  requireSome(kept.length, 0);
  const options = { kind: tokenizer, minimumCount, maximumVocabulary, signal };
  return [kept, await learnTokenizer(texts, options)];
}

/** The tokens of a side. @throws SviError `E_PAIRS`, `E_UNKNOWN_SYMBOL`, `E_TOKEN_RANGE` */
function sideOf(pair: Pair, side: Side, tokenizer: Tokenizer, { after, separator }: Scoring): Int32Array {
  let ids: Int32Array;
  try {
    ids = tokenizer.encode(pair[side]);
    requireIds(ids, tokenizer.vocabularySize);
  } catch (error) {
    if (!(error instanceof SviError)) throw error;
    const { code, problem, value, remedy } = error;
    throw new SviError(code, `${pair.where(side)}: ${problem}`, { value, remedy, cause: error });
  }
  for (const [name, id] of [
    ["scoreAfter", after],
    ["separator", separator],
  ] as const)
    if (ids.includes(id))
      throw wrongPairs(
        `${pair.where(side)}: the ${side} holds the ${name} symbol`,
        pair[side],
        `Take it out, or choose another symbol for ${name}`,
      );
  if (side === "target" && ids.length === 0)
    throw wrongPairs(`${pair.where(side)}: the target is empty`, pair[side], "Omit the pair, or fill it");
  return ids;
}

function longer(pair: Pair, steps: number, most: number): SviError {
  return new SviError(
    "E_TEXT_LONG",
    `${pair.where()}: the document has ${steps} timesteps, and ${most} are the most`,
    {
      option: "longest",
      value: steps,
      remedy: 'Raise longest, or omit such documents with tooLong "omit"',
    },
  );
}

function requireSome(count: number, omitted: number): void {
  if (count > 0) return;
  throw new SviError(
    "E_TEXT_EMPTY",
    omitted > 0 ? `All ${omitted} pairs are too long` : "There are no pairs",
    {
      value: omitted,
      remedy: omitted > 0 ? "Raise longest" : "Give at least one pair",
    },
  );
}

function requireKept(collector: TokenCollector) {
  const ids = collector.finish();
  if (ids) return ids;
  throw new SviError("E_MEMORY", `The pairs have more than ${MOST_TOKENS} tokens`, {
    value: MOST_TOKENS,
    remedy: "Train on them in parts",
  });
}
