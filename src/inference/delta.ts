/** @module The delta guide: all mass on one point, so that the ELBO is the likelihood (MLE), or MAP with a prior. */
import { ready, type Slices } from "../model/work.ts";
import { Adam } from "./adam.ts";
import { clipFactor, type Guide, type GuideContext, type Position, type Update, Vectors } from "./guide.ts";
import type { AdamMethod, SgdMethod } from "./method.ts";
import { Sgd } from "./sgd.ts";

export class DeltaGuide implements Guide {
  readonly particles = 1;
  readonly mean: number;
  readonly theta: number;
  readonly gradient: number;
  readonly #v: Vectors;
  readonly #clip: number;
  readonly #decay: number;
  readonly #optimiser: Sgd | Adam;

  constructor(context: GuideContext, method: SgdMethod | AdamMethod) {
    this.#v = new Vectors(context);
    this.mean = this.#v.array();
    this.theta = this.mean;
    this.gradient = this.#v.array();
    this.#clip = method.clip;
    this.#decay = method.prior ? 1 / (context.lambda * method.prior.scale * method.prior.scale) : 0;
    this.#optimiser = method.kind === "sgd" ? new Sgd(this.#v, method) : new Adam(this.#v, method);
  }

  *start(mean: Float32Array): Slices {
    yield* this.#v.copy(this.#v.view(this.mean), mean);
  }

  *draw(): Slices {}

  *gather(): Slices {}

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

  arrays() {
    return this.#optimiser.arrays();
  }

  scalars() {
    return this.#optimiser.scalars();
  }

  restore(scalars: Record<string, number[]>): void {
    this.#optimiser.restore(scalars);
  }

  hessianRatio(): null {
    return null;
  }
}
