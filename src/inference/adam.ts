/** @module Adam (Kingma and Ba 2015, algorithm 1), in PyTorch's form. */
import { DeltaGuide, type Optimiser, type Rates } from "./delta.ts";
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

export interface AdamMethod extends Common {
  readonly kind: "adam";
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly prior: GaussianPrior | null;
}

/**
 * Maximum likelihood (MAP with a prior) by Adam (Kingma and Ba 2015), PyTorch's convention.
 * @throws SviError `E_OPTION` where a value is out of range
 */
export function adam(options: Partial<Omit<AdamMethod, "kind">> = {}): AdamMethod {
  requireGiven("adam", options);
  const method: AdamMethod = {
    kind: "adam",
    learningRate: positive("learningRate", options.learningRate ?? 0.01),
    clip: bound("clip", options.clip ?? 1),
    beta1: fraction("beta1", options.beta1 ?? 0.9),
    beta2: fraction("beta2", options.beta2 ?? 0.999),
    epsilon: positive("epsilon", options.epsilon ?? 1e-8),
    prior: requirePrior(options.prior, "gaussian"),
  };
  return described(method, options);
}

export class Adam implements Optimiser {
  readonly #v: Vectors;
  readonly #options: { readonly beta1: number; readonly beta2: number; readonly epsilon: number };
  readonly #first: number;
  readonly #second: number;
  /** β1^t and β2^t, by multiplication: powers of the engine's own differ between engines. */
  readonly #powers: number[];

  /** @param prefix of the names of its state, where a guide has several */
  constructor(
    vectors: Vectors,
    options: { readonly beta1: number; readonly beta2: number; readonly epsilon: number },
    prefix = "",
  ) {
    this.#v = vectors;
    this.#options = options;
    this.#first = vectors.array(`${prefix}firstMoment`);
    this.#second = vectors.array(`${prefix}secondMoment`);
    this.#powers = vectors.state.numbers(`${prefix}powers`, [1, 1]);
  }

  /** Begins an update of all segments. */
  advance(): void {
    this.#powers[0] *= this.#options.beta1;
    this.#powers[1] *= this.#options.beta2;
  }

  /** `at` is the segment's byte offset in the optimiser's own arrays. */
  step(weights: number, gradient: number, at: number, size: number, rates: Rates): void {
    const { beta1, beta2, epsilon } = this.#options;
    this.#v.k.adamStep(
      weights,
      this.#first + at,
      this.#second + at,
      gradient,
      size,
      rates.learningRate,
      beta1,
      beta2,
      epsilon,
      1 / (1 - this.#powers[0]),
      1 / (1 - this.#powers[1]),
      rates.scale,
      rates.decay,
    );
  }
}

export const ADAM: MethodEntry<AdamMethod> = {
  describe: adam,
  posterior: false,
  guide: (context, method) => new DeltaGuide(context, method, (vectors) => new Adam(vectors, method)),
};
