/** @module One run of a comparison: a method trained on a text, its curve and its figures, as plain JSON. */

import type { ReliabilityBin } from "../evaluation/tally.ts";
import { METHODS, type Method, type MethodOptions } from "../inference/methods.ts";
import { LanguageModel } from "../languageModel.ts";
import { finish } from "../model/work.ts";
import type { Corpus } from "../text/corpus.ts";
import { fit } from "../training/fit.ts";
import { type Schedule, schedule } from "../training/schedule.ts";
import { averageOf, pick, scorerOf, scoreTest } from "./testing.ts";

/** Methods that a comparison can tune. */
type Tuned = "sgd" | "adam" | "adamw" | "bbb" | "ivon";
/** The options of a method as they were given; what is not given is the library's default. */
export type MethodSpec = { [K in Tuned]: { readonly kind: K } & MethodOptions<K> }[Tuned];

/** Everything that decides a run's bits besides the text. */
export interface Setting {
  readonly method: MethodSpec;
  /** Tokens of the whole run: the length of its schedule. */
  readonly tokens: number;
  readonly seed: number;
  readonly dropout?: number;
  readonly averaging?: number;
  /** Decay of a moving average of the weights, which is what is validated and tested. */
  readonly average?: number;
  /** So many runs of seeds of their own, whose predictions are averaged. */
  readonly ensemble?: number;
  readonly schedule?: Partial<Schedule>;
  /** Validations on the way, evenly spaced; 100 is one every hundredth of the run. */
  readonly points: number;
  /** Whether the test text is scored too. */
  readonly test: boolean;
}

/** The shape of model and minibatches that all runs on a text share. */
export interface Shape {
  readonly embedding: number;
  readonly hidden: number;
  readonly layers: number;
  readonly batch: number;
  readonly sequence: number;
}

/** Texts of one comparison. */
export interface Texts {
  readonly train: Corpus;
  /** Part of the validation text that the curves are of. */
  readonly curve: Corpus;
  readonly valid: Corpus;
  readonly test: Corpus;
  /** Part of the test text that samples are compared on, and the same tokens from its end to its beginning. */
  readonly sampled: Corpus;
  readonly reversed: Corpus;
}

export interface CurvePoint {
  readonly tokens: number;
  /** Of the mean, on the part of the validation text that curves are of; nats a token. */
  readonly nll: number;
  /** Share of the final noise that the step had. */
  readonly noise: number;
}

/** Figures of a text under the mean, or under samples. */
export interface Figures {
  readonly nll: number;
  readonly perplexity: number;
  readonly ece: number;
  readonly brier: number;
  readonly entropy: number;
}

export interface TestFigures extends Figures {
  readonly tokens: number;
  readonly reliability: readonly ReliabilityBin[];
  /** Entropy of the reversed text less that of the text, nats a token. */
  readonly entropyGap: number;
  /** The average over samples of the posterior, on the whole text; for the lowest point alone, null for a point estimate. */
  readonly predictive: (Figures & { readonly reliability: readonly ReliabilityBin[] }) | null;
  /**
   * At the temperature that suits the tuning text, by what the method is judged by: the predictive distribution where
   * there is one. For the lowest point alone.
   */
  readonly scaled: (Figures & { readonly temperature: number }) | null;
  /** By number of samples, 0 for the mean, which alone is there for the lowest point; a part of the test text. */
  readonly samples: readonly (Figures & { readonly samples: number })[];
}

export interface RunRecord {
  readonly curve: readonly CurvePoint[];
  /** Lowest point of the curve. */
  readonly best: CurvePoint;
  /** The end of the run on the whole validation text. */
  readonly valid: Figures;
  /** At the end, and at the lowest point of the curve (early stopping); null where not asked for. */
  readonly test: { readonly final: TestFigures; readonly best: TestFigures } | null;
  readonly lambda: number;
  readonly steps: number;
  /** Mean minibatch loss over the last tenth of the run. */
  readonly trainNll: number;
  readonly seconds: number;
  readonly hash: string;
}

/** @throws SviError `E_OPTION` */
export function methodOf(spec: MethodSpec): Method {
  const { kind, ...options } = spec;
  return METHODS[kind].describe(options as never);
}

/** Seeds of the members of an average, this far apart: none is that of another run. */
const NEXT_MEMBER = 100;

interface RunOptions {
  readonly signal?: AbortSignal;
  readonly progress?: (share: number) => void;
}

