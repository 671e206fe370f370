/**
 * @module Learning on from what was learnt: the posterior over the weights is the prior of the next text (streaming
 * variational Bayes, Broderick et al. 2013; with several past posteriors as in temporal-difference and continual
 * variational learning), with a bound on what may be forgotten.
 */
import { requireNumber, SviError } from "../errors.ts";
import { type IvonMethod, ivon } from "../inference/ivon/method.ts";
import { type PosteriorPrior, posteriorPrior } from "../inference/method.ts";
import { drive } from "../kernels/slices.ts";
import type { Posterior } from "../model/posterior.ts";
import { type Kinds, requireOptions } from "../options.ts";
import { type Model, requireCorpus, requireModel } from "../prediction/model.ts";
import type { Corpus } from "../text/corpus.ts";
import { type FitOptions, fitInTurn, type StepRecord } from "./fit.ts";
import { FITTING } from "./plan.ts";

export interface AdaptOptions extends Omit<FitOptions, "inference"> {
  /** What counts as learnt: the model's own posterior by default; several, of models of its shape, are averaged. */
  readonly past?: readonly Posterior[];
  /** How much what was learnt counts, 0.03 by default, 0.1 with `rehearse`: 1 for every token of it; less lets the text change more. */
  readonly weight?: number;
  /**
   * Nats a token by which the loss on what was learnt before may rise, as far as the posterior knows; Infinity by
   * default. Beyond it the model is taken back towards what it was, once the run is over.
   */
  readonly mostForgotten?: number;
  /**
   * A part of what was learnt before, such as a tenth of it, that is read again beside the new text: what keeps a model
   * from forgetting best. `weight` is 0.1 then by default.
   */
  readonly rehearse?: Corpus;
  /** The highest step size of `ivon`, 14 by default. */
  readonly learningRate?: number;
}

const { inference: _, ...SHARED } = FITTING;
const OPTIONS: Kinds<AdaptOptions> = {
  ...SHARED,
  past: "object",
  rehearse: "any",
  weight: "number",
  mostForgotten: "number",
  learningRate: "number",
};

/** A token that was learnt from before counts for as much as this share of one of the new text. */
const WEIGHT = 0.03;
/** With a part of the first text at hand, the precision may hold weights faster without harm to the new text. */
const WEIGHT_REHEARSED = 0.1;
/** Higher than that of a model's first text: what is to change has few steps for it. */
const LEARNING_RATE = 14;

/**
 * Trains a model further by `ivon`, with what it learnt as the prior; λ counts the tokens behind that too. The result
 * is a posterior like any other and can be adapted again.
 *
 * ```ts
 * for await (const { bitsPerToken } of adapt(model, corpus, { epochs: 2, batch: 2, sequence: 16 }))
 *   console.log(bitsPerToken);
 * ```
 *
 * @throws what `fit` does; SviError `E_OPTION` for a model or a past without a posterior, or of another shape
 */
export function adapt(
  model: Model,
  corpus: Corpus,
  options: AdaptOptions = {},
): AsyncGenerator<StepRecord, void, void> {
  return adaptInTurn(model, corpus, options, () => true);
}

/** `adapt`, with the gradient of a step made before `turn` lets it change the weights: see `fitInTurn`. */
export async function* adaptInTurn(
  model: Model,
  corpus: Corpus,
  given: AdaptOptions,
  turn: () => boolean | Promise<boolean>,
): AsyncGenerator<StepRecord, void, void> {
  requireModel(model);
  requireOptions("adapt", given, OPTIONS);
  const { past, rehearse, weight, learningRate, ...others } = given;
  const { mostForgotten = Number.POSITIVE_INFINITY, ...options } = others;
  if (mostForgotten !== Number.POSITIVE_INFINITY)
    requireNumber("mostForgotten", mostForgotten, "a number above 0, or Infinity", (v) => v > 0);
  const inference = adaptation(model, { past, rehearse, weight, learningRate });
  requireCorpus(corpus);
  if (rehearse !== undefined) requireCorpus(rehearse, "rehearse");
  const text = rehearse ? corpus.rehearsing(rehearse) : corpus;
  const prior = inference.prior as PosteriorPrior;
  // A run that never began leaves the model to whoever holds it.
  let begun = false;
  try {
    for await (const record of fitInTurn(model, text, { ...options, inference }, turn)) {
      begun = true;
      yield record;
    }
  } finally {
    if (begun) await bound(model.posterior, prior, mostForgotten);
  }
}

interface Adaptation extends Pick<AdaptOptions, "past" | "weight" | "learningRate"> {
  /** Whatever is rehearsed. */
  readonly rehearse?: unknown;
}

/** The method that `adapt` trains by. @throws SviError `E_OPTION` */
export function adaptation(
  { posterior }: Model,
  {
    past = [posterior],
    rehearse,
    weight = rehearse ? WEIGHT_REHEARSED : WEIGHT,
    learningRate = LEARNING_RATE,
  }: Adaptation,
): IvonMethod {
  const prior = priorOf(past, posterior.layout.length, weight);
  return ivon({ prior, learningRate, clip: 1 });
}

/** The product of the posteriors, each to the power of its share: means weighted by precision, precisions averaged. */
function priorOf(past: readonly Posterior[], length: number, weight: number): PosteriorPrior {
  if (!Array.isArray(past) || past.length === 0 || past.some((one) => one?.layout?.length !== length))
    throw new SviError("E_OPTION", "past holds posteriors of another shape, or none", {
      option: "past",
      value: past?.length,
      remedy: "Give posteriors of models of this one's shape",
    });
  const priors = past.map((one) => posteriorPrior(one, { weight }));
  const share = 1 / priors.length;
  const precision = new Float32Array(length);
  const mean = new Float32Array(length);
  for (let i = 0; i < length; i++) {
    let [sum, weighted, plain] = [0, 0, 0];
    for (const prior of priors) {
      sum += prior.precision[i];
      weighted += prior.precision[i] * prior.mean[i];
      plain += prior.mean[i];
    }
    precision[i] = share * sum;
    // Biases have no precision.
    mean[i] = sum > 0 ? weighted / sum : share * plain;
  }
  return {
    kind: "posterior",
    mean,
    precision,
    lambda: share * priors.reduce((sum, { lambda }) => sum + lambda, 0),
  };
}

/**
 * What the past's loss rises by where its curvature is that of the prior: ½ Σ precision · (mean − prior mean)² / λ, in
 * nats a token. Both are scaled by the weight alike.
 */
export function forgotten(mean: Float32Array, prior: PosteriorPrior): number {
  let sum = 0;
  for (let i = 0; i < mean.length; i++) {
    const moved = mean[i] - prior.mean[i];
    sum += prior.precision[i] * moved * moved;
  }
  return sum / (2 * prior.lambda);
}

/** Takes the mean back along the way it came, as far as the bound asks. */
async function bound(posterior: Posterior, prior: PosteriorPrior, most: number): Promise<void> {
  if (most === Number.POSITIVE_INFINITY) return;
  const { mean, precision, lambda } = posterior;
  const rise = forgotten(mean, prior);
  if (!(rise > most)) return;
  const share = Math.sqrt(most / rise);
  const taken = mean.map((m, i) => prior.mean[i] + share * (m - prior.mean[i]));
  await drive(posterior.assign(taken, precision, lambda));
}
