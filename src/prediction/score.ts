/** @module How likely each token of a text was, and how sure the model was of what would come. */

import { requireInteger, SviError } from "../errors.ts";
import { seedOf } from "../inference/guide.ts";
import type { Model } from "../training/evaluate.ts";
import { Predictor } from "./predictor.ts";

export interface ScoreOptions {
  /** Posterior samples whose predictions are averaged; 0 for the mean. */
  readonly samples?: number;
  readonly seed?: number;
  readonly memoryLimit?: number;
}

/** A token of the text; nats. */
export interface ScoredToken {
  readonly token: number;
  readonly logProbability: number;
  readonly entropy: number;
  readonly mutualInformation: number;
}

export interface Score {
  /** Every token after the first. */
  readonly tokens: readonly ScoredToken[];
  /** Sum over the tokens. */
  readonly logProbability: number;
}

/**
 * Scores a text, every token after the first.
 * @throws SviError `E_TEXT_SHORT` (fewer than two tokens), `E_UNKNOWN_SYMBOL`, `E_OPTION`, `E_MEMORY`
 */
export function score(model: Model, text: string, options: ScoreOptions = {}): Score {
  const ids = model.tokenizer.encode(text);
  if (ids.length < 2)
    throw new SviError("E_TEXT_SHORT", `The text has ${ids.length} tokens`, {
      value: ids.length,
      remedy: "Give at least two: the first is what the second is predicted from",
    });
  const predictor = new Predictor(model.posterior, options.samples ?? 0, options.memoryLimit);
  predictor.plan.commit();
  predictor.begin(seedOf(requireInteger("seed", options.seed ?? 1, 0, Number.MAX_SAFE_INTEGER)));
  const { log64 } = predictor.plan.instance.exports;
  const tokens: ScoredToken[] = [];
  let sum = 0;
  predictor.read(ids.subarray(0, ids.length - 1), (index, { probabilities, entropy, mutualInformation }) => {
    const token = ids[index + 1];
    const logProbability = log64(Math.max(probabilities[token], 1.1754944e-38));
    sum += logProbability;
    tokens.push({ token, logProbability, entropy, mutualInformation });
  });
  return { tokens, logProbability: sum };
}
