/** @module Scores and text, as a worker serves them. */
import { evaluate } from "../../evaluation/evaluate.ts";
import type { TextFailure, TextScore } from "../../prediction/scoreAll.ts";
import type { Callback, ThreadFunctions, WireTextScore } from "../protocol.ts";
import { toWire } from "../wire.ts";
import type { Serving } from "./serving.ts";

type PredictionFunctions = Pick<ThreadFunctions, "evaluate" | "score" | "beginScoreAll" | "beginGenerate">;

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
        wireScores(objects.model(model).scoreAll(textsOf(serving, pull), { ...options, signal })),
      ),
    beginGenerate: (job, model, options) =>
      jobs.begin(job, (signal) => objects.model(model).generate({ ...options, signal })),
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

async function* wireScores(
  scores: AsyncIterable<TextScore | TextFailure>,
): AsyncGenerator<WireTextScore, void, void> {
  for await (const found of scores)
    yield found.error === null ? found : { index: found.index, failure: toWire(found.error) };
}
