/** @module The shape of a model: sizes that are checked once, before anything is allocated. */
import { requireInteger, SviError } from "../errors.ts";

/** embedding → LSTM × layers → output layer; output weights optionally tied to the embedding. */
export interface ModelConfiguration {
  /** Number of token ids. */
  readonly vocabulary: number;
  /** Width of a token's embedding. */
  readonly embedding: number;
  /** Units of each LSTM layer. */
  readonly hidden: number;
  /** LSTM layers, 1 to 4. */
  readonly layers: number;
  /** Whether the output layer uses the embedding's weights; needs embedding = hidden. */
  readonly tied: boolean;
}

export type ModelOptions = Partial<Omit<ModelConfiguration, "vocabulary">>;

/**
 * Fills in defaults (embedding 64, hidden 256, 1 layer, untied; a tied embedding is as wide as `hidden`).
 * @throws SviError `E_OPTION` where a size is out of range
 */
export function configureModel(vocabulary: number, options: ModelOptions = {}): ModelConfiguration {
  const hidden = requireInteger("hidden", options.hidden ?? 256, 1, 8192);
  const tied = options.tied ?? false;
  const embedding = requireInteger("embedding", options.embedding ?? (tied ? hidden : 64), 1, 8192);
  if (tied && embedding !== hidden)
    throw new SviError("E_OPTION", `embedding is ${embedding} and hidden is ${hidden}`, {
      value: embedding,
      remedy: "Give both the same size, or leave the weights untied",
    });
  return {
    vocabulary: requireInteger("vocabulary", vocabulary, 2, 2 ** 22),
    embedding,
    hidden,
    layers: requireInteger("layers", options.layers ?? 1, 1, 4),
    tied,
  };
}
