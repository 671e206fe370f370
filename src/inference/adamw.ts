/** @module AdamW: Adam with decoupled weight decay (Loshchilov and Hutter 2019, algorithm 2), in PyTorch's form. */
import { requireNumber } from "../errors.ts";
import { Adam } from "./adam.ts";
import { DeltaGuide, type Optimiser, type Rates } from "./delta.ts";
import type { Vectors } from "./guide.ts";
import {
  bound,
  type Common,
  described,
  fraction,
  type MethodEntry,
  positive,
  requireGiven,
} from "./method.ts";

export interface AdamWMethod extends Common {
  readonly kind: "adamw";
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** Every weight, biases too, is multiplied by 1 − learning rate × this before Adam's step. */
  readonly weightDecay: number;
}

/**
 * Maximum likelihood by AdamW: weights decay by themselves, not through the gradient that Adam scales. As
 * `torch.optim.AdamW` over all parameters.
 *
 * ```ts
 * fit(model, corpus, { inference: adamw({ learningRate: 0.005, weightDecay: 0.1 }) });
 * ```
 *
 * @throws SviError `E_OPTION` where a value is out of range
 */
export function adamw(options: Partial<Omit<AdamWMethod, "kind">> = {}): AdamWMethod {
  requireGiven("adamw", options);
  const method: AdamWMethod = {
    kind: "adamw",
    learningRate: positive("learningRate", options.learningRate ?? 0.01),
    clip: bound("clip", options.clip ?? 1),
    beta1: fraction("beta1", options.beta1 ?? 0.9),
    beta2: fraction("beta2", options.beta2 ?? 0.999),
    epsilon: positive("epsilon", options.epsilon ?? 1e-8),
    weightDecay: requireNumber(
      "weightDecay",
      options.weightDecay ?? 0.01,
      "a number from 0 on",
      (v) => v >= 0,
    ),
  };
  return described(method, options);
}

class AdamW implements Optimiser {
  readonly #v: Vectors;
  readonly #adam: Adam;
  readonly #weightDecay: number;

  constructor(vectors: Vectors, method: AdamWMethod) {
    this.#v = vectors;
    this.#adam = new Adam(vectors, method);
    this.#weightDecay = method.weightDecay;
  }

  advance(): void {
    this.#adam.advance();
  }

  step(weights: number, gradient: number, at: number, size: number, rates: Rates): void {
    this.#v.k.axpby(weights, 1 - rates.learningRate * this.#weightDecay, weights, 0, size);
    this.#adam.step(weights, gradient, at, size, rates);
  }
}

export const ADAMW: MethodEntry<AdamWMethod> = {
  describe: adamw,
  posterior: false,
  guide: (context, method) =>
    new DeltaGuide(context, { ...method, prior: null }, (vectors) => new AdamW(vectors, method)),
};
