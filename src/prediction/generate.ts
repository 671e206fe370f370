/** @module Text from a model, piece by piece, each token with the uncertainty it was chosen under. */
import { requireInteger, SviError } from "../errors.ts";
import { type Kernels, prepareKernels } from "../kernels/kernels.ts";
import { seedOf } from "../kernels/random.ts";
import { drive } from "../kernels/slices.ts";
import { type Kinds, requireOptions } from "../options.ts";
import { pause } from "../pause.ts";
import { textPieces } from "../text/pieces.ts";
import type { Tokenizer } from "../text/types.ts";
import type { PredictionForm } from "./ensemble.ts";
import { type Model, PREDICTING, requireModel } from "./model.ts";
import { Predictor } from "./predictor.ts";
import { Sampler, type SamplerOptions } from "./sampler.ts";

export interface GenerateOptions extends SamplerOptions, PredictionForm {
  /** Text to continue; none begins as the training text does, at the likeliest first line. */
  readonly prompt?: string;
  /** Tokens to write, 200 by default. */
  readonly tokens?: number;
  /** Posterior samples whose predictions are averaged; 0 for the mean. */
  readonly samples?: number;
  readonly seed?: number;
  readonly signal?: AbortSignal;
  readonly memoryLimit?: number;
  /** What computes: the entry point's own by default. */
  readonly kernels?: Kernels;
}

/** A token and the text that became whole with it: none where a character spans several tokens. */
export interface Piece {
  readonly token: number;
  readonly text: string;
  /** Probability that the token had, before temperature, top-k and top-p. */
  readonly probability: number;
  /** Entropy of the prediction, in nats. */
  readonly entropy: number;
  readonly mutualInformation: number;
}

/** A line's end; where the vocabulary has none, its first id. */
function opening(tokenizer: Tokenizer): Int32Array {
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
  ...PREDICTING,
};

/**
 * Writes text. The same seed, prompt and options give the same text on every runtime.
 * @throws SviError `E_OPTION`, `E_UNKNOWN_SYMBOL`, `E_MEMORY`; the signal's reason when aborted
 */
export async function* generate(
  model: Model,
  options: GenerateOptions = {},
): AsyncGenerator<Piece, void, void> {
  requireModel(model);
  requireOptions("generate", options, OPTIONS);
  const { tokenizer, posterior } = model;
  const { signal } = options;
  const count = requireInteger("tokens", options.tokens ?? 200, 0);
  const seed = seedOf(requireInteger("seed", options.seed ?? 1, 0, Number.MAX_SAFE_INTEGER));
  const prompt = options.prompt ? tokenizer.encode(options.prompt) : opening(tokenizer);
  if (prompt.length === 0)
    throw new SviError("E_TEXT_EMPTY", "The prompt holds no tokens", {
      value: options.prompt,
      remedy: "Give a prompt with at least one symbol of the vocabulary",
    });
  await prepareKernels(options.kernels);
  const predictor = new Predictor(posterior, options.samples ?? 0, options);
  const sampler = new Sampler(predictor.plan, posterior.configuration.vocabulary, seed, options);
  const pieces = textPieces(tokenizer);
  try {
    predictor.plan.commit();
    await drive(predictor.begin(seed), signal);
    const prediction = await drive(predictor.follow(prompt), signal);
    for (let i = 0; i < count; i++) {
      const { probabilities, entropy, mutualInformation } = prediction;
      const token = sampler.next(probabilities, i);
      const probability = probabilities[token];
      if (i < count - 1) await drive(predictor.follow([token]), signal);
      const text = i === count - 1 ? pieces.push(token) + pieces.end() : pieces.push(token);
      yield { token, text, probability, entropy, mutualInformation };
      await pause();
    }
  } finally {
    predictor.release();
  }
}
