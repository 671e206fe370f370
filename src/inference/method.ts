/** @module What the descriptions of methods share: priors, and how their numbers are checked. */
import { requireNumber } from "../errors.ts";
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

export type Prior = GaussianPrior | ScaleMixturePrior;

/** What every method's description has. */
export interface Common {
  /** Step size at its highest; the schedule scales it. */
  readonly learningRate: number;
  /** Bound on the gradient's global 2-norm, in nats a token; Infinity for none. */
  readonly clip: number;
}

/** A method as the registry has it. */
export interface MethodEntry<M extends Common> {
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
