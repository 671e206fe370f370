/** @module Stochastic gradient descent with momentum, PyTorch's convention: u = momentum·u + g, w -= rate·u. */
import type { Optimiser, Rates } from "./delta.ts";
import { DeltaGuide } from "./delta.ts";
import type { Vectors } from "./guide.ts";
import {
  bound,
  type Common,
  described,
  fraction,
  type GaussianPrior,
  type MethodEntry,
  positive,
  requireGiven,
  requirePrior,
} from "./method.ts";

export interface SgdMethod extends Common {
  readonly kind: "sgd";
  readonly momentum: number;
  /** MAP where given, else maximum likelihood. */
  readonly prior: GaussianPrior | null;
}

/**
 * Maximum likelihood (MAP with a prior) by stochastic gradient descent with momentum, PyTorch's convention.
 * @throws SviError `E_OPTION` where a value is out of range
 */
export function sgd(options: Partial<Omit<SgdMethod, "kind">> = {}): SgdMethod {
  requireGiven("sgd", options);
  const method: SgdMethod = {
    kind: "sgd",
    learningRate: positive("learningRate", options.learningRate ?? 1),
    clip: bound("clip", options.clip ?? 1),
    momentum: fraction("momentum", options.momentum ?? 0.9),
    prior: requirePrior(options.prior, "gaussian"),
  };
  return described(method, options);
}

class Sgd implements Optimiser {
  readonly #v: Vectors;
  readonly #momentum: number;
  readonly #velocity: number;

  constructor(vectors: Vectors, options: { readonly momentum: number }) {
    this.#v = vectors;
    this.#momentum = options.momentum;
    this.#velocity = vectors.array("momentum");
  }

  advance(): void {}

  /** `at` is the segment's byte offset in the optimiser's own arrays. */
  step(weights: number, gradient: number, at: number, size: number, rates: Rates): void {
    const { learningRate, scale, decay } = rates;
    this.#v.k.sgdStep(
      weights,
      this.#velocity + at,
      gradient,
      size,
      learningRate,
      this.#momentum,
      scale,
      decay,
    );
  }
}

export const SGD: MethodEntry<SgdMethod> = {
  describe: sgd,
  posterior: false,
  guide: (context, method) => new DeltaGuide(context, method, (vectors) => new Sgd(vectors, method)),
};
