/** @module `svi-lm eval`: how well a model predicts a text. */

import { type EvaluateOptions, evaluate } from "../evaluation/evaluate.ts";
import type { Evaluation } from "../evaluation/tally.ts";
import { fitTemperature } from "../evaluation/temperature.ts";
import { Corpus } from "../text/corpus.ts";
import { CACHE, cacheOf } from "./cache.ts";
import { command, type Values } from "./command.ts";
import { loadModel, naming, withTexts } from "./files.ts";
import { KERNELS, kernelsFor } from "./kernels.ts";
import { openPairs, PAIRS, requirePairs } from "./pairs.ts";
import { watchingCorpus, watchingTexts } from "./phase.ts";
import { count, fixed, printJson, printTable } from "./print.ts";
import { SCORING, scoringOf } from "./scoring.ts";
import { UsageError } from "./usage.ts";

const TEMPERATURE = {
  temperature: {
    kind: "text",
    value: "T|fit",
    help: "of the predictions (default 1); fit: the one that suits the text of --valid best",
  },
  valid: { kind: "path", use: "read", value: "F", help: "a held-out text that --temperature fit reads" },
} as const;

export const evaluation = command({
  name: "eval",
  summary: "score a text as one stream, every token after the first, or the targets of pairs",
  example: "svi-lm eval book.svi held-out.txt --samples 8",
  words: ["M", "text…"],
  options: {
    samples: {
      kind: "number",
      default: 0,
      help: "posterior samples whose probabilities are averaged; 0 for the mean of the weights",
    },
    ...TEMPERATURE,
    ...CACHE,
    dynamic: {
      kind: "flag",
      help: "the weights learn from the text while it is scored, each piece after it was predicted",
    },
    ...PAIRS,
    ...SCORING,
    ...KERNELS,
  },
  async run({ words: [path, ...paths], options, json, interruption: { signal } }) {
    const { dynamic, pairs } = options;
    requirePairs(options, paths);
    if (!pairs && paths.length > 1) throw new UsageError(`${JSON.stringify(paths[1])} is one word too many`);
    const chosen = temperatureOf(options);
    const kernels = await kernelsFor(options);
    const model = await loadModel(path, signal);
    const inputs = chosen === "fit" ? [...paths, options.valid!] : paths;
    return withTexts(inputs, signal, async (texts) => {
      const { tokenizer } = model;
      const cache = cacheOf(options.cache);
      const form: EvaluateOptions = { samples: options.samples, cache, dynamic, signal, kernels };
      const read = (from: number, to: number, work: (corpus: Corpus) => Promise<void>) =>
        naming(pairs ? null : from < paths.length ? inputs[from] : `--valid ${inputs[from]}`, async () => {
          const corpus = await watchingTexts(texts.slice(from, to), { readings: 1, json }, (watched) =>
            pairs
              ? openPairs(watched, inputs.slice(from, to), model, options, { tokenizer, signal })
              : Corpus.open(watched, { tokenizer, signal, ...scoringOf(options) }),
          );
          await work(corpus);
        });
      let temperature = chosen === "fit" ? undefined : chosen;
      if (chosen === "fit")
        await read(paths.length, inputs.length, async (corpus) => {
          temperature = await fitTemperature(model, corpus, form);
        });
      await read(0, paths.length, async (corpus) => {
        const result = await watchingCorpus(corpus, { label: "scoring", json }, () =>
          evaluate(model, corpus, { ...form, temperature }),
        );
        const before = temperature === undefined ? null : await evaluate(model, corpus, form);
        if (json) printJson({ ...figuresOf(result), ...(before && { temperature, before: fitOf(before) }) });
        else
          printTable([
            ...rowsOf(result, options.samples ?? 0),
            ...(before ? rowsBefore(before, temperature!) : []),
          ]);
      });
      return 0;
    });
  },
});

/** @throws UsageError */
function temperatureOf({
  temperature: given,
  valid,
}: Values<typeof TEMPERATURE>): number | "fit" | undefined {
  if (given === "fit") {
    if (valid === undefined) throw new UsageError("--temperature fit needs --valid");
    return given;
  }
  if (valid !== undefined) throw new UsageError("--valid needs --temperature fit");
  if (given === undefined) return undefined;
  const number = given.trim() === "" ? Number.NaN : Number(given);
  if (Number.isNaN(number))
    throw new UsageError(`--temperature is ${JSON.stringify(given)}, not a number or fit`);
  return number;
}

function figuresOf(result: Evaluation) {
  const { tokens, nll, perplexity, bitsPerToken, bitsPerByte, bitsPerByteMissing } = result;
  const { unknown, perplexityWithoutUnknown, ece, brier, entropy, mutualInformation } = result;
  const fit = { tokens, nll, perplexity, bitsPerToken, bitsPerByte, bitsPerByteMissing };
  return { ...fit, unknown, perplexityWithoutUnknown, ece, brier, entropy, mutualInformation };
}

/** What a temperature changes. */
function fitOf({ nll, perplexity, bitsPerToken, ece, brier, entropy }: Evaluation) {
  return { nll, perplexity, bitsPerToken, ece, brier, entropy };
}

function rowsOf(result: Evaluation, samples: number): [string, string][] {
  const { nll, bitsPerByte, bitsPerByteMissing } = result;
  return [
    ["tokens", count(result.tokens)],
    ["nll", `${fixed(nll, 4)} nats`],
    ["perplexity", fixed(result.perplexity)],
    ...unknowns(result),
    ["bits per token", fixed(result.bitsPerToken, 4)],
    ["bits per byte", bitsPerByte === null ? REASONS[bitsPerByteMissing!] : fixed(bitsPerByte, 4)],
    ["calibration error", fixed(result.ece, 4)],
    ["Brier score", fixed(result.brier, 4)],
    ["entropy", `${fixed(result.entropy, 4)} nats`],
    // By the mean of the weights there is none to tell.
    ...(samples > 0
      ? [["mutual information", `${fixed(result.mutualInformation, 4)} nats`] as [string, string]]
      : []),
  ];
}

/** The same at the temperature that the model was trained at. */
function rowsBefore(before: Evaluation, temperature: number): [string, string][] {
  return [
    ["temperature", fixed(temperature, 4)],
    ["nll at temperature 1", `${fixed(before.nll, 4)} nats`],
    ["calibration error at temperature 1", fixed(before.ece, 4)],
  ];
}

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
