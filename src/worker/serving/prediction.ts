/** @module Scores, texts and translations, as a worker serves them. */
import type { SviError } from "../../errors.ts";
import { evaluate } from "../../evaluation/evaluate.ts";
import { translate, translateAll } from "../../translation/translate.ts";
import type { Callback, ThreadFunctions, WireFound } from "../protocol.ts";
import { toWire } from "../wire.ts";
import type { Serving } from "./serving.ts";

type PredictionFunctions = Pick<
  ThreadFunctions,
  "evaluate" | "score" | "beginScoreAll" | "beginGenerate" | "translate" | "beginTranslateAll"
>;

export function predictionFunctions(serving: Serving): PredictionFunctions {
  const { objects, jobs } = serving;
  return {
    evaluate: (job, model, corpus, options) =>
      jobs.heeding(job, (signal) =>
        evaluate(objects.model(model), objects.corpus(corpus), { ...options, signal }),
      ),
    score: (job, model, text, options) =>
      jobs.heeding(job, (signal) => objects.model(model).score(text, { ...options, signal })),
    beginScoreAll: (job, model, pull, options) =>
      jobs.begin(job, (signal) =>
        wireFound(objects.model(model).scoreAll(textsOf(serving, pull), { ...options, signal })),
      ),
    beginGenerate: (job, model, options) =>
      jobs.begin(job, (signal) => objects.model(model).generate({ ...options, signal })),
    translate: (job, model, source, options) =>
      jobs.heeding(job, (signal) => translate(objects.model(model), source, { ...options, signal })),
    beginTranslateAll: (job, model, pull, options) =>
      jobs.begin(job, (signal) =>
        wireFound(translateAll(objects.model(model), textsOf(serving, pull), { ...options, signal })),
      ),
  };
}

/** The caller's texts, asked for some at a time. */
async function* textsOf({ callback }: Serving, pull: Callback): AsyncGenerator<string, void, void> {
  for (;;) {
    const some = (await callback(pull)) as string[] | null;
    if (!some) return;
    yield* some;
  }
}

async function* wireFound<Found extends { readonly error: null }>(
  all: AsyncIterable<Found | { readonly index: number; readonly error: SviError }>,
): AsyncGenerator<WireFound<Found>, void, void> {
  for await (const found of all)
    yield found.error === null ? found : { index: found.index, failure: toWire(found.error) };
}
