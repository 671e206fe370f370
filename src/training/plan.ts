/** @module What a run's options and text decide, checked before the first step. */
import { requireChoice, requireInteger, requireNumber, SviError } from "../errors.ts";
import { ivon } from "../inference/ivon/method.ts";
import {
  type GaussianPrior,
  gaussianPrior,
  type PosteriorPrior,
  posteriorPrior,
} from "../inference/method.ts";
import { hasPosterior, type Method, requireMethod } from "../inference/methods.ts";
import type { ProductForm } from "../kernels/forms.ts";
import type { Build } from "../kernels/identity.ts";
import { defaultKernels } from "../kernels/kernels.ts";
import type { Posterior } from "../model/posterior.ts";
import { type Kinds, requireOptions } from "../options.ts";
import {
  MOST_SAMPLES,
  type Model,
  requireCorpus,
  requireModel,
  requireVocabulary,
} from "../prediction/model.ts";
import type { Corpus, LaneReader } from "../text/corpus.ts";
import type { Documents } from "../text/scoring.ts";
import type { Saved } from "./checkpoint.ts";
import type { AverageOptions, Checkpointing, FitOptions, Validation } from "./fit.ts";
import { requireSchedule, type Schedule, schedule as scheduleOf } from "./schedule.ts";

/** Everything about a run that its options and text decide. */
export interface Plan {
  readonly method: Method;
  readonly batch: number;
  readonly sequence: number;
  readonly windows: number;
  /** Scored tokens of a window, on average; null where all tokens are scored. */
  readonly scored: number | null;
  readonly steps: number;
  /** Effective number of tokens, those behind a learnt prior among them. */
  readonly lambda: number;
  /** Effective number of tokens behind a learnt prior; 0 where there is none. */
  readonly learnt: number;
  readonly seed: number;
  readonly schedule: Schedule;
  readonly dropout: number;
  readonly averaging: number;
  /** Undefined for none: checkpoints that know of no average continue. */
  readonly average: AverageOptions | undefined;
  /** -1 for none. */
  readonly separator: number;
  readonly build: Build;
  /** Undefined for float32: checkpoints that know of no other form continue. */
  readonly products: "int16" | undefined;
}

/**
 * @param scored tokens that the likelihood is of
 * @param saved of a run that is to be resumed: its prior is taken from there
 * @throws SviError `E_OPTION`
 */
export function planRun(
  model: Model,
  corpus: Corpus,
  options: FitOptions,
  lanes: LaneReader,
  saved: Saved | null,
  scored: number,
  documents: Documents | null,
): Plan {
  const method = withPrior(options.inference ?? ivon(), model, corpus, saved);
  const epochs = requireNumber("epochs", options.epochs ?? 5, "a number above 0", (v) => v > 0);
  const part = (name: string, value: number) =>
    requireNumber(name, value, "a number from 0 up to, and without, 1", (v) => v >= 0 && v < 1);
  const tempered = "temperature" in method ? scored / method.temperature : scored;
  const own = ("lambda" in method ? method.lambda : null) ?? tempered;
  const learnt = method.kind === "ivon" && method.prior?.kind === "posterior" ? method.prior.lambda : 0;
  return {
    method,
    batch: lanes.batch,
    sequence: lanes.sequence,
    windows: lanes.windows,
    scored: documents?.after == null ? null : scored / lanes.windows,
    steps: Math.max(1, Math.round(epochs * lanes.windows)),
    lambda: own + learnt,
    learnt,
    seed: requireInteger("seed", options.seed ?? 1, 0, Number.MAX_SAFE_INTEGER),
    schedule: options.schedule ?? scheduleOf(),
    dropout: part("dropout", options.dropout ?? 0),
    averaging: part("averaging", options.averaging ?? 0),
    average: requireAverage(options),
    separator: documents?.separator ?? -1,
    build: (options.kernels ?? defaultKernels()).build,
    products: requireForm(options.products, lanes.batch) === "int16" ? "int16" : undefined,
  };
}

/** IVON's prior, where it was left to the model: what was learnt of its weights, if anything. */
function withPrior(method: Method, model: Model, corpus: Corpus, saved: Saved | null): Method {
  if (method.kind !== "ivon") return method;
  const { posterior } = model;
  if (method.prior?.kind === "posterior") requireSameShape(method.prior, posterior.layout.length);
  if (method.prior) return method;
  return { ...method, prior: saved ? savedPrior(saved) : learntPrior(posterior, corpus) };
}

function learntPrior(
  { mean, precision, lambda }: Posterior,
  { tokens }: Corpus,
): GaussianPrior | PosteriorPrior {
  if (!precision) return gaussianPrior(0.3);
  return posteriorPrior({ mean, precision, lambda: lambda ?? tokens });
}

