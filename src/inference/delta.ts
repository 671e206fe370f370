/** @module The delta guide: all mass on one point, so that the ELBO is the likelihood (MLE), or MAP with a prior. */
import { ready, type Slices } from "../model/work.ts";
import { clipFactor, type Guide, type GuideContext, type Position, type Update, Vectors } from "./guide.ts";
import type { GaussianPrior } from "./method.ts";
import type { State } from "./state.ts";

export interface Rates {
  readonly learningRate: number;
  /** Factor of the gradient, from clipping. */
  readonly scale: number;
  /** Pull towards 0 of a Gaussian prior. */
  readonly decay: number;
}

/** Follows a gradient, segment by segment. */
export interface Optimiser {
  /** Begins an update of all segments. */
  advance(): void;
  /** `at` is the segment's byte offset in the optimiser's own arrays. */
  step(weights: number, gradient: number, at: number, size: number, rates: Rates): void;
}

export class DeltaGuide implements Guide {
  readonly particles = 1;
  readonly mean: number;
  readonly theta: number;
  readonly gradient: number;
  readonly state: State;
  readonly #v: Vectors;
  readonly #clip: number;
  readonly #decay: number;
  readonly #optimiser: Optimiser;

  constructor(
    context: GuideContext,
    method: { readonly clip: number; readonly prior: GaussianPrior | null },
    optimiser: (vectors: Vectors) => Optimiser,
  ) {
    this.#v = new Vectors(context);
    this.state = this.#v.state;
    this.mean = this.#v.array("mean");
    this.theta = this.mean;
    this.gradient = this.#v.array();
    this.#clip = method.clip;
    this.#decay = method.prior ? 1 / (context.lambda * method.prior.scale * method.prior.scale) : 0;
    this.#optimiser = optimiser(this.#v);
  }

  start(mean: Float32Array): Slices {
    return this.#v.copy(this.#v.view(this.mean), mean);
  }

  draw(): Slices {
    return ready(undefined);
  }

  gather(): Slices {
    return ready(undefined);
  }

  *update({ learningRate }: Position): Slices<Update> {
    const gradientNorm = yield* this.#v.norm(this.gradient);
    const scale = clipFactor(gradientNorm, this.#clip);
    this.#optimiser.advance();
    yield* this.#v.each(({ segment, size }, at) => {
      const decay = segment.bias ? 0 : this.#decay;
      this.#optimiser.step(this.mean + at, this.gradient + at, at, size, { learningRate, scale, decay });
    });
    return { gradientNorm };
  }

  kl(): Slices<number> {
    return ready(0);
  }

  klWeight(): number {
    return 1;
  }

  noise(): number {
    return 0;
  }

  precision(): Slices<boolean> {
    return ready(false);
  }

  hessianRatio(): null {
    return null;
  }
}
