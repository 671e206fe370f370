/** @module The delta guide: all mass on one point, so that the ELBO is the likelihood (MLE), or MAP with a prior. */
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

  start(mean: Float32Array): void {
    this.#v.view(this.mean).set(mean);
  }

  draw(): void {}

  gather(): void {}

  update({ learningRate }: Position): Update {
    const gradientNorm = this.#v.norm(this.gradient);
    const scale = clipFactor(gradientNorm, this.#clip);
    this.#optimiser.advance();
    this.#v.each((s, at) => {
      const decay = s.bias ? 0 : this.#decay;
      this.#optimiser.step(this.mean + at, this.gradient + at, at, s.size, { learningRate, scale, decay });
    });
    return { gradientNorm };
  }

  kl(): number {
    return 0;
  }

  klWeight(): number {
    return 1;
  }

  noise(): number {
    return 0;
  }

  precision(): boolean {
    return false;
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
