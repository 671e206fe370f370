/** @module A model as training, prediction and evaluation see it, and what they all ask of one first. */
import { requireInteger, SviError, wrongOption } from "../errors.ts";
import type { Posterior } from "../model/posterior.ts";
import type { Corpus } from "../text/corpus.ts";
import type { Documents } from "../text/scoring.ts";
import type { Tokenizer } from "../text/types.ts";

export { requireText } from "../text/checks.ts";

/** Posterior samples that a prediction is averaged over, at most. */
export const MOST_SAMPLES = 4096;

/** Options that every kind of prediction has. */
export const PREDICTING = {
  samples: "number",
  sampling: "string",
  quantized: "string",
  seed: "number",
  signal: "signal",
  memoryLimit: "number",
  kernels: "kernels",
} as const;

/** A posterior over the weights, and what turns text into its token ids. */
export interface Model {
  readonly posterior: Posterior;
  readonly tokenizer: Tokenizer;
  /** The documents that it was trained on last; null, or nothing, for texts that are one. */
  documents?: Documents | null;
}

/** Tokenizers that were compared before: descriptions can be long. */
const compared = new WeakMap<Tokenizer, WeakMap<Tokenizer, boolean>>();

/** Whether both give every text the same ids. */
function agree(a: Tokenizer, b: Tokenizer): boolean {
  if (a === b) return true;
  const known = compared.get(a) ?? new WeakMap<Tokenizer, boolean>();
  compared.set(a, known);
  let same = known.get(b);
  if (same === undefined) {
    same = a.kind === b.kind && JSON.stringify(a.describe()) === JSON.stringify(b.describe());
    known.set(b, same);
  }
  return same;
}

/** @throws SviError `E_OPTION` for what is not a model, or not a corpus */
export function requireModel(model: Model): void {
  if (typeof model?.posterior?.read === "function" && typeof model.tokenizer?.encode === "function") return;
  const wanted = "a LanguageModel: await LanguageModel.create({ tokenizer }) or LanguageModel.load(bytes)";
  throw wrongOption("model", model, wanted, "The model");
}

/** @throws SviError `E_OPTION` for what is not a corpus */
export function requireCorpus(corpus: Corpus, name = "corpus"): void {
  if (typeof corpus?.lanes === "function" && typeof corpus.tokens === "number") return;
  const wanted = "a Corpus: await Corpus.open(text, { tokenizer: model.tokenizer })";
  throw wrongOption(name, corpus, wanted, `The ${name}`);
}

/**
 * The documents of a corpus: as an option asks for, as the corpus itself says, or as the model remembers.
 * @param separator an id; null for one text, whatever the model remembers
 * @throws SviError `E_OPTION` for an id out of range, or another than that of pairs
 */
export function documentsOf(
  model: Model,
  { documents: pairs, scoring, tokenizer }: Corpus,
  separator: number | null | undefined,
): Documents | null {
  if (separator === undefined) return scoring ?? model.documents ?? null;
  if (pairs && separator !== scoring?.separator)
    throw new SviError("E_OPTION", `separator is ${separator}, and the pairs have ${scoring?.separator}`, {
      option: "separator",
      value: separator,
      remedy: "Omit separator",
    });
  if (separator === null) return null;
  requireInteger("separator", separator, 0, tokenizer.vocabularySize - 1);
  return Object.freeze({ separator, after: scoring?.after ?? null });
}

/** What is read before every text of a model that knows of documents, and a context. */
export function beginning({ tokenizer, documents }: Model, context = ""): Int32Array {
  const ids = tokenizer.encode(context);
  return documents ? Int32Array.of(documents.separator, ...ids) : ids;
}

/** @throws SviError `E_OPTION` for a text of which nothing is scored */
export function nothingScored({ tokenizer, documents }: Model, text: string): SviError {
  const symbol = tokenizer.decode([documents!.after!]);
  return new SviError(
    "E_OPTION",
    `The text has nothing behind ${JSON.stringify(symbol)}, after which scoring begins`,
    {
      option: "text",
      value: text,
      remedy: "Give a text with both parts, or the first part and the symbol as `context`",
    },
  );
}

/** @throws SviError `E_VOCABULARY_MISMATCH` where the corpus speaks of other ids than the model */
export function requireVocabulary(model: Model, corpus: Corpus): void {
  const { vocabulary } = model.posterior.configuration;
  const { vocabularySize } = corpus.tokenizer;
  if (vocabularySize === vocabulary && !agree(model.tokenizer, corpus.tokenizer))
    throw new SviError(
      "E_VOCABULARY_MISMATCH",
      "The text was tokenised by another tokenizer than the model's, with as many ids",
      {
        option: "tokenizer",
        value: corpus.tokenizer.kind,
        remedy: "Open the text with the model's own tokenizer: model.tokenizer",
      },
    );
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
  requireInteger("samples", samples, 0, MOST_SAMPLES);
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
