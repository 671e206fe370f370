/** @module How likely each of many texts is, every text a document of its own: read side by side, given in order. */

import { counted, requireInteger, SviError, wrongOption } from "../errors.ts";
import { PREDICTION } from "../kernels/calls.ts";
import { prepareKernels } from "../kernels/kernels.ts";
import { seedOf } from "../kernels/random.ts";
import { drive } from "../kernels/slices.ts";
import { requireToken } from "../model/checks.ts";
import { Remembered } from "../model/remembered.ts";
import { type Kinds, requireOptions } from "../options.ts";
import { tokenOffsets } from "../text/offsets.ts";
import { scoredPositions } from "../text/scoring.ts";
import type { Tokenizer } from "../text/types.ts";
import type { Background } from "./background.ts";
import { requireForm } from "./ensemble.ts";
import {
  beginning,
  type Model,
  nothingScored,
  PREDICTING,
  requireModel,
  requirePrediction,
  requireSamples,
} from "./model.ts";
import type { BatchProducts } from "./products.ts";
import { createReader, type Record as Figures } from "./reader.ts";
import type { ScoredToken, ScoreOptions } from "./score.ts";
import { type Surprise, surpriseOf } from "./surprise.ts";
import { compareTokens } from "./trie.ts";
import { type Texts, windows } from "./windows.ts";

export type { Texts } from "./windows.ts";

export interface ScoreAllOptions extends Omit<ScoreOptions, "cache"> {
  /** Whether every token's own figures are wanted: `scores`. */
  readonly tokens?: boolean;
  /** Whether a text that cannot be scored ends all of them; else it gives a `TextFailure` in its place. */
  readonly strict?: boolean;
  /** UTF-16 code units of a text at most, 2²⁰ by default: a longer one is an error, before memory is. */
  readonly longest?: number;
  /** What counted an ordinary text, such as the model's own: `surprise` tells unusual texts better with it. */
  readonly background?: Background;
  /** Whether beginnings that texts share are read once, as they are by default; scores are the same. */
  readonly sharing?: boolean;
  /** `int16Products()`: faster, and almost as exact; float32 by default. */
  readonly products?: BatchProducts;
}

const OPTIONS: Kinds<ScoreAllOptions> = {
  context: "string",
  background: "object",
  tokens: "boolean",
  strict: "boolean",
  longest: "number",
  sharing: "boolean",
  products: "object",
  ...PREDICTING,
};

/** A text's figures; nats unless said otherwise. */
export interface TextScore {
  /** Place of the text among those given, from 0. */
  readonly index: number;
  readonly error: null;
  /**
   * Sum over the scored tokens: every token after the first, or all of them after a context, or where the model knows
   * of documents; of these only what it was trained to score.
   */
  readonly logProbability: number;
  /** Scored tokens. */
  readonly tokens: number;
  /** Those of them that stand for symbols outside of the vocabulary. */
  readonly unknown: number;
  /** Of the scored tokens' text; null where an unknown token stands for part of it. */
  readonly bitsPerByte: number | null;
  /** How unusual the text is, in nats a token beyond what its tokens by themselves are: see surprise.ts. */
  readonly surprise: number;
  /** Mean over the tokens; 0 for the mean alone. */
  readonly mutualInformation: number;
  readonly mostMutualInformation: number;
  /** The least likely token. */
  readonly worst: ScoredToken;
  /** Where `tokens` was asked for. */
  readonly scores?: readonly ScoredToken[];
}

/** A text that could not be scored. */
export interface TextFailure {
  readonly index: number;
  readonly error: SviError;
}

interface Prepared {
  readonly index: number;
  readonly text: string;
  readonly ids: Int32Array;
  /** Positions of the scored tokens, at least one. */
  readonly scored: readonly number[];
  /** [ids, FIGURES]. */
  readonly figures: Float64Array;
}

/** A token's figures in a row of `FIGURES`. */
const FIGURES = 3;

/**
 * Scores texts as they come, with memory for a window of them: as `score` does one by one, bit for bit.
 * @throws SviError `E_OPTION`, `E_MEMORY`, `E_DIVERGED`; `E_TEXT_SOURCE` with the index where the texts' source
 *   fails; with `strict` what is wrong with a text: `E_TEXT_SHORT`, `E_TEXT_LONG`, `E_UNKNOWN_SYMBOL`, `E_OPTION`;
 *   the signal's reason when aborted. What was scored before has been given
 * @example for await (const { index, surprise } of scoreAll(model, lines)) if (surprise > 3) console.log(lines[index]);
 */
