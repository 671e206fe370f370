/** @module `svi-lm eval`: how well a model predicts a text. */

import { evaluate } from "../evaluation/evaluate.ts";
import type { Evaluation } from "../evaluation/tally.ts";
import { Corpus } from "../text/corpus.ts";
import { CACHE, cacheOf } from "./cache.ts";
import { command } from "./command.ts";
import { loadModel, naming, withTexts } from "./files.ts";
import { KERNELS, kernelsFor } from "./kernels.ts";
import { watchingCorpus, watchingTexts } from "./phase.ts";
import { count, fixed, printJson, printTable } from "./print.ts";
import { SCORING, scoringOf } from "./scoring.ts";

export const evaluation = command({
  name: "eval",
  summary: "score a text as one stream, every token after the first",
  example: "svi-lm eval book.svi held-out.txt --samples 8",
  words: ["M", "text"],
  options: {
    samples: {
      kind: "number",
      default: 0,
      help: "posterior samples whose probabilities are averaged; 0 for the mean of the weights",
    },
    ...CACHE,
    dynamic: {
      kind: "flag",
      help: "the weights learn from the text while it is scored, each piece after it was predicted",
    },
    ...SCORING,
    ...KERNELS,
  },
  async run({ words: [path, text], options, json, interruption: { signal } }) {
    const { dynamic } = options;
    const kernels = await kernelsFor(options);
    const model = await loadModel(path, signal);
    return withTexts([text], signal, async (texts) => {
      const { tokenizer } = model;
      const result = await naming(text, async () => {
        const corpus = await watchingTexts(texts, { readings: 1, json }, (watched) =>
          Corpus.open(watched, { tokenizer, signal, ...scoringOf(options) }),
        );
        return watchingCorpus(corpus, { label: "scoring", json }, () =>
          evaluate(model, corpus, {
            samples: options.samples,
            cache: cacheOf(options.cache),
            dynamic,
            signal,
            kernels,
          }),
        );
      });
      const { tokens, nll, perplexity, bitsPerToken, bitsPerByte } = result;
      const { ece, brier, entropy, mutualInformation } = result;
      if (json) {
        const fit = { tokens, nll, perplexity, bitsPerToken, bitsPerByte };
        const { unknown, perplexityWithoutUnknown, bitsPerByteMissing } = result;
        printJson({
          ...fit,
          bitsPerByteMissing,
          unknown,
          perplexityWithoutUnknown,
          ece,
          brier,
          entropy,
          mutualInformation,
        });
      } else
        printTable([
          ["tokens", count(tokens)],
          ["nll", `${fixed(nll, 4)} nats`],
          ["perplexity", fixed(perplexity)],
          ...unknowns(result),
          ["bits per token", fixed(bitsPerToken, 4)],
          [
            "bits per byte",
            bitsPerByte === null ? REASONS[result.bitsPerByteMissing!] : fixed(bitsPerByte, 4),
          ],
          ["calibration error", fixed(ece, 4)],
          ["Brier score", fixed(brier, 4)],
          ["entropy", `${fixed(entropy, 4)} nats`],
          ["mutual information", `${fixed(mutualInformation, 4)} nats`],
        ]);
      return 0;
    });
  },
});

const REASONS = {
  unknown: "none: unknown symbols stand for text",
  ignored: "none: part of the text is not scored",
  tokenizer: "none: its tokens do not keep the whole text, such as its spaces",
};

function unknowns({ unknown, perplexityWithoutUnknown }: Evaluation): [string, string][] {
  if (unknown === 0) return [];
  const others = perplexityWithoutUnknown === null ? "none" : fixed(perplexityWithoutUnknown);
  return [
    ["unknown tokens", count(unknown)],
    ["perplexity without them", others],
  ];
}
