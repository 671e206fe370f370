/** @module One run of a comparison: a method trained on a text, its curve and its figures, as plain JSON. */

import { evaluate } from "../evaluation/evaluate.ts";
import type { ReliabilityBin } from "../evaluation/tally.ts";
import { METHODS, type Method, type MethodOptions } from "../inference/methods.ts";
import { LanguageModel } from "../languageModel.ts";
import { finish } from "../model/work.ts";
import type { Corpus } from "../text/corpus.ts";
import { fit } from "../training/fit.ts";
import { type Schedule, schedule } from "../training/schedule.ts";

/** Methods that a comparison can tune. */
type Tuned = "sgd" | "adam" | "bbb" | "ivon";
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

/** Numbers of samples that the test text is scored with, besides the mean. */
const SAMPLES = [1, 2, 4, 8, 16, 32] as const;
/** Samples of the posterior that the whole test text is predicted with. */
export const PREDICTIVE_SAMPLES = 16;

/** Trains a model anew and scores it. @throws what `fit` and `evaluate` throw */
export async function runOnce(
  texts: Texts,
  shape: Shape,
  setting: Setting,
  options: { signal?: AbortSignal; progress?: (share: number) => void } = {},
): Promise<RunRecord> {
  const { seed, dropout, averaging } = setting;
  const { signal } = options;
  const model = await LanguageModel.create({
    embedding: shape.embedding,
    hidden: shape.hidden,
    layers: shape.layers,
    tokenizer: texts.train.tokenizer,
    seed,
  });
  const window = shape.batch * shape.sequence;
  const windows = texts.train.lanes(shape).windows;
  const steps = Math.max(1, Math.round(setting.tokens / window));
  const every = Math.max(1, Math.floor(steps / setting.points));
  const curve: CurvePoint[] = [];
  let best: { point: CurvePoint; mean: Float32Array; precision: Float32Array | null } | null = null;
  let [tail, tailSteps, seconds, lambda] = [0, 0, 0, 0];
  for await (const record of fit(model, texts.train, {
    inference: methodOf(setting.method),
    epochs: steps / windows,
    batch: shape.batch,
    sequence: shape.sequence,
    schedule: schedule(setting.schedule?.kind, setting.schedule),
    dropout,
    averaging,
    seed,
    validation: { corpus: texts.curve, every },
    signal,
  })) {
    if (record.step > 0.9 * steps) {
      tail += record.nll;
      tailSteps++;
    }
    seconds = record.seconds;
    lambda = record.lambda;
    options.progress?.(record.step / steps);
    if (!record.valid) continue;
    const point = { tokens: record.tokens, nll: record.valid.nll, noise: record.noise };
    curve.push(point);
    if (best && point.nll >= best.point.nll) continue;
    const { mean, precision } = model.posterior;
    best = { point, mean: mean.slice(), precision: precision?.slice() ?? null };
  }
  const hash = model.hash();
  const valid = pick(await evaluate(model, texts.valid, { signal }));
  let test: RunRecord["test"] = null;
  if (setting.test) {
    const atEnd = best!.point === curve[curve.length - 1];
    const final = await scoreTest(model, texts, { counts: SAMPLES, predictive: atEnd, signal });
    finish(model.posterior.assign(best!.mean, best!.precision, model.posterior.lambda));
    const stopped = { counts: [], predictive: true, signal };
    test = { final, best: atEnd ? final : await scoreTest(model, texts, stopped) };
  }
  return { curve, best: best!.point, valid, test, lambda, steps, trainNll: tail / tailSteps, seconds, hash };
}

async function scoreTest(
  model: LanguageModel,
  texts: Texts,
  { counts, predictive, signal }: { counts: readonly number[]; predictive: boolean; signal?: AbortSignal },
): Promise<TestFigures> {
  const whole = await evaluate(model, texts.test, { signal });
  const averaged =
    predictive && model.posterior.precision
      ? await evaluate(model, texts.test, { samples: PREDICTIVE_SAMPLES, signal })
      : null;
  const reversed = await evaluate(model, texts.reversed, { signal });
  const forward = await evaluate(model, texts.sampled, { signal });
  const samples = [{ samples: 0, ...pick(forward) }];
  if (model.posterior.precision)
    for (const count of counts)
      samples.push({
        samples: count,
        ...pick(await evaluate(model, texts.sampled, { samples: count, signal })),
      });
  return {
    ...pick(whole),
    predictive: averaged && { ...pick(averaged), reliability: averaged.reliability },
    tokens: whole.tokens,
    reliability: whole.reliability,
    entropyGap: reversed.entropy - forward.entropy,
    samples,
  };
}

function pick({ nll, perplexity, ece, brier, entropy }: Figures): Figures {
  return { nll, perplexity, ece, brier, entropy };
}
