/** @module Text from a model, piece by piece, each token with the uncertainty it was chosen under. */

import { requireInteger, SviError } from "../errors.ts";
import { PREDICTION } from "../kernels/calls.ts";
import { type Kernels, prepareKernels } from "../kernels/kernels.ts";
import { seedOf } from "../kernels/random.ts";
import { drive } from "../kernels/slices.ts";
import { type Kinds, requireOptions } from "../options.ts";
import { pause } from "../pause.ts";
import { type TextPieces, textPieces } from "../text/pieces.ts";
import type { Tokenizer } from "../text/types.ts";
import type { CachedForm } from "./ensemble.ts";
import { type Model, PREDICTING, requireModel } from "./model.ts";
import { Predictor } from "./predictor.ts";
import { Sampler, type SamplerOptions } from "./sampler.ts";
import { StopStrings } from "./stop.ts";

export interface GenerateOptions extends SamplerOptions, CachedForm {
  /** Text to continue, a document's beginning where the model knows of documents; none begins as the training text does. */
  readonly prompt?: string;
  /** Tokens to write, 200 by default; fewer where a document ends of which only a part is scored. */
  readonly tokens?: number;
  /** A text ends before the first of these strings, however its tokens cut it. */
  readonly stop?: string | readonly string[];
  /** Texts to write one after the other, 1 by default; text n is what the seed + n writes. */
  readonly count?: number;
  /** Posterior samples whose predictions are averaged; 0 for the mean. */
  readonly samples?: number;
  readonly seed?: number;
  readonly signal?: AbortSignal;
  readonly memoryLimit?: number;
  /** What computes: the entry point's own by default. */
  readonly kernels?: Kernels;
}

/**
 * A token and the text that became whole with it: none where a character, or what may become a stop string, spans
 * several tokens. Joined, the texts continue the prompt.
 */
export interface Piece {
  readonly token: number;
  readonly text: string;
  /** Probability that the token had, before temperature, top-k and top-p. */
  readonly probability: number;
  /** Entropy of the prediction, in nats. */
  readonly entropy: number;
  readonly mutualInformation: number;
  /** Which text it belongs to, from 0 on. */
  readonly index: number;
}

/** What comes before a text that begins: a document's separator, a line's end, or where there is none the first id. */
export function opening({ tokenizer, documents }: Model): Int32Array {
  if (documents) return Int32Array.of(documents.separator);
  if (tokenizer.endOfLine !== null) return Int32Array.of(tokenizer.endOfLine);
  const encoded = tokenizer.kind === "json" ? tokenizer.encode("\n") : new Int32Array();
  return encoded.length > 0 ? encoded : Int32Array.of(0);
}

const OPTIONS: Kinds<GenerateOptions> = {
  prompt: "string",
  tokens: "number",
  temperature: "number",
  topK: "number",
  topP: "number",
  exclude: "object",
  stop: "any",
  count: "number",
  cache: "any",
  ...PREDICTING,
};

/**
 * Writes text that continues the prompt. The same seed, prompt and options give the same text on every runtime.
 * @throws SviError `E_OPTION`, `E_UNKNOWN_SYMBOL`, `E_MEMORY`; the signal's reason when aborted
 * @example
 * for await (const { text } of generate(model, { prompt: "Call me", stop: "\n" })) process.stdout.write(text);
 */
export async function* generate(
  model: Model,
  options: GenerateOptions = {},
): AsyncGenerator<Piece, void, void> {
  requireModel(model);
  requireOptions("generate", options, OPTIONS);
  const count = requireInteger("count", options.count ?? 1, 1);
  const first = requireInteger("seed", options.seed ?? 1, 0, Number.MAX_SAFE_INTEGER - count);
  for (let index = 0; index < count; index++) yield* write(model, options, first + index, index);
}

async function* write(
  model: Model,
  options: GenerateOptions,
  number: number,
  index: number,
): AsyncGenerator<Piece, void, void> {
  const { tokenizer, posterior, documents } = model;
  const { signal } = options;
  const count = requireInteger("tokens", options.tokens ?? 200, 0);
  const seed = seedOf(number);
  const prompt = options.prompt ? tokenizer.encode(options.prompt) : opening(model);
  if (prompt.length === 0)
    throw new SviError("E_TEXT_EMPTY", "The prompt holds no tokens", {
      value: options.prompt,
      remedy: "Give a prompt with at least one symbol of the vocabulary",
    });
  const before = options.prompt && documents ? [documents.separator] : [];
  const end = documents && documents.after !== null ? documents.separator : -1;
  const stop = new StopStrings(options.stop);
  await prepareKernels(PREDICTION, options.kernels);
  const predictor = new Predictor(posterior, options.samples ?? 0, { ...options, documents });
  const sampler = new Sampler(predictor.plan, posterior.configuration.vocabulary, seed, options);
  const pieces = continuing(tokenizer, options.prompt ?? "", prompt);
  try {
    predictor.plan.commit();
    await drive(predictor.begin(seed), signal);
    const prediction = await drive(predictor.follow([...before, ...prompt]), signal);
    for (let i = 0; i < count && !stop.found; i++) {
      const { probabilities, entropy, mutualInformation } = prediction;
      const token = sampler.next(probabilities, i);
      const probability = probabilities[token];
      // Of another document the model has not learnt the first part.
      const ends = token === end;
      const last = i === count - 1 || ends;
      const own = ends ? "" : pieces.push(token);
      const text = stop.take(last ? own + pieces.end() : own, last);
      if (!last && !stop.found) await drive(predictor.follow([token]), signal);
      yield { token, text, probability, entropy, mutualInformation, index };
      if (ends) return;
      await pause();
    }
  } finally {
    predictor.release();
  }
}

/** Pieces that can be joined to the prompt; without one, those of a text that begins. */
function continuing(tokenizer: Tokenizer, prompt: string, ids: Int32Array): TextPieces {
  if (prompt === "") return textPieces(tokenizer, tokenizer.decode(ids).endsWith("\n") ? ids : []);
  const pieces = textPieces(tokenizer, ids);
  // A space at the prompt's end that the tokenizer dropped stands already.
  let spaced = /\s$/.test(prompt) && !/\s$/.test(tokenizer.decode(ids));
  const joined = (text: string) => {
    const own = spaced && text.startsWith(" ") ? text.slice(1) : text;
    spaced &&= text === "";
    return own;
  };
  return { push: (id) => joined(pieces.push(id)), end: () => joined(pieces.end()) };
}
