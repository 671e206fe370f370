/** What the tests of training share: a short text with something to learn in it, and small models. */
import {
  adam,
  adamw,
  bbb,
  byteTokenizer,
  Corpus,
  characterTokenizer,
  type FitOptions,
  fit,
  ivon,
  LanguageModel,
  type Method,
  type ModelOptions,
  type StepRecord,
  scaleMixturePrior,
  sgd,
} from "../../src/entries/index.ts";
import { randomNumbers } from "../support/random.ts";

/** Sentences of a tiny grammar: predictable within a word, less so between them. */
export function sentences(count: number, seed = 1): string {
  const random = randomNumbers(seed);
  const pick = (words: string) => words.split(" ")[Math.floor(random() * words.split(" ").length)];
  return Array.from(
    { length: count },
    () => `the ${pick("sea ship whale sky")} ${pick("sees finds fears")} the ${pick("man moon wind")}.\n`,
  ).join("");
}

export const TEXT = sentences(40);
export const tokenizer = characterTokenizer({ characters: TEXT });
export const corpusOf = (text = TEXT) => Corpus.open(text, { tokenizer });

export const createModel = (options: ModelOptions & { seed?: number } = {}) =>
  LanguageModel.create({ tokenizer, embedding: 5, hidden: 9, layers: 1, seed: 1, ...options });

export const SMALL = { batch: 3, sequence: 8 } as const;

/** All methods, with settings that suit a run of a few dozen steps of a small model. */
export const METHODS: Record<string, Method> = {
  sgd: sgd({ learningRate: 0.5 }),
  "sgd with a prior": sgd({ learningRate: 0.5, prior: { kind: "gaussian", scale: 1 } }),
  adam: adam(),
  adamw: adamw({ weightDecay: 0.2 }),
  bbb: bbb({ learningRate: 0.01 }),
  "bbb, mixture, 2 particles": bbb({
    learningRate: 0.01,
    prior: scaleMixturePrior(0.25, 0.4, 0.05),
    particles: 2,
    klWarmup: 0.5,
  }),
  ivon: ivon({ probe: 5 }),
  "ivon without noise": ivon({ probe: 5, noise: false }),
  "ivon, 3 particles": ivon({ probe: 5, particles: 3, noiseRamp: 0.2 }),
};

export async function train(
  model: LanguageModel,
  options: FitOptions = {},
  corpus?: Corpus,
): Promise<StepRecord[]> {
  const records: StepRecord[] = [];
  for await (const record of fit(model, corpus ?? (await corpusOf()), { ...SMALL, epochs: 1, ...options }))
    records.push(record);
  return records;
}

export { byteTokenizer };
