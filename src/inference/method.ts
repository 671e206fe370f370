/** @module What the descriptions of methods share: priors, and how their numbers are checked. */
import { requireNumber, SviError, wrongOption } from "../errors.ts";
import { requireOptions, shown, unknownOption } from "../options.ts";
import type { Guide, GuideContext } from "./guide.ts";

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

/** N(mean, 1 / precision), one of each for every weight: what was learnt from `lambda` tokens before. */
export interface PosteriorPrior {
  readonly kind: "posterior";
  /** Flat vectors, [layout.length]. */
  readonly mean: Float32Array;
  readonly precision: Float32Array;
  readonly lambda: number;
}

export type Prior = GaussianPrior | ScaleMixturePrior;

/** What every method's description has. */
export interface Common<Rate extends number | null = number> {
  /** Step size at its highest; the schedule scales it. null: by the length of the run. */
  readonly learningRate: Rate;
  /** Bound on the gradient's global 2-norm, in nats a token; Infinity for none. */
  readonly clip: number;
}

/** A method as the registry has it. */
export interface MethodEntry<M extends Common<number | null>> {
  /** Fills in defaults. @throws SviError `E_OPTION` where a value is out of range */
  readonly describe: (options?: Partial<Omit<M, "kind">>) => M;
  /** Whether it finds a posterior over the weights, which can be sampled. */
  readonly posterior: boolean;
  readonly guide: (context: GuideContext, method: M) => Guide;
}

export const positive = (name: string, value: number) =>
  requireNumber(name, value, "a number above 0", (v) => v > 0);
export const fraction = (name: string, value: number) =>
  requireNumber(name, value, "a number from 0 up to, and without, 1", (v) => v >= 0 && v < 1);
export const share = (name: string, value: number) =>
  requireNumber(name, value, "a number from 0 to 1", (v) => v >= 0 && v <= 1);
export const bound = (name: string, value: number) =>
  value === Number.POSITIVE_INFINITY ? value : positive(name, value);
export const optional = (name: string, value: number | null | undefined) =>
  value == null ? null : positive(name, value);

/** @throws SviError `E_OPTION` for what is not an object of options */
export function requireGiven(kind: string, options: object): void {
  if (typeof options !== "object" || options === null)
    throw wrongOption(
      "options",
      options,
      "an object, such as { learningRate: 0.01 }",
      `The options object of ${kind}`,
    );
}

/**
 * A description, whose options are all among those that there are.
 * @param options as they were given to the function that made it
 * @throws SviError `E_OPTION` for others
 */
export function described<M extends Common<number | null> & { readonly kind: string }>(
  method: M,
  options: object,
  more: readonly string[] = [],
): M {
  const names = [...Object.keys(method), ...more].filter((name) => name !== "kind");
  for (const name of Object.keys(options))
    if (!names.includes(name) && name !== "kind") throw unknownOption(method.kind, name, names);
  return method;
}

/** @throws SviError `E_OPTION` for what is not a prior of one of these kinds */
export function requirePrior<P extends Prior | PosteriorPrior>(
  prior: P | null | undefined,
  ...kinds: P["kind"][]
): P | null {
  if (prior === null || prior === undefined) return null;
  if (!kinds.includes(prior.kind))
    throw new SviError("E_OPTION", `prior is ${shown(prior)}`, {
      option: "prior",
      value: prior,
      remedy: "Give gaussianPrior(0.3), or another prior that the method takes",
    });
  if (prior.kind === "gaussian") positive("prior scale", prior.scale);
  if (prior.kind === "posterior") positive("prior lambda", prior.lambda);
  return prior;
}

/** N(0, scale²). @throws SviError `E_OPTION` */
export function gaussianPrior(scale = 1): GaussianPrior {
  return { kind: "gaussian", scale: positive("prior scale", scale) };
}

/**
 * A model's posterior as the prior of a run of `ivon`: what was learnt counts for as many tokens as it was learnt from.
 * The arrays are copied.
 *
 * @param options `weight` (1 by default): below 1 it counts for less, so that a new text changes it more; `precision` and `lambda` are multiplied
 * @throws SviError `E_OPTION` for a model without a posterior, and a weight out of range
 */
export function posteriorPrior(
  posterior: {
    readonly mean: Float32Array;
    readonly precision: Float32Array | null;
    readonly lambda: number | null;
  },
  options: { readonly weight?: number } = {},
): PosteriorPrior {
  requireOptions("posteriorPrior", options, { weight: "number" });
  const weight = positive("weight", options.weight ?? 1);
  if (typeof posterior?.mean?.slice !== "function")
    throw wrongOption("posterior", posterior, "model.posterior", "The posterior");
  const { mean, precision, lambda } = posterior;
  if (!precision || lambda === null)
    throw new SviError("E_OPTION", "prior is that of a model without a posterior", {
      option: "prior",
      value: lambda,
      remedy: "Give the posterior of a model that ivon or bbb trained",
    });
  return {
    kind: "posterior",
    mean: mean.slice(),
    precision: precision.map((value) => value * weight),
    lambda: lambda * weight,
  };
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
