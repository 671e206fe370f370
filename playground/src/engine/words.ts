/** @module Options that fit a model's tokenizer. */
import type { WorkerLanguageModel } from "svi-lm/worker";

/** Ids that are not to be written: the one that stands for symbols the model does not know. */
export function unwritten({ tokenizer }: WorkerLanguageModel): readonly number[] | undefined {
  return tokenizer.unknown === null ? undefined : [tokenizer.unknown];
}

/** Nats as bits. */
export const bits = (nats: number): number => nats / Math.LN2;

/** The value that all but the largest twentieth stay below: what gets the strongest shade. */
export function strongest(values: readonly number[], least: number): number {
  const sorted = Float64Array.from(values).sort();
  return Math.max(least, sorted[Math.floor(sorted.length * 0.95)] ?? 0);
}
