/** @module Stochastic gradient descent with momentum, PyTorch's convention: u = momentum·u + g, w -= rate·u. */
import type { NamedArray, Vectors } from "./guide.ts";

export interface Rates {
  readonly learningRate: number;
  /** Factor of the gradient, from clipping. */
  readonly scale: number;
  /** Pull towards 0 of a Gaussian prior. */
  readonly decay: number;
}

export class Sgd {
  readonly #v: Vectors;
  readonly #momentum: number;
  readonly #velocity: number;

  constructor(vectors: Vectors, options: { readonly momentum: number }) {
    this.#v = vectors;
    this.#momentum = options.momentum;
    this.#velocity = vectors.array();
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

  arrays(): NamedArray[] {
    return [{ name: "momentum", address: this.#velocity }];
  }

  scalars(): Record<string, number[]> {
    return {};
  }

  restore(): void {}
}
