/** @module Bayes by Backprop: a diagonal normal guide, its mean and ρ followed by Adam (Blundell et al. 2015). */
import { Adam } from "./adam.ts";
import {
  clipFactor,
  type Guide,
  type GuideContext,
  type NamedArray,
  type Position,
  STREAM,
  type Update,
  Vectors,
} from "./guide.ts";
import type { MeanFieldMethod, ScaleMixturePrior } from "./method.ts";

/** Deviations that are computed at a time when precisions are copied out. */
const BLOCK = 1024;

export class MeanFieldGuide implements Guide {
  readonly particles: number;
  readonly mean: number;
  readonly theta: number;
  readonly gradient: number;
  readonly #v: Vectors;
  readonly #method: MeanFieldMethod;
  readonly #context: GuideContext;
  readonly #rho: number;
  readonly #gradientRho: number;
  readonly #gathered: number;
  /** Room of its own, [BLOCK]: precisions are also asked for between two particles. */
  readonly #deviations: number;
  readonly #adam: Adam;
  readonly #adamRho: Adam;
  /** Mean over particles of the gradient's norm. */
  #norm = 0;
  /** -ln p of the last draw, less its constant, where the prior allows no closed form. */
  #priorSum = 0;

  constructor(context: GuideContext, method: MeanFieldMethod) {
    this.#context = context;
    this.#method = method;
    this.#v = new Vectors(context);
    this.particles = method.particles;
    this.mean = this.#v.array();
    this.theta = this.#v.array();
    this.gradient = this.#v.array();
    this.#rho = this.#v.array();
    this.#gradientRho = this.#v.array();
    this.#gathered = this.particles > 1 ? this.#v.array() : this.gradient;
    this.#deviations = this.#v.plan.words(BLOCK);
    this.#adam = new Adam(this.#v, method, "mean/");
    this.#adamRho = new Adam(this.#v, method, "rho/");
  }

  start(mean: Float32Array, precision: Float32Array | null): void {
    this.#v.view(this.mean).set(mean);
    const rho = this.#v.view(this.#rho);
    rho.fill(this.#rhoOf(this.#method.initialDeviation));
    if (!precision) return;
    for (const s of this.#v.layout.segments) {
      if (s.bias) continue;
      for (let i = s.offset; i < s.offset + s.size; i++) rho[i] = this.#rhoOf(1 / Math.sqrt(precision[i]));
    }
  }

  /** Inverse of softplus; for a small deviation its logarithm, where exp(s) - 1 would lose its digits. */
  #rhoOf(deviation: number): number {
    const { k } = this.#v;
    return deviation > 1e-3
      ? k.log64(k.exp64(Math.min(deviation, 500)) - 1)
      : k.log64(deviation) + deviation / 2;
  }

  klWeight({ step }: Position): number {
    const warmup = this.#method.klWarmup * this.#context.steps;
    return step < warmup ? step / warmup : 1;
  }

  noise(): number {
    return 1;
  }

