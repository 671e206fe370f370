/** @module What a run of inference is asked to do: plain descriptions, which files and step records can hold. */
import { requireInteger, requireNumber } from "../errors.ts";

/** Gaussian prior N(0, scale²) of every weight; biases have none. */
export interface GaussianPrior {
  readonly kind: "gaussian";
  readonly scale: number;
}

/** π N(0, scale1²) + (1 - π) N(0, scale2²), per weight (Blundell et al. 2015, section 3.3). */
export interface ScaleMixturePrior {
  readonly kind: "scale-mixture";
  readonly pi: number;
  readonly scale1: number;
  readonly scale2: number;
}

export type Prior = GaussianPrior | ScaleMixturePrior;

interface Common {
  /** Step size at its highest; the schedule scales it. */
  readonly learningRate: number;
  /** Bound on the gradient's global 2-norm, in nats a token; Infinity for none. */
  readonly clip: number;
}

export interface SgdMethod extends Common {
  readonly kind: "sgd";
  readonly momentum: number;
  /** MAP where given, else maximum likelihood. */
  readonly prior: GaussianPrior | null;
}

export interface AdamMethod extends Common {
  readonly kind: "adam";
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly prior: GaussianPrior | null;
}

export interface MeanFieldMethod extends Common {
  readonly kind: "bbb";
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly prior: Prior;
  /** Standard deviation of the guide at the start. */
  readonly initialDeviation: number;
  readonly particles: number;
  /** Effective number of tokens; null for those of the corpus over the temperature. */
  readonly lambda: number | null;
  /** Of the posterior, where lambda is null: 1 is the ELBO's own. */
  readonly temperature: number;
  /** Fraction of the run over which the KL's weight rises from 0 to 1. */
  readonly klWarmup: number;
}

/** How far rows of weights move in a step, relative to each other, by what they read or make. */
export interface Strides {
  readonly embedding: number;
  /** What the first layer reads the embedding with. */
  readonly input: number;
  readonly recurrent: number;
  readonly output: number;
}

export interface IvonMethod extends Common {
  readonly kind: "ivon";
  readonly beta1: number;
  /** Memory of the Hessian estimate; null ties 1 - β2 to the length of the run. */
  readonly beta2: number | null;
  /** Hessian at the start, in nats per squared weight, on average; null derives its level from the gradients. */
  readonly h0: number | null;
  /**
   * Where h0 is derived: what full noise may cost, in nats a token, by the curvature of the time; null for 0.005
   * a pass over the effective tokens, at most 0.05, and 0.1 where the vocabulary has 400 entries or more.
   */
  readonly noiseCost: number | null;
  /** First steps, whose gradients h0 is derived from and spread over rows by; 0 leaves it even, and as it was. */
  readonly probe: number;
  readonly prior: GaussianPrior;
  readonly particles: number;
  /** Effective number of tokens; null for those of the corpus over the temperature. */
  readonly lambda: number | null;
  /** Of the posterior, where lambda is null: 1 is the ELBO's own, less is colder. */
  readonly temperature: number;
  /**
   * Fraction of the run over which the noise rises from 0 to its full size; null for three passes over the
   * effective tokens, at most 0.6.
   */
  readonly noiseRamp: number | null;
  /** Noise's standard deviations at which a Hessian estimate counts as an outlier. */
  readonly clamp: number;
  /** Left away they follow from the vocabulary; all 1 moves all rows alike. */
  readonly strides?: Strides;
  /** Bound on a weight's preconditioned direction (the paper's clip radius ξ). */
  readonly maximumStep: number;
}

export type Method = SgdMethod | AdamMethod | MeanFieldMethod | IvonMethod;

const positive = (name: string, value: number) =>
  requireNumber(name, value, "a number above 0", (v) => v > 0);
const fraction = (name: string, value: number) =>
  requireNumber(name, value, "a number from 0 up to, and without, 1", (v) => v >= 0 && v < 1);
const share = (name: string, value: number) =>
  requireNumber(name, value, "a number from 0 to 1", (v) => v >= 0 && v <= 1);
const bound = (name: string, value: number) =>
  value === Number.POSITIVE_INFINITY ? value : positive(name, value);
const optional = (name: string, value: number | null | undefined) =>
  value == null ? null : positive(name, value);

function requireStrides({ embedding, input, recurrent, output }: Strides): Strides {
  return {
    embedding: positive("strides.embedding", embedding),
    input: positive("strides.input", input),
    recurrent: positive("strides.recurrent", recurrent),
    output: positive("strides.output", output),
  };
}

