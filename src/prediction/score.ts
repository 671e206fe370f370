/** @module How likely each token of a text was, and how sure the model was of what would come. */

import { counted, requireInteger, SviError } from "../errors.ts";
import { PREDICTION } from "../kernels/calls.ts";
import { type Kernels, prepareKernels } from "../kernels/kernels.ts";
import { seedOf } from "../kernels/random.ts";
import { drive } from "../kernels/slices.ts";
import type { Quantization } from "../model/matrix.ts";
import { type Kinds, requireOptions } from "../options.ts";
import { tokenOffsets } from "../text/offsets.ts";
import { scoredPositions } from "../text/scoring.ts";
import { type CachedForm, requireForm, type Sampling } from "./ensemble.ts";
import { beginning, type Model, nothingScored, PREDICTING, requireModel, requireText } from "./model.ts";
import { type Prediction, Predictor } from "./predictor.ts";

export interface ScoreOptions extends CachedForm {
  /** Posterior samples whose predictions are averaged; 0 for the mean. */
  readonly samples?: number;
  /** What is read before the text and not scored, such as a line's end: then the first token is scored too. */
  readonly context?: string;
  readonly seed?: number;
  readonly signal?: AbortSignal;
  readonly memoryLimit?: number;
  /** What computes: the entry point's own by default. */
  readonly kernels?: Kernels;
}

/** A token of a text, and what it stands for: `start` up to `end`, in UTF-16 code units of the text; nats. */
export interface ScoredToken {
  readonly token: number;
  readonly start: number;
  readonly end: number;
  readonly logProbability: number;
  readonly entropy: number;
  readonly mutualInformation: number;
}

export interface Score {
  /** Every token after the first; after a context, or where the model knows of documents, all of them that are scored. */
  readonly tokens: readonly ScoredToken[];
  /** Sum over the tokens. */
  readonly logProbability: number;
  readonly samples: number;
  /** How the samples were had; null for the mean. */
  readonly sampling: Sampling | null;
  readonly quantized: Quantization | null;
}

const OPTIONS: Kinds<ScoreOptions> = { context: "string", cache: "any", ...PREDICTING };

/**
 * Scores a text, every token after the first, or every token after a context.
 * @throws SviError `E_TEXT_SHORT` (fewer than two tokens), `E_UNKNOWN_SYMBOL`, `E_OPTION`, `E_MEMORY`; the signal's
 *   reason when aborted
 */
export async function score(model: Model, text: string, options: ScoreOptions = {}): Promise<Score> {
  requireModel(model);
  requireOptions("score", options, OPTIONS);
  requireText(text);
  const own = model.tokenizer.encode(text);
  const context = beginning(model, options.context);
  const ids = new Int32Array(context.length + own.length);
  ids.set(context);
  ids.set(own, context.length);
  const first = Math.max(1, context.length);
  if (ids.length <= first)
    throw new SviError("E_TEXT_SHORT", `The text has ${counted(own.length, "token")}`, {
      value: own.length,
      remedy:
        "Give at least two, since the first is what the second is predicted from, or a `context` and one",
    });
  const scored = new Set(scoredPositions(model.documents ?? null, [], ids, first));
  if (scored.size === 0) throw nothingScored(model, text);
  const offsets = tokenOffsets(model.tokenizer, text, own);
  const samples = options.samples ?? 0;
  const { sampling, quantized } = requireForm(options);
  await prepareKernels(PREDICTION, options.kernels);
  const predictor = new Predictor(model.posterior, samples, { ...options, documents: model.documents });
  const seed = seedOf(requireInteger("seed", options.seed ?? 1, 0, Number.MAX_SAFE_INTEGER));
  const { log64 } = predictor.plan.instance.exports;
  const tokens: ScoredToken[] = [];
  let sum = 0;
  const visit = (index: number, { probabilities, entropy, mutualInformation }: Prediction) => {
    if (!scored.has(index + 1)) return;
    const token = ids[index + 1];
    const place = 2 * (index + 1 - context.length);
    const logProbability = log64(Math.max(probabilities[token], 1.1754944e-38));
    sum += logProbability;
    const [start, end] = [offsets[place], offsets[place + 1]];
    tokens.push({ token, start, end, logProbability, entropy, mutualInformation });
  };
  try {
    predictor.plan.commit();
    await drive(predictor.begin(seed), options.signal);
    await drive(predictor.read(ids.subarray(0, ids.length - 1), visit), options.signal);
  } finally {
    predictor.release();
  }
  return {
    tokens,
    logProbability: sum,
    samples,
    sampling: samples > 0 ? sampling : null,
    quantized: quantized ?? null,
  };
}
