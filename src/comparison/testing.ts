/** @module What a comparison scores a trained model by: the test text, by the mean and by samples, tempered too. */
import { SviError } from "../errors.ts";
import { Evaluator, evaluate } from "../evaluation/evaluate.ts";
import type { Evaluation } from "../evaluation/tally.ts";
import { findTemperature } from "../evaluation/temperature.ts";
import type { LanguageModel } from "../languageModel.ts";
import type { Corpus } from "../text/corpus.ts";
import type { Figures, TestFigures, Texts } from "./run.ts";

/** Numbers of samples that the test text is scored with, besides the mean. */
const SAMPLES = [1, 2, 4, 8, 16, 32] as const;
/** Samples of the posterior that the whole test text is predicted with. */
export const PREDICTIVE_SAMPLES = 16;
/** Tokens of the tuning text that a temperature is found on: it is one number. */
const TEMPERATURE_TOKENS = 4000;

/** Predicts a text in one of the forms that a trained method has. */
export interface Scorer {
  readonly posterior: boolean;
  score(corpus: Corpus, form?: { samples?: number; temperature?: number }): Promise<Evaluation>;
}

export function scorerOf(model: LanguageModel, signal?: AbortSignal): Scorer {
  return {
    posterior: model.posterior.precision !== null,
    score: (corpus, form = {}) => evaluate(model, corpus, { ...form, signal }),
  };
}

/** The average of the predictions of several models by their means. */
export function averageOf(models: readonly LanguageModel[], signal?: AbortSignal): Scorer {
  const members = models.map(({ posterior }) => posterior);
  return {
    posterior: false,
    score: async (corpus, { temperature } = {}) => {
      const evaluator = new Evaluator(models[0], members.length, { members, temperature });
      try {
        return await evaluator.score(corpus, signal);
      } finally {
        evaluator.release();
      }
    },
  };
}

/** @param at where the weights are of: the end of a run, its lowest point, or both */
export async function scoreTest(
  scorer: Scorer,
  texts: Texts,
  at: { readonly end: boolean; readonly lowest: boolean },
): Promise<TestFigures> {
  const { posterior } = scorer;
  const whole = await scorer.score(texts.test);
  const predictive = at.lowest && posterior;
  const samples = predictive ? PREDICTIVE_SAMPLES : 0;
  const averaged = predictive ? await scorer.score(texts.test, { samples }) : null;
  const reversed = await scorer.score(texts.reversed);
  const forward = await scorer.score(texts.sampled);
  const counted = [{ samples: 0, ...pick(forward) }];
  for (const count of at.end && posterior ? SAMPLES : [])
    counted.push({ samples: count, ...pick(await scorer.score(texts.sampled, { samples: count })) });
  return {
    ...pick(whole),
    predictive: averaged && { ...pick(averaged), reliability: averaged.reliability },
    scaled: at.lowest ? await scaledOf(scorer, texts, samples) : null,
    tokens: whole.tokens,
    reliability: whole.reliability,
    entropyGap: reversed.entropy - forward.entropy,
    samples: counted,
  };
}

/** At the temperature that suits the tuning text; null where none does, as where guessing is best. */
async function scaledOf(scorer: Scorer, texts: Texts, samples: number): Promise<TestFigures["scaled"]> {
  const part = texts.valid.slice(0, Math.min(texts.valid.tokens, TEMPERATURE_TOKENS));
  const read = (temperature: number) => scorer.score(part, { samples, temperature });
  const temperature = await findTemperature(read).catch((error) => {
    if (error instanceof SviError && error.code === "E_TEXT_SHORT") return null;
    throw error;
  });
  if (temperature === null) return null;
  return { temperature, ...pick(await scorer.score(texts.test, { samples, temperature })) };
}

export function pick({ nll, perplexity, ece, brier, entropy }: Figures): Figures {
  return { nll, perplexity, ece, brier, entropy };
}