function savedPrior({ arrays, scalars }: Saved): GaussianPrior | PosteriorPrior {
  const [mean, precision] = [arrays.get("prior/mean"), arrays.get("prior/precision")];
  const lambda = Object.hasOwn(scalars, "prior/lambda") ? scalars["prior/lambda"][0] : 0;
  if (!mean || !precision || !(lambda > 0)) return gaussianPrior(0.3);
  return { kind: "posterior", mean, precision, lambda };
}

function requireSameShape({ mean, precision }: PosteriorPrior, length: number): void {
  if (mean.length === length && precision.length === length) return;
  throw new SviError("E_OPTION", `prior is a posterior of ${mean.length} weights, the model has ${length}`, {
    option: "prior",
    value: mean.length,
    remedy: "Give the posterior of a model of the same shape",
  });
}

/** @throws SviError `E_OPTION` */
function requireAverage({ average, averaging }: FitOptions): AverageOptions | undefined {
  if (average === undefined) return undefined;
  const { decay } = requireOptions("average", average, AVERAGE);
  if (averaging)
    throw new SviError("E_OPTION", "averaging was given along with average", {
      option: "averaging",
      value: averaging,
      remedy: "Omit one of them: there is one average of the weights",
    });
  const range = "a number from 0 up to, and without, 1";
  return { decay: requireNumber("average.decay", decay, range, (v) => v >= 0 && v < 1) };
}

/** Lanes from which on int16 learns as float32 does: with one, IVON's curvature can sink until a run diverges. */
const LEAST_LANES = 2;

/** What training multiplies by default: int16 takes less time. */
export function formFor(batch: number): ProductForm {
  return batch < LEAST_LANES ? "float32" : "int16";
}

function requireForm(form: ProductForm | undefined, batch: number): ProductForm {
  if (form === undefined) return formFor(batch);
  return requireChoice("products", form, ["float32", "int16"]);
}

export const FITTING: Kinds<FitOptions> = {
  inference: "any",
  epochs: "number",
  batch: "number",
  sequence: "number",
  schedule: "object",
  dropout: "number",
  averaging: "number",
  average: "object",
  separator: "any",
  seed: "number",
  validation: "object",
  checkpoint: "object",
  resume: "bytes",
  until: "function",
  signal: "signal",
  memoryLimit: "number",
  kernels: "kernels",
  products: "string",
};
const AVERAGE: Kinds<AverageOptions> = { decay: "number" };
const VALIDATION: Kinds<Validation> = { corpus: "any", every: "number", samples: "number" };
const CHECKPOINT: Kinds<Checkpointing> = { every: "number", save: "function" };

/** What needs no text to be checked. @throws SviError `E_OPTION` */
export function requireFitting(model: Model, corpus: Corpus, options: FitOptions): void {
  requireModel(model);
  requireOptions("fit", options, FITTING);
  requireCorpus(corpus);
  if (options.inference !== undefined) requireMethod(options.inference);
  if (options.schedule) requireSchedule(options.schedule);
}

/** What is to happen on the way is checked before the first step, not when its time comes. */
export function requireOccasions(model: Model, method: Method, { validation, checkpoint }: FitOptions): void {
  if (checkpoint) {
    requireOptions("checkpoint", checkpoint, CHECKPOINT);
    requireInteger("checkpoint every", checkpoint.every, 1);
    if (!checkpoint.save) throw missing("checkpoint.save", "a function that takes the checkpoint's bytes");
  }
  if (!validation) return;
  requireOptions("validation", validation, VALIDATION);
  requireCorpus(validation.corpus, "validation corpus");
  requireInteger("validation samples", validation.samples ?? 0, 0, MOST_SAMPLES);
  if (validation.corpus.tokens < 2)
    throw new SviError("E_TEXT_SHORT", `The validation text has ${validation.corpus.tokens} token`, {
      option: "validation",
      value: validation.corpus.tokens,
      remedy: "Give at least two tokens: the first is what the second is predicted from",
    });
  if (validation.every !== undefined) requireInteger("validation every", validation.every, 1);
  requireVocabulary(model, validation.corpus);
  if (validation.samples && !hasPosterior(method))
    throw new SviError("E_OPTION", `${validation.samples} samples were asked of a run without a posterior`, {
      value: validation.samples,
      remedy: "Validate with the mean (samples 0), or train with ivon or bbb",
    });
}

function missing(option: string, what: string): SviError {
  return new SviError("E_OPTION", `${option} is missing`, { option, remedy: `Give ${what}` });
}
