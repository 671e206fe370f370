/** @module What a run's options and text decide, checked before the first step. */
import { requireInteger, requireNumber, SviError } from "../errors.ts";
import { ivon } from "../inference/ivon/method.ts";
import {
  type GaussianPrior,
  gaussianPrior,
  type PosteriorPrior,
  posteriorPrior,
} from "../inference/method.ts";
import { entryOf, type Method } from "../inference/methods.ts";
import type { ProductForm } from "../kernels/forms.ts";
import type { Build } from "../kernels/identity.ts";
import { defaultKernels } from "../kernels/kernels.ts";
import type { Posterior } from "../model/posterior.ts";
import { type Model, requireVocabulary } from "../prediction/model.ts";
import type { Corpus, LaneReader } from "../text/corpus.ts";
import type { Saved } from "./checkpoint.ts";
import type { FitOptions } from "./fit.ts";
import { type Schedule, schedule as scheduleOf } from "./schedule.ts";

/** Share of the mean that a prior may take away over a run before it is called strong; the default takes less. */
const STRONG_PULL = 1;

/** Everything about a run that its options and text decide. */
export interface Plan {
  readonly method: Method;
  readonly batch: number;
  readonly sequence: number;
  readonly windows: number;
  readonly steps: number;
  /** Effective number of tokens, those behind a learnt prior among them. */
  readonly lambda: number;
  /** Effective number of tokens behind a learnt prior; 0 where there is none. */
  readonly learnt: number;
  readonly seed: number;
  readonly schedule: Schedule;
  readonly dropout: number;
  readonly averaging: number;
  /** -1 for none. */
  readonly separator: number;
  readonly build: Build;
  /** Undefined for float32: checkpoints that know of no other form continue. */
  readonly products: "int16" | undefined;
}

/**
 * @param saved of a run that is to be resumed: its prior is taken from there
 * @throws SviError `E_OPTION`
 */
export function planRun(
  model: Model,
  corpus: Corpus,
  options: FitOptions,
  lanes: LaneReader,
  saved: Saved | null,
): Plan {
  const method = withPrior(options.inference ?? ivon(), model, corpus, saved);
  const epochs = requireNumber("epochs", options.epochs ?? 5, "a number above 0", (v) => v > 0);
  const part = (name: string, value: number) =>
    requireNumber(name, value, "a number from 0 up to, and without, 1", (v) => v >= 0 && v < 1);
  const tempered = "temperature" in method ? corpus.tokens / method.temperature : corpus.tokens;
  const own = ("lambda" in method ? method.lambda : null) ?? tempered;
  const learnt = method.kind === "ivon" && method.prior?.kind === "posterior" ? method.prior.lambda : 0;
  return {
    method,
    batch: lanes.batch,
    sequence: lanes.sequence,
    windows: lanes.windows,
    steps: Math.max(1, Math.round(epochs * lanes.windows)),
    lambda: own + learnt,
    learnt,
    seed: requireInteger("seed", options.seed ?? 1, 0, Number.MAX_SAFE_INTEGER),
    schedule: options.schedule ?? scheduleOf(),
    dropout: part("dropout", options.dropout ?? 0),
    averaging: part("averaging", options.averaging ?? 0),
    separator:
      options.separator === undefined
        ? -1
        : requireInteger("separator", options.separator, 0, corpus.tokenizer.vocabularySize - 1),
    build: (options.kernels ?? defaultKernels()).build,
    products: requireForm(options.products) === "int16" ? "int16" : undefined,
  };
}

/** IVON's prior, where it was left to the model: what was learnt of its weights, if anything. */
function withPrior(method: Method, model: Model, corpus: Corpus, saved: Saved | null): Method {
  if (method.kind !== "ivon") return method;
  const { posterior } = model;
  if (method.prior?.kind === "posterior") requireFitting(method.prior, posterior.layout.length);
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

function requireFitting({ mean, precision }: PosteriorPrior, length: number): void {
  if (mean.length === length && precision.length === length) return;
  throw new SviError("E_OPTION", `prior is a posterior of ${mean.length} weights, the model has ${length}`, {
    option: "prior",
    value: mean.length,
    remedy: "Give the posterior of a model of the same shape",
  });
}

function requireForm(form: ProductForm = "float32"): ProductForm {
  if (form === "float32" || form === "int16") return form;
  throw new SviError("E_OPTION", `Products cannot be made of ${String(form)}`, {
    value: form,
    remedy: 'Give "float32" or "int16"',
  });
}

/** What is to happen on the way is checked before the first step, not when its time comes. */
export function requireOccasions(model: Model, method: Method, { validation, checkpoint }: FitOptions): void {
  if (checkpoint) requireInteger("checkpoint every", checkpoint.every, 1);
  if (!validation) return;
  if (validation.every !== undefined) requireInteger("validation every", validation.every, 1);
  requireVocabulary(model, validation.corpus);
  if (validation.samples && !entryOf(method).posterior)
    throw new SviError("E_OPTION", `${validation.samples} samples were asked of a run of ${method.kind}`, {
      value: validation.samples,
      remedy: "Validate with the mean (samples 0), or train with ivon or bbb",
    });
}

/** The pull of IVON's prior over a run, Σ lr·δ: a δ that looks tiny is a strong prior. */
export function warningOf(plan: Plan, { learningRate }: { readonly learningRate: number }): string | null {
  const { method, lambda, steps } = plan;
  if (method.kind !== "ivon" || method.prior?.kind !== "gaussian") return null;
  // Half of the highest rate on average, as under a cosine.
  const pull =
    (0.5 * Math.max(learningRate, method.learningRate) * steps) /
    (lambda * method.prior.scale * method.prior.scale);
  if (pull <= STRONG_PULL) return null;
  const share = 100 * (1 - Math.exp(-pull));
  const part = share < 99 ? `about ${Math.round(share)}` : "more than 99";
  return `The prior N(0, ${method.prior.scale}²) takes ${part} % of the mean away over this run; a larger prior scale or lambda makes it weaker`;
}

/** What a user would not expect of the run as it was planned. */
export function noteOf({ learnt, method }: Plan, options: FitOptions): string | null {
  const chosen = options.inference?.kind === "ivon" && options.inference.prior !== null;
  if (method.kind !== "ivon" || learnt === 0 || chosen) return null;
  return `What the model learnt before, from ${Math.round(learnt)} tokens, is the prior: this text counts by its share; ivon({ prior: posteriorPrior(model.posterior, { weight: 0.1 }) }) lets it change more`;
}