/** Trains a model anew and scores it. @throws what `fit` and `evaluate` throw */
export function runOnce(
  texts: Texts,
  shape: Shape,
  setting: Setting,
  options: RunOptions = {},
): Promise<RunRecord> {
  return setting.ensemble === undefined
    ? runAlone(texts, shape, setting, options)
    : runSeveral(setting.ensemble, texts, shape, setting, options);
}

async function runAlone(
  texts: Texts,
  shape: Shape,
  setting: Setting,
  options: RunOptions,
): Promise<RunRecord> {
  const { model, best, ...trained } = await train(texts, shape, setting, options);
  const { curve } = trained;
  const scorer = scorerOf(model, options.signal);
  const valid = pick(await scorer.score(texts.valid));
  let test: RunRecord["test"] = null;
  if (setting.test) {
    const lowest = best.point === curve[curve.length - 1];
    const final = await scoreTest(scorer, texts, { end: true, lowest });
    takeBack(model, best);
    test = { final, best: lowest ? final : await scoreTest(scorer, texts, { end: false, lowest: true }) };
  }
  return { ...trained, best: best.point, valid, test };
}

/** The average of the predictions of several runs, each at its own lowest point. Its curve is that one point. */
async function runSeveral(
  count: number,
  texts: Texts,
  shape: Shape,
  setting: Setting,
  { signal, progress }: RunOptions,
): Promise<RunRecord> {
  const members: Trained[] = [];
  for (let i = 0; i < count; i++) {
    const own = { ...setting, seed: setting.seed + i * NEXT_MEMBER };
    const told = (share: number) => progress?.((i + share) / count);
    members.push(await train(texts, shape, own, { signal, progress: told }));
  }
  for (const { model, best } of members) takeBack(model, best);
  const models = members.map(({ model }) => model);
  const scorer = averageOf(models, signal);
  const sum = (of: (member: Trained) => number) => members.reduce((total, member) => total + of(member), 0);
  const { nll } = await scorer.score(texts.curve);
  const point = { tokens: sum(({ best }) => best.point.tokens), nll, noise: 0 };
  const figures = setting.test ? await scoreTest(scorer, texts, { end: true, lowest: true }) : null;
  return {
    curve: [point],
    best: point,
    valid: pick(await scorer.score(texts.valid)),
    test: figures && { final: figures, best: figures },
    lambda: members[0].lambda,
    steps: sum(({ steps }) => steps),
    trainNll: sum(({ trainNll }) => trainNll) / count,
    seconds: sum(({ seconds }) => seconds),
    hash: models.map((model) => model.hash()).join(" "),
  };
}

interface Lowest {
  readonly point: CurvePoint;
  readonly mean: Float32Array;
  readonly precision: Float32Array | null;
}

interface Trained extends Omit<RunRecord, "best" | "valid" | "test"> {
  readonly model: LanguageModel;
  readonly best: Lowest;
}

function takeBack({ posterior }: LanguageModel, { mean, precision }: Lowest): void {
  finish(posterior.assign(mean, precision, posterior.lambda));
}

async function train(
  texts: Texts,
  { batch, sequence, ...sizes }: Shape,
  setting: Setting,
  options: RunOptions,
): Promise<Trained> {
  const { seed, dropout, averaging, average } = setting;
  const model = await LanguageModel.create({ ...sizes, tokenizer: texts.train.tokenizer, seed });
  const { windows } = texts.train.lanes({ batch, sequence });
  const steps = Math.max(1, Math.round(setting.tokens / (batch * sequence)));
  const every = Math.max(1, Math.floor(steps / setting.points));
  const curve: CurvePoint[] = [];
  let best: Lowest | null = null;
  let [tail, tailSteps, seconds, lambda] = [0, 0, 0, 0];
  for await (const record of fit(model, texts.train, {
    inference: methodOf(setting.method),
    epochs: steps / windows,
    batch,
    sequence,
    schedule: schedule(setting.schedule?.kind, setting.schedule),
    dropout,
    averaging,
    average: average === undefined ? undefined : { decay: average },
    seed,
    validation: { corpus: texts.curve, every },
    signal: options.signal,
  })) {
    if (record.step > 0.9 * steps) {
      tail += record.nll;
      tailSteps++;
    }
    ({ seconds, lambda } = record);
    options.progress?.(record.step / steps);
    if (!record.valid) continue;
    const point = { tokens: record.tokens, nll: record.valid.nll, noise: record.noise };
    curve.push(point);
    if (best && point.nll >= best.point.nll) continue;
    const { mean, precision } = model.posterior;
    best = { point, mean: mean.slice(), precision: precision?.slice() ?? null };
  }
  const trainNll = tail / tailSteps;
  return { model, best: best!, curve, lambda, steps, trainNll, seconds, hash: model.hash() };
}
