/** @module What a model of pairs makes of a source: the likeliest targets, and how sure it is of them. */
import { requireInteger, requireNumber, SviError } from "../errors.ts";
import { PREDICTION } from "../kernels/calls.ts";
import { type Kernels, prepareKernels } from "../kernels/kernels.ts";
import { seedOf } from "../kernels/random.ts";
import { drive } from "../kernels/slices.ts";
import type { Quantization } from "../model/matrix.ts";
import { requireSource } from "../model/remembered.ts";
import { type Kinds, requireOptions } from "../options.ts";
import { requireForm } from "../prediction/ensemble.ts";
import { type Model, requireModel, requireSamples } from "../prediction/model.ts";
import { type Texts, windows } from "../prediction/windows.ts";
import { requireText } from "../text/checks.ts";
import { type Beam, type Ended, tokensOf } from "./beam.ts";
import { Decoder } from "./decoder.ts";

export interface TranslateOptions {
  /** Beginnings that are followed side by side, 5 by default; 1 takes the likeliest token every time. */
  readonly beam?: number;
  /** Power of a target's length that its log-probability is divided by, 1 by default; 0 favours short targets. */
  readonly lengthNormalisation?: number;
  /** Targets to give, at most as many as the beam is wide; 1 by default. */
  readonly count?: number;
  /** Posterior samples whose predictions are averaged at every token; 0 for the mean. */
  readonly samples?: number;
  /** "int8" predicts with weights of 8 bits, a row after the other; in float32 by default. */
  readonly quantized?: Quantization;
  /** Tokens that a target has at most, its end among them; by default twice those of the source and 20. */
  readonly maxTokens?: number;
  /** Tokens that a source has at most, 1,024 by default. */
  readonly longest?: number;
  readonly seed?: number;
  readonly signal?: AbortSignal;
  readonly memoryLimit?: number;
  /** What computes: the entry point's own by default. */
  readonly kernels?: Kernels;
}

export interface TranslateAllOptions extends TranslateOptions {
  /** Whether a source that cannot be translated ends all of them; else it gives a `SourceFailure` in its place. */
  readonly strict?: boolean;
}

/** A target; nats. */
export interface Target {
  readonly text: string;
  /** Its tokens, with the one that ends it. */
  readonly tokens: number;
  /** Sum over the tokens. */
  readonly logProbability: number;
  /** The log-probability over the length to a power, by which targets are ordered. */
  readonly score: number;
  /** Means over the tokens: what the model expects, and what its samples disagree on (0 for the mean). */
  readonly entropy: number;
  readonly mutualInformation: number;
  /** Whether the model ended it; false where it would have become longer than `maxTokens`. */
  readonly complete: boolean;
}

/** The best target of a source, and others. Of an empty source it is empty, and says nothing. */
export interface Translation extends Target {
  /** Place of the source among those given, from 0. */
  readonly index: number;
  readonly error: null;
  /** The best `count` targets, this one first; none of an empty source. */
  readonly candidates: readonly Target[];
}

/** A source that could not be translated. */
export interface SourceFailure {
  readonly index: number;
  readonly error: SviError;
}

const OPTIONS: Kinds<TranslateOptions> = {
  beam: "number",
  lengthNormalisation: "number",
  count: "number",
  samples: "number",
  quantized: "string",
  maxTokens: "number",
  longest: "number",
  seed: "number",
  signal: "signal",
  memoryLimit: "number",
  kernels: "kernels",
};
const ALL: Kinds<TranslateAllOptions> = { ...OPTIONS, strict: "boolean" };

const MOST_BEAMS = 64;

/**
 * Translates a source: with a model that was trained on `Corpus.pairs`.
 *
 * @throws SviError `E_OPTION`, also for a model of other texts; `E_PAIRS` for a source that holds a symbol of the
 *   document, `E_TEXT_LONG`, `E_UNKNOWN_SYMBOL`, `E_MEMORY`, `E_DIVERGED`; the signal's reason when aborted
 * @example const { text, score } = await translate(model, "a man sleeps .", { beam: 5 });
 */
export async function translate(
  model: Model,
  source: string,
  options: TranslateOptions = {},
): Promise<Translation> {
  requireOptions("translate", options, OPTIONS);
  requireText(source, "source");
  for await (const found of translateAll(model, [source], { ...options, strict: true }))
    return found as Translation;
  throw new Error("A source has no translation");
}

/**
 * Translates sources as they come, side by side, in the order given, as `translate` does one by one.
 *
 * @param sources an array, an iterable or a stream of strings
 * @throws SviError as `translate`, with `strict` for every source; `E_TEXT_SOURCE` with the index where what gives
 *   them fails; what was translated before has been given
 * @example for await (const { index, text } of translateAll(model, lines)) console.log(index, text);
 */
