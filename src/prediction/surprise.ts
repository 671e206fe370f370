/**
 * @module One number for how unusual a text is. Beyond its likelihood four things tell: tokens that are rare anyway say
 * little, so that each is compared with itself without context; a model that counts errs elsewhere than one that
 * learnt, so that the two are averaged; and a mistake is short, so that the worst few tokens in a row count by themselves.
 * What a text is about, and whether its words stand where they belong, is told by the words that were counted.
 */
import { SviError } from "../errors.ts";
import type { Background } from "./background.ts";
import type { Model } from "./model.ts";

/** Tokens in a row that count by themselves: characters or bytes, and words or parts of them. */
const ROW = { symbols: 8, words: 2 };
/** What the worst row counts beside the mean. */
const WORST = 0.3;

/** Of the tokens at some positions, given their log-probabilities; nats a token. */
export type Surprise = (
  ids: Int32Array,
  logProbability: (t: number) => number,
  positions: readonly number[],
  text: string,
) => number;

/** @throws SviError `E_VOCABULARY_MISMATCH` for a background of other tokens */
export function surpriseOf(
  { posterior, tokenizer }: Model,
  background: Background | undefined,
  k: { exp64(x: number): number; log64(x: number): number },
): Surprise {
  const { vocabulary } = posterior.configuration;
  if (background && background.vocabulary !== vocabulary)
    throw new SviError(
      "E_VOCABULARY_MISMATCH",
      `The background counted ${background.vocabulary} token ids, the model has ${vocabulary}`,
      {
        option: "background",
        value: background.vocabulary,
        remedy: "Count a corpus of the model's own tokenizer",
      },
    );
  const width = tokenizer.kind === "byte" || tokenizer.kind === "character" ? ROW.symbols : ROW.words;
  const alone = background ? null : withoutContext({ posterior, tokenizer }, k);
  return (ids, logProbability, positions, text) => {
    const counted = background?.read(ids, k.log64);
    const own = positions.map((t) => {
      const p = logProbability(t);
      return counted ? counted[t].alone - 0.5 * (p + counted[t].inContext) : alone![ids[t]] - p;
    });
    return (
      mean(own) + WORST * worst(own, Math.min(width, own.length)) + (background?.words(text, k.log64) ?? 0)
    );
  };
}

/** What the output layer's biases say of tokens by themselves; an adaptive softmax has none for all of them. */
function withoutContext(
  { posterior }: Model,
  { exp64, log64 }: { exp64(x: number): number; log64(x: number): number },
): Float64Array {
  const { vocabulary, softmax } = posterior.configuration;
  const alone = new Float64Array(vocabulary);
  if (softmax === "adaptive") return alone;
  const { offset, size } = posterior.layout.find("output.bias");
  const biases = posterior.mean.subarray(offset, offset + size);
  let most = Number.NEGATIVE_INFINITY;
  for (const bias of biases) most = Math.max(most, bias);
  let sum = 0;
  for (const bias of biases) sum += exp64(bias - most);
  const logSum = log64(sum);
  for (const [id, bias] of biases.entries()) alone[id] = bias - most - logSum;
  return alone;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The largest mean of so many neighbours. */
function worst(values: readonly number[], width: number): number {
  let sum = 0;
  let most = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < values.length; i++) {
    sum += values[i];
    if (i >= width) sum -= values[i - width];
    if (i >= width - 1) most = Math.max(most, sum / width);
  }
  return most;
}