export async function* scoreAll(
  model: Model,
  texts: Texts,
  options: ScoreAllOptions = {},
): AsyncGenerator<TextScore | TextFailure, void, void> {
  requireModel(model);
  requireOptions("scoreAll", options, OPTIONS);
  const samples = requireSamples(model.posterior, options.samples ?? 0);
  const seed = seedOf(requireInteger("seed", options.seed ?? 1, 0, Number.MAX_SAFE_INTEGER));
  const longest = requireInteger("longest", options.longest ?? 2 ** 20, 1, 2 ** 28);
  const { signal, strict = false, context = "", products } = options;
  if (products) requireProducts(products, options);
  const before = beginning(model, context);
  const source = windows(texts, signal);
  await prepareKernels(products?.set ?? PREDICTION, options.kernels);
  const reader = createReader(model.posterior, samples, { ...options, ...requireForm(options) });
  let index = 0;
  try {
    const surprise = surpriseOf(model, options.background, reader.kernels);
    await drive(reader.begin(seed, before), signal);
    for await (const window of source) {
      const prepared = window.map((text, i) => prepare(model, text, index + i, longest, before));
      index += window.length;
      // Texts before a bad one are scored and given before it ends the others.
      const bad = strict ? prepared.findIndex((each) => "error" in each) : -1;
      const wanted = bad < 0 ? prepared : prepared.slice(0, bad);
      const parts = wanted
        .flatMap((each) => ("ids" in each ? documentsIn(model, each) : []))
        .sort((a, b) => compareTokens(a.ids, b.ids));
      const ids = parts.map((part) => part.ids);
      await drive(reader.read(ids, recordIn(parts.map(({ figures }) => figures))), signal);
      for (const each of wanted) yield "ids" in each ? result(model, each, surprise, options.tokens) : each;
      if (bad >= 0) throw (prepared[bad] as TextFailure).error;
    }
  } finally {
    await source.return();
    reader.release();
  }
}

/** @throws SviError `E_OPTION` for what `int16Products` did not return, and for forms that have products of their own */
function requireProducts(products: BatchProducts, { quantized, sampling }: ScoreAllOptions): void {
  if (products.kind !== "products") throw wrongOption("products", products, "int16Products()");
  if (!quantized && sampling !== "flipout") return;
  throw new SviError("E_OPTION", "8 bits and Flipout have products of their own", {
    option: "products",
    value: quantized ?? sampling,
    remedy: "Omit products",
  });
}

function recordIn(figures: readonly Float64Array[]): Figures {
  return (from, to, position, { logProbability, entropy, mutualInformation }) => {
    for (let i = from; i < to; i++) {
      const own = figures[i];
      own[FIGURES * position] = logProbability;
      own[FIGURES * position + 1] = entropy;
      own[FIGURES * position + 2] = mutualInformation;
    }
  };
}

/**
 * The documents of a text, each after what stands before all texts: a separator in the text begins another one.
 * @returns tokens, and where their figures go
 */
function documentsIn({ documents }: Model, { ids, figures }: Prepared) {
  const parts: { readonly ids: Int32Array; readonly figures: Float64Array }[] = [];
  for (let from = 0; from < ids.length; ) {
    const end = documents ? ids.indexOf(documents.separator, from) : -1;
    const to = end < 0 ? ids.length : end + 1;
    parts.push({ ids: ids.subarray(from, to), figures: figures.subarray(FIGURES * from, FIGURES * to) });
    from = to;
  }
  return parts;
}

