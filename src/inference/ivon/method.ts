/** @module What a run of IVON is asked to do. */
import { requireInteger, requireNumber, SviError } from "../../errors.ts";
import { shown } from "../../options.ts";
import {
  bound,
  type Common,
  described,
  fraction,
  type GaussianPrior,
  optional,
  type PosteriorPrior,
  positive,
  requireGiven,
  requirePrior,
  share,
} from "../method.ts";

/** How far rows of weights move in a step, relative to each other, by what they read or make. */
export interface Strides {
  readonly embedding: number;
  /** What the first layer reads the embedding with. */
  readonly input: number;
  readonly recurrent: number;
  readonly output: number;
}

export interface IvonMethod extends Common<number | null> {
  readonly kind: "ivon";
  /**
   * Step size at its highest; the schedule scales it. null for 20 (300/steps · tokens/1024 / epochs)^¼, at most 28, with
   * the scored tokens of a step, 80 √(1024/tokens) steps at least, and epochs of the effective tokens, 1 at least; half of
   * that where the schedule is constant; 8 where what was learnt before is the prior.
   */
  readonly learningRate: number | null;
  readonly beta1: number;
  /** Memory of the Hessian estimate; null ties 1 - β2 to the length of the run. */
  readonly beta2: number | null;
  /** Hessian at the start, in nats per squared weight, on average; null derives its level from the gradients. */
  readonly h0: number | null;
  /**
   * Where h0 is derived: what full noise may cost, in nats a token, by the curvature of the time; null for 0.005
   * an epoch of the effective tokens, at most 0.05, and 0.1 where the vocabulary has 400 entries or more.
   */
  readonly noiseCost: number | null;
  /** First steps, whose gradients h0 is derived from and spread over rows by; 0 leaves it even, and as it was. */
  readonly probe: number;
  /**
   * N(0, scale²) of every weight, or what was learnt before; null for N(0, 0.3²) where the model has no posterior yet,
   * and for its posterior where it has one.
   */
  readonly prior: GaussianPrior | PosteriorPrior | null;
  readonly particles: number;
  /**
   * False for a point estimate: gradients are taken at the mean, and n·g², with the n tokens of a minibatch and its mean
   * gradient g, takes the place of the Hessian's estimate. What the noise is worth can be measured by it.
   */
  readonly noise?: boolean;
  /** Effective number of tokens; null for those of the corpus over the temperature. */
  readonly lambda: number | null;
  /** Of the posterior, where lambda is null: 1 is the ELBO's own, less is colder. */
  readonly temperature: number;
  /**
   * Fraction of the run over which the noise rises from 0 to its full size; null for three epochs of the
   * effective tokens, at most 0.6.
   */
  readonly noiseRamp: number | null;
  /** Noise's standard deviations at which a Hessian estimate counts as an outlier. */
  readonly clamp: number;
  /** Where omitted they follow from the vocabulary; all 1 moves all rows alike. */
  readonly strides?: Strides;
  /**
   * An embedding that starts from N(0, 1) shrinks by e to this power over the run, ever more slowly, besides what it
   * learns: it is large at first, when that helps, and not at the end. Not where the model has a posterior.
   */
  readonly embeddingDecay: number;
  /** Bound on a weight's preconditioned direction (the paper's clip radius ξ). */
  readonly maximumStep: number;
}

function requireStrides({ embedding, input, recurrent, output }: Strides): Strides {
  return {
    embedding: positive("strides.embedding", embedding),
    input: positive("strides.input", input),
    recurrent: positive("strides.recurrent", recurrent),
    output: positive("strides.output", output),
  };
}

/**
 * Natural-gradient mean field by IVON (Shen et al. 2024), the default. Its learning rate is on SGD's scale, and
 * momentum is an average: 10 here moves as far as 4 does in heavy-ball SGD at momentum 0.6.
 * @throws SviError `E_OPTION` where a value is out of range
 */
export function ivon(options: Partial<Omit<IvonMethod, "kind">> = {}): IvonMethod {
  requireGiven("ivon", options);
  if (options.beta2 != null) fraction("beta2", options.beta2);
  const method: IvonMethod = {
    kind: "ivon",
    learningRate: optional("learningRate", options.learningRate),
    clip: bound("clip", options.clip ?? 0.3),
    beta1: fraction("beta1", options.beta1 ?? 0.6),
    beta2: options.beta2 ?? null,
    h0: optional("h0", options.h0),
    noiseCost: optional("noiseCost", options.noiseCost),
    probe: requireInteger("probe", options.probe ?? 40, 0),
    prior: requirePrior(options.prior, "gaussian", "posterior"),
    particles: requireInteger("particles", options.particles ?? 1, 1, 64),
    lambda: optional("lambda", options.lambda),
    temperature: positive("temperature", options.temperature ?? 1),
    noiseRamp: options.noiseRamp == null ? null : share("noiseRamp", options.noiseRamp),
    clamp: bound("clamp", options.clamp ?? 4),
    ...(options.strides && { strides: requireStrides(options.strides) }),
    ...(options.noise === false && { noise: false }),
    embeddingDecay: requireNumber(
      "embeddingDecay",
      options.embeddingDecay ?? 1.2,
      "a number from 0 up",
      (value) => value >= 0 && value < Number.POSITIVE_INFINITY,
    ),
    maximumStep: bound("maximumStep", options.maximumStep ?? Number.POSITIVE_INFINITY),
  };
  requireNoise(options.noise, method);
  return described(method, options, ["strides", "noise"]);
}

/** @throws SviError `E_OPTION` for options of a noise that there is not */
function requireNoise(noise: unknown, { particles, noiseCost, noiseRamp }: IvonMethod): void {
  if (noise === undefined || noise === true) return;
  if (noise !== false)
    throw new SviError("E_OPTION", `noise is ${shown(noise)}`, {
      option: "noise",
      value: noise,
      remedy: "Give true or false",
    });
  const given = { particles: particles > 1, noiseCost: noiseCost !== null, noiseRamp: noiseRamp !== null };
  for (const [option, is] of Object.entries(given))
    if (is)
      throw new SviError("E_OPTION", `${option} was given along with noise: false`, {
        option,
        value: { particles, noiseCost, noiseRamp }[option],
        remedy: "Omit one of them",
      });
}