/** N(0, scale²). @throws SviError `E_OPTION` */
export function gaussianPrior(scale = 1): GaussianPrior {
  return { kind: "gaussian", scale: positive("prior scale", scale) };
}

/** Defaults are those of Fortunato et al. 2017: π 0.25, scales e^-1 and e^-7. @throws SviError `E_OPTION` */
export function scaleMixturePrior(pi = 0.25, scale1 = 0.36787944, scale2 = 0.000911882): ScaleMixturePrior {
  return {
    kind: "scale-mixture",
    pi: share("pi", pi),
    scale1: positive("prior scale 1", scale1),
    scale2: positive("prior scale 2", scale2),
  };
}

/**
 * Maximum likelihood (MAP with a prior) by stochastic gradient descent with momentum, PyTorch's convention.
 * @throws SviError `E_OPTION` where a value is out of range
 */
export function sgd(options: Partial<Omit<SgdMethod, "kind">> = {}): SgdMethod {
  return {
    kind: "sgd",
    learningRate: positive("learningRate", options.learningRate ?? 1),
    clip: bound("clip", options.clip ?? 1),
    momentum: fraction("momentum", options.momentum ?? 0.9),
    prior: options.prior ?? null,
  };
}

/**
 * Maximum likelihood (MAP with a prior) by Adam (Kingma and Ba 2015), PyTorch's convention.
 * @throws SviError `E_OPTION` where a value is out of range
 */
export function adam(options: Partial<Omit<AdamMethod, "kind">> = {}): AdamMethod {
  return {
    kind: "adam",
    learningRate: positive("learningRate", options.learningRate ?? 0.01),
    clip: bound("clip", options.clip ?? 1),
    beta1: fraction("beta1", options.beta1 ?? 0.9),
    beta2: fraction("beta2", options.beta2 ?? 0.999),
    epsilon: positive("epsilon", options.epsilon ?? 1e-8),
    prior: options.prior ?? null,
  };
}

/**
 * Bayes by Backprop (Blundell et al. 2015): a diagonal normal guide, its mean and ρ followed by Adam.
 * @throws SviError `E_OPTION` where a value is out of range
 */
export function bayesByBackprop(options: Partial<Omit<MeanFieldMethod, "kind">> = {}): MeanFieldMethod {
  return {
    kind: "bbb",
    learningRate: positive("learningRate", options.learningRate ?? 0.006),
    clip: bound("clip", options.clip ?? 1),
    beta1: fraction("beta1", options.beta1 ?? 0.9),
    beta2: fraction("beta2", options.beta2 ?? 0.999),
    epsilon: positive("epsilon", options.epsilon ?? 1e-8),
    prior: options.prior ?? gaussianPrior(1),
    initialDeviation: positive("initialDeviation", options.initialDeviation ?? 0.02),
    particles: requireInteger("particles", options.particles ?? 1, 1, 64),
    lambda: optional("lambda", options.lambda),
    temperature: positive("temperature", options.temperature ?? 1),
    klWarmup: share("klWarmup", options.klWarmup ?? 0),
  };
}

/**
 * Natural-gradient mean field by IVON (Shen et al. 2024), the default. Its learning rate is on SGD's scale, and
 * momentum is an average: 10 here moves as far as 4 does in heavy-ball SGD at momentum 0.6.
 * @throws SviError `E_OPTION` where a value is out of range
 */
export function ivon(options: Partial<Omit<IvonMethod, "kind">> = {}): IvonMethod {
  const learningRate = positive("learningRate", options.learningRate ?? 8);
  if (options.beta2 != null) fraction("beta2", options.beta2);
  return {
    kind: "ivon",
    learningRate,
    clip: bound("clip", options.clip ?? 1),
    beta1: fraction("beta1", options.beta1 ?? 0.6),
    beta2: options.beta2 ?? null,
    h0: optional("h0", options.h0),
    noiseCost: optional("noiseCost", options.noiseCost),
    probe: requireInteger("probe", options.probe ?? 40, 0),
    prior: options.prior ?? gaussianPrior(0.3),
    particles: requireInteger("particles", options.particles ?? 1, 1, 64),
    lambda: optional("lambda", options.lambda),
    temperature: positive("temperature", options.temperature ?? 1),
    noiseRamp: options.noiseRamp == null ? null : share("noiseRamp", options.noiseRamp),
    clamp: bound("clamp", options.clamp ?? 4),
    ...(options.strides && { strides: requireStrides(options.strides) }),
    maximumStep: bound("maximumStep", options.maximumStep ?? Number.POSITIVE_INFINITY),
  };
}
