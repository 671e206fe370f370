/** @module The trained state of a model: a mean and, where inference gave one, a precision for every weight. */
import { SviError } from "../errors.ts";
import type { ModelConfiguration } from "./configuration.ts";
import { type Layout, layoutOf } from "./layout.ts";
import { finish, PART, type Slices, Work } from "./work.ts";

/** Operations that take as long as copying two numbers. */
const COPY = 60;

export class Posterior {
  readonly configuration: ModelConfiguration;
  readonly layout: Layout;
  #mean: Float32Array;
  #precision: Float32Array | null;
  #lambda: number | null;
  /** Brings the arrays up to date while a run of inference holds the weights. */
  #pull: (() => Slices) | null = null;
  /** Counts the beginnings and the ends of changes. */
  #version = 0;
  #disposed = false;

  /**
   * @param mean flat vector, [layout.length]
   * @param precision the same, one over the variance of each weight and 0 for biases; null for a point estimate
   * @param lambda effective number of tokens that the precision was found with
   */
  constructor(
    configuration: ModelConfiguration,
    mean: Float32Array,
    precision: Float32Array | null,
    lambda: number | null,
  ) {
    this.configuration = configuration;
    this.layout = layoutOf(configuration);
    this.#mean = mean;
    this.#precision = precision;
    this.#lambda = lambda;
  }

  /** Vue and its like leave it as it is: a proxy of it would have no private fields. */
  get [Symbol.toStringTag](): string {
    return "Posterior";
  }

  /** Flat vector of means, as of the last finished step. @throws SviError `E_DISPOSED` */
  get mean(): Float32Array {
    this.#current();
    return this.#mean;
  }

  /** Flat vector of precisions, or null for a point estimate. @throws SviError `E_DISPOSED` */
  get precision(): Float32Array | null {
    this.#current();
    return this.#precision;
  }

  /** Another number after every change of the weights. */
  get version(): number {
    this.#current();
    return this.#version;
  }

  get lambda(): number | null {
    return this.#lambda;
  }

  #current(): void {
    if (this.#disposed)
      throw new SviError("E_DISPOSED", "The model has been disposed", { remedy: "Load or create it again" });
    if (this.#pull) finish(this.#pull());
  }

  /**
   * Takes the weights for one run of inference, until `unlock`.
   * @param pull brings the arrays up to date when somebody reads them meanwhile
   * @throws SviError `E_BUSY` while another run holds them
   */
  lock(pull: () => Slices): void {
    this.#current();
    if (this.#pull)
      throw new SviError("E_BUSY", "The model is being trained by another fit", {
        remedy: "Finish or break out of that one first, or train a copy",
      });
    this.#pull = pull;
  }

  unlock(): void {
    this.#pull = null;
  }

  /** Copies new values in. */
  *assign(mean: Float32Array, precision: Float32Array | null, lambda: number | null): Slices {
    this.#version++;
    const known = precision && (this.#precision ?? new Float32Array(mean.length));
    yield* new Work().parts(mean.length, PART, COPY, (from, size) => {
      const to = from + size;
      this.#mean.set(mean.subarray(from, to), from);
      if (precision) known!.set(precision.subarray(from, to), from);
    });
    this.#precision = known;
    this.#lambda = lambda;
    this.#version++;
  }

  /**
   * Copies mean and precision out, as they are at one moment, also between the slices of a run.
   * @throws SviError `E_DISPOSED`
   */
  *read(mean: Float32Array, precision: Float32Array | null): Slices {
    for (;;) {
      this.#current();
      const version = this.#version;
      yield* new Work().parts(this.layout.length, PART, COPY, (from, size) => {
        const to = from + size;
        mean.set(this.#mean.subarray(from, to), from);
        if (precision) precision.set(this.#precision!.subarray(from, to), from);
      });
      if (version === this.#version) return;
    }
  }

  /** Drops the arrays; every later use throws. @throws SviError `E_BUSY` while a run of inference holds them */
  dispose(): void {
    if (this.#pull)
      throw new SviError("E_BUSY", "The model is being trained", {
        remedy: "Finish or break out of the fit first",
      });
    this.#disposed = true;
    this.#mean = new Float32Array(0);
    this.#precision = null;
  }
}
