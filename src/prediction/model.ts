/** @module A model as training, prediction and evaluation see it, and what they all ask of one first. */
import { requireInteger, SviError } from "../errors.ts";
import type { Posterior } from "../model/posterior.ts";
import type { Corpus } from "../text/corpus.ts";
import type { Tokenizer } from "../text/types.ts";

/** A posterior over the weights, and what turns text into its token ids. */
export interface Model {
  readonly posterior: Posterior;
  readonly tokenizer: Tokenizer;
}

/** @throws SviError `E_VOCABULARY_MISMATCH` where the corpus speaks of other ids than the model */
export function requireVocabulary(model: Model, corpus: Corpus): void {
  const { vocabulary } = model.posterior.configuration;
  const { vocabularySize } = corpus.tokenizer;
  if (vocabularySize !== vocabulary)
    throw new SviError(
      "E_VOCABULARY_MISMATCH",
      `The text has ${vocabularySize} token ids, the model ${vocabulary}`,
      {
        value: vocabularySize,
        remedy: "Open the text with the model's own tokenizer",
      },
    );
}

/** @throws SviError `E_OPTION` for a number out of range, or samples of a model that has no posterior */
export function requireSamples(posterior: Posterior, samples: number): number {
  requireInteger("samples", samples, 0, 4096);
  if (samples > 0 && !posterior.precision)
    throw new SviError("E_OPTION", `${samples} samples were asked of a model without a posterior`, {
      option: "samples",
      value: samples,
      remedy: "Use its mean (samples 0), or train it with ivon or bbb",
    });
  return samples;
}

/** @throws SviError `E_DIVERGED` where a figure of a prediction is not a number */
export function requirePrediction(value: number): void {
  if (!Number.isFinite(value))
    throw new SviError("E_DIVERGED", "The model's prediction is not a number", {
      value,
      remedy: "Train it again with a smaller learning rate",
    });
}