/** @param before tokens that stand before all texts */
function prepare(
  model: Model,
  text: unknown,
  index: number,
  longest: number,
  before: Int32Array,
): Prepared | TextFailure {
  const { tokenizer, posterior, documents = null } = model;
  const least = before.length > 0 ? 1 : 2;
  try {
    if (typeof text !== "string")
      throw new SviError(
        "E_OPTION",
        `Text ${index} is ${text === null ? "null" : `of type ${typeof text}`}`,
        {
          value: text,
          remedy: "Give strings",
        },
      );
    if (text.length > longest)
      throw new SviError(
        "E_TEXT_LONG",
        `Text ${index} has ${text.length} characters, and ${longest} are the most`,
        {
          value: text.length,
          remedy: "Raise `longest`, or use evaluate() for a text that is a whole corpus",
        },
      );
    const ids = tokenizer.encode(text);
    if (ids.length < least)
      throw new SviError("E_TEXT_SHORT", `Text ${index} has ${counted(ids.length, "token")}`, {
        value: ids.length,
        remedy:
          least === 1
            ? "Leave empty texts out"
            : "Give at least two tokens, since the first is what the second is predicted from, or a `context`",
      });
    const { vocabulary, attention } = posterior.configuration;
    const remembered = attention && new Remembered(attention);
    for (const id of ids) {
      requireToken(id, vocabulary);
      remembered?.read(id);
    }
    if (documents && before.length > 1 && ids.subarray(0, -1).includes(documents.separator))
      throw new SviError("E_OPTION", `Text ${index} has several documents, and a context stands before one`, {
        option: "context",
        value: text,
        remedy: "Give each document as a text",
      });
    const scored = scoredPositions(documents, before, ids, least - 1);
    if (scored.length === 0) throw nothingScored(model, text);
    return { index, text, ids, scored, figures: new Float64Array(FIGURES * ids.length) };
  } catch (error) {
    if (!(error instanceof SviError)) throw error;
    return { index, error: withIndex(error, index) };
  }
}

function withIndex(error: SviError, index: number): SviError {
  const prefix = `Text ${index}`;
  if (error.message.startsWith(prefix)) return error;
  return new SviError(error.code, `${prefix}: ${error.problem}`, {
    value: error.value,
    remedy: error.remedy,
    cause: error,
  });
}

function result(
  { tokenizer }: Model,
  { index, text, ids, scored, figures }: Prepared,
  surprise: Surprise,
  wanted = false,
): TextScore {
  const tokens = scored.length;
  const [first] = scored;
  let [logProbability, information, mostInformation, unknown, worst] = [0, 0, 0, 0, first];
  for (const t of scored) {
    const own = figures[FIGURES * t];
    logProbability += own;
    information += figures[FIGURES * t + 2];
    mostInformation = Math.max(mostInformation, figures[FIGURES * t + 2]);
    if (own < figures[FIGURES * worst]) worst = t;
    if (ids[t] === tokenizer.unknown) unknown++;
  }
  requirePrediction(logProbability);
  const offsets = tokenOffsets(tokenizer, text, ids);
  const tokenAt = (t: number): ScoredToken => ({
    token: ids[t],
    start: offsets[2 * t],
    end: offsets[2 * t + 1],
    logProbability: figures[FIGURES * t],
    entropy: figures[FIGURES * t + 1],
    mutualInformation: figures[FIGURES * t + 2],
  });
  const bytes = scoredBytes(
    tokenizer.kind === "byte" ? tokens : null,
    text,
    first === 0 ? 0 : offsets[2 * first - 1],
  );
  return {
    index,
    error: null,
    logProbability,
    tokens,
    unknown,
    bitsPerByte:
      unknown > 0 || bytes === 0 || first + tokens < ids.length || !keepsText(tokenizer)
        ? null
        : -logProbability / (Math.LN2 * bytes),
    surprise: surprise(ids, (t) => figures[FIGURES * t], scored, text),
    mutualInformation: information / tokens,
    mostMutualInformation: mostInformation,
    worst: tokenAt(worst),
    ...(wanted && { scores: scored.map(tokenAt) }),
  };
}

/** Whether its tokens hold all of a text; those of words do not hold the spaces. */
const keepsText = ({ kind, lossless }: Tokenizer) => lossless || kind === "character";

/** Bytes of UTF-8 of a text from an offset on. */
function scoredBytes(known: number | null, text: string, from: number): number {
  if (known !== null) return known;
  let bytes = 0;
  for (let i = from; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    // Each half of a surrogate pair stands for two of its four bytes.
    bytes += unit < 0x80 ? 1 : unit < 0x800 || (unit >= 0xd800 && unit < 0xe000) ? 2 : 3;
  }
  return bytes;
}
