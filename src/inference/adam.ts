/** @module Adam (Kingma and Ba 2015, algorithm 1), in PyTorch's form. */
import type { NamedArray, Vectors } from "./guide.ts";
import type { Rates } from "./sgd.ts";

export class Adam {
  readonly #v: Vectors;
  readonly #options: { readonly beta1: number; readonly beta2: number; readonly epsilon: number };
  readonly #first: number;
  readonly #second: number;
  readonly #prefix: string;
  /** β1^t and β2^t, by multiplication: powers of the engine's own differ between engines. */
  #power1 = 1;
  #power2 = 1;

  constructor(
    vectors: Vectors,
    options: { readonly beta1: number; readonly beta2: number; readonly epsilon: number },
    prefix = "",
  ) {
    this.#v = vectors;
    this.#options = options;
    this.#prefix = prefix;
    this.#first = vectors.array();
    this.#second = vectors.array();
  }

  /** Begins an update of all segments. */
  advance(): void {
    this.#power1 *= this.#options.beta1;
    this.#power2 *= this.#options.beta2;
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
      1 / (1 - this.#power1),
      1 / (1 - this.#power2),
      rates.scale,
      rates.decay,
    );
  }

  arrays(): NamedArray[] {
    return [
      { name: `${this.#prefix}firstMoment`, address: this.#first },
      { name: `${this.#prefix}secondMoment`, address: this.#second },
    ];
  }

  scalars(): Record<string, number[]> {
    return { [`${this.#prefix}powers`]: [this.#power1, this.#power2] };
  }

  restore(scalars: Record<string, number[]>): void {
    [this.#power1, this.#power2] = scalars[`${this.#prefix}powers`];
  }
}