  draw({ step }: Position, particle: number): void {
    const { seed } = this.#context;
    const { k } = this.#v;
    this.#v.each((s, at) => {
      if (s.bias) k.copyBytes(this.theta + at, this.mean + at, 4 * s.size);
      else
        k.sampleMeanField(
          this.theta + at,
          this.mean + at,
          this.#rho + at,
          s.size,
          1,
          s.offset,
          seed.low,
          seed.high,
          step,
          STREAM.weights,
          particle,
        );
    });
  }

  gather(position: Position, particle: number): void {
    const { prior } = this.#method;
    if (particle === 0) {
      this.#norm = 0;
      this.#priorSum = 0;
    }
    const norm = this.#v.norm(this.gradient);
    this.#norm += norm / this.particles;
    const clip = clipFactor(norm, this.#method.clip);
    const weight = this.klWeight(position) / this.#context.lambda;
    this.#v.each((s, at) => {
      if (!s.bias && prior.kind === "scale-mixture") this.#addMixture(prior, at, s.size, weight, clip);
      else if (clip !== 1) this.#v.k.axpby(this.gradient + at, 0, this.gradient + at, clip, s.size);
      if (this.particles > 1) this.#accumulate(at, s.size, particle);
    });
  }

  /** The mixture has no closed form: its share of the gradient is taken at the draw. */
  #addMixture(prior: ScaleMixturePrior, at: number, size: number, weight: number, clip: number): void {
    const { pi, scale1, scale2 } = prior;
    const [g, theta] = [this.gradient + at, this.theta + at];
    const sum = this.#v.k.mixtureGradient(g, theta, size, weight, pi, scale1, scale2, clip);
    this.#priorSum += sum / this.particles;
  }

  #accumulate(at: number, size: number, particle: number): void {
    this.#v.k.meanFieldAccumulate(
      this.#gathered + at,
      this.#gradientRho + at,
      this.theta + at,
      this.mean + at,
      this.#rho + at,
      this.gradient + at,
      size,
      1 / this.particles,
      Number(particle === 0),
    );
  }

  update(position: Position): Update {
    this.#adam.advance();
    this.#adamRho.advance();
    this.#v.each((s, at) => {
      if (!s.bias) this.#finish(position, at, s.size);
      const rates = { learningRate: position.learningRate, decay: 0, scale: 1 };
      this.#adam.step(this.mean + at, this.#gathered + at, at, s.size, rates);
      if (!s.bias) this.#adamRho.step(this.#rho + at, this.#gradientRho + at, at, s.size, rates);
    });
    return { gradientNorm: this.#norm };
  }

  /** Adds the KL's share and turns the gradient of the deviation into that of ρ. */
  #finish(position: Position, at: number, size: number): void {
    const { prior } = this.#method;
    const { k } = this.#v;
    const weight = this.klWeight(position) / this.#context.lambda;
    // Without a scale only the entropy is left: the mixture's share is in the gradient already.
    const scale = prior.kind === "gaussian" ? prior.scale : Number.POSITIVE_INFINITY;
    const [g, rho, gRho] = [this.#gathered + at, this.#rho + at, this.#gradientRho + at];
    if (this.particles > 1) k.meanFieldFinish(g, gRho, this.mean + at, rho, size, weight, 0, scale, 1);
    else k.meanFieldGradient(g, gRho, this.theta + at, this.mean + at, rho, size, weight, 0, scale, 1);
  }

  kl(): number {
    const { prior } = this.#method;
    const { k } = this.#v;
    if (prior.kind === "gaussian") {
      let sum = 0;
      this.#v.each((s, at) => {
        if (!s.bias) sum += k.klMeanField(this.mean + at, this.#rho + at, s.size, 0, prior.scale);
      });
      return sum;
    }
    // The normalising constants of prior and entropy cancel; the entropy is exact.
    let sum = this.#priorSum;
    this.#v.each((s, at) => {
      if (!s.bias) sum -= k.entropyMeanField(this.#rho + at, s.size);
    });
    return sum;
  }

  precision(out: Float32Array): boolean {
    out.fill(0);
    this.#v.each((s, at) => {
      for (let from = 0; !s.bias && from < s.size; from += BLOCK) {
        const size = Math.min(BLOCK, s.size - from);
        this.#v.k.deviationArray(this.#deviations, this.#rho + at + 4 * from, size);
        const deviation = this.#v.plan.floats(this.#deviations, size);
        for (let i = 0; i < size; i++)
          out[s.offset + from + i] = Math.min(1 / (deviation[i] * deviation[i]), 1e38);
      }
    });
    return true;
  }

  arrays(): NamedArray[] {
    return [{ name: "rho", address: this.#rho }, ...this.#adam.arrays(), ...this.#adamRho.arrays()];
  }

  scalars(): Record<string, number[]> {
    return { ...this.#adam.scalars(), ...this.#adamRho.scalars() };
  }

  restore(scalars: Record<string, number[]>): void {
    this.#adam.restore(scalars);
    this.#adamRho.restore(scalars);
  }

  hessianRatio(): null {
    return null;
  }
}