export async function* translateAll(
  model: Model,
  sources: Texts,
  options: TranslateAllOptions = {},
): AsyncGenerator<Translation | SourceFailure, void, void> {
  requireModel(model);
  requireOptions("translateAll", options, ALL);
  const plan = planOf(model, options);
  const { signal, strict = false } = options;
  const given = windows(sources, signal);
  await prepareKernels(PREDICTION, options.kernels);
  const decoder = new Decoder(model.posterior, plan);
  let index = 0;
  try {
    await drive(decoder.begin(plan.seed), signal);
    for await (const window of given) {
      const prepared = window.map((source, i) => prepare(model, source, index + i, plan));
      index += window.length;
      const bad = strict ? prepared.findIndex((each) => each.error !== null) : -1;
      const wanted = bad < 0 ? prepared : prepared.slice(0, bad);
      const works = wanted.filter((each) => each.ids.length > 0);
      const found = new Map<number, Target[]>();
      const ended = (i: number, beam: Beam) => {
        const targets = beam.best(plan.count).map((one) => targetOf(model, one));
        found.set(works[i].index, targets);
      };
      await drive(
        decoder.run(
          works.map(({ ids }) => ids),
          ended,
        ),
        signal,
      );
      for (const each of wanted) yield resultOf(each, found.get(each.index) ?? []);
      if (bad >= 0) throw prepared[bad].error;
    }
  } finally {
    await given.return();
    decoder.release();
  }
}

/** @throws SviError `E_OPTION` */
function planOf(model: Model, options: TranslateOptions) {
  const { documents, posterior } = model;
  if (!documents || documents.after === null)
    throw new SviError("E_OPTION", "The model was not trained on pairs", {
      option: "model",
      value: documents ?? null,
      remedy: "Train it on a corpus of Corpus.pairs, or of Corpus.open with scoreAfter",
    });
  const width = requireInteger("beam", options.beam ?? 5, 1, MOST_BEAMS);
  const { maxTokens } = options;
  if (maxTokens !== undefined) requireInteger("maxTokens", maxTokens, 1, 2 ** 20);
  return {
    width,
    count: requireInteger("count", options.count ?? 1, 1, width),
    lengthNormalisation: requireNumber(
      "lengthNormalisation",
      options.lengthNormalisation ?? 1,
      "a number from 0 to 10",
      (v) => v >= 0 && v <= 10,
    ),
    samples: requireSamples(posterior, options.samples ?? 0),
    quantized: requireForm({ quantized: options.quantized }).quantized,
    seed: seedOf(requireInteger("seed", options.seed ?? 1, 0, Number.MAX_SAFE_INTEGER)),
    mostTokens: requireInteger("longest", options.longest ?? 1024, 1, 2 ** 20),
    attention: posterior.configuration.attention,
    longest: (source: number) => maxTokens ?? 2 * source + 20,
    end: documents.separator,
    after: documents.after,
    memoryLimit: options.memoryLimit,
    kernels: options.kernels,
  };
}

interface Prepared {
  readonly index: number;
  readonly ids: Int32Array;
  readonly error: SviError | null;
}

function prepare(
  { tokenizer }: Model,
  source: unknown,
  index: number,
  { after, end, mostTokens, attention }: ReturnType<typeof planOf>,
): Prepared {
  try {
    const ids = tokenizer.encode(requireText(source as string, "source"));
    const symbol = [after, end].find((id) => ids.includes(id));
    if (symbol !== undefined)
      throw new SviError("E_PAIRS", `The source holds ${JSON.stringify(tokenizer.decode([symbol]))}`, {
        option: "source",
        value: source,
        remedy: "Take it out: it stands between source and target, or between two documents",
      });
    if (ids.length > mostTokens)
      throw new SviError(
        "E_TEXT_LONG",
        `The source has ${ids.length} tokens, and ${mostTokens} are the most`,
        {
          option: "longest",
          value: ids.length,
          remedy: "Cut it into sentences, or raise longest",
        },
      );
    if (attention) requireSource(attention, ids.length);
    return { index, ids, error: null };
  } catch (error) {
    if (!(error instanceof SviError)) throw error;
    const { code, problem, option, value, remedy } = error;
    const placed = new SviError(code, `Source ${index}: ${problem}`, {
      option: option ?? undefined,
      value,
      remedy,
      cause: error,
    });
    return { index, ids: new Int32Array(), error: placed };
  }
}

function targetOf({ tokenizer }: Model, ended: Ended): Target {
  const { hypothesis, score, complete } = ended;
  const { length, logProbability, entropy, mutualInformation } = hypothesis;
  return {
    text: tokenizer.decode(tokensOf(ended)),
    tokens: length,
    logProbability,
    score,
    entropy: entropy / length,
    mutualInformation: mutualInformation / length,
    complete,
  };
}

const EMPTY: Target = {
  text: "",
  tokens: 0,
  logProbability: 0,
  score: 0,
  entropy: 0,
  mutualInformation: 0,
  complete: true,
};

function resultOf({ index, error }: Prepared, candidates: readonly Target[]): Translation | SourceFailure {
  if (error) return { index, error };
  return { index, error: null, ...(candidates[0] ?? EMPTY), candidates };
}
