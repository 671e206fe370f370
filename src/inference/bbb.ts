/** @module Bayes by Backprop: a diagonal normal guide, its mean and ρ followed by Adam (Blundell et al. 2015). */

import { requireInteger } from "../errors.ts";
import { STREAM } from "../kernels/random.ts";
import type { Slices } from "../model/work.ts";
import { Adam } from "./adam.ts";
import {
  clipFactor,
  type Guide,
  type GuideContext,
  type Position,
  padded,
  type Update,
  Vectors,
} from "./guide.ts";
import {
  bound,
  type Common,
  described,
  fraction,
  gaussianPrior,
  type MethodEntry,
  optional,
  type Prior,
  positive,
  requireGiven,
  requirePrior,
  type ScaleMixturePrior,
  share,
} from "./method.ts";
import type { State } from "./state.ts";

export interface BbbMethod extends Common {
  readonly kind: "bbb";
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly prior: Prior;
  /** Standard deviation of the guide at the start. */
  readonly initialDeviation: number;
  readonly particles: number;
  /** Effective number of tokens; null for those of the corpus over the temperature. */
  readonly lambda: number | null;
  /** Of the posterior, where lambda is null: 1 is the ELBO's own. */
  readonly temperature: number;
  /** Fraction of the run over which the KL's weight rises from 0 to 1. */
  readonly klWarmup: number;
}

/**
 * Bayes by Backprop (Blundell et al. 2015): a diagonal normal guide, its mean and ρ followed by Adam.
 * @throws SviError `E_OPTION` where a value is out of range
 */
export function bbb(options: Partial<Omit<BbbMethod, "kind">> = {}): BbbMethod {
  requireGiven("bbb", options);
  const method: BbbMethod = {
    kind: "bbb",
    learningRate: positive("learningRate", options.learningRate ?? 0.006),
    clip: bound("clip", options.clip ?? 1),
    beta1: fraction("beta1", options.beta1 ?? 0.9),
    beta2: fraction("beta2", options.beta2 ?? 0.999),
    epsilon: positive("epsilon", options.epsilon ?? 1e-8),
    prior: requirePrior(options.prior, "gaussian", "scale-mixture") ?? gaussianPrior(1),
    initialDeviation: positive("initialDeviation", options.initialDeviation ?? 0.02),
    particles: requireInteger("particles", options.particles ?? 1, 1, 64),
    lambda: optional("lambda", options.lambda),
    temperature: positive("temperature", options.temperature ?? 1),
    klWarmup: share("klWarmup", options.klWarmup ?? 0),
  };
  return described(method, options);
}

/**
 * @deprecated Its name is `bbb` now.
 * @alias
 */
export const bayesByBackprop = bbb;
/** @deprecated Its name is `BbbMethod` now. */
export type MeanFieldMethod = BbbMethod;

/** Deviations that are computed at a time when precisions are copied out. */
const BLOCK = 1024;

export class BbbGuide implements Guide {
  readonly particles: number;
  readonly mean: number;
  readonly theta: number;
  readonly gradient: number;
  readonly state: State;
  readonly #v: Vectors;
  readonly #method: BbbMethod;
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

  constructor(context: GuideContext, method: BbbMethod) {
    this.#context = context;
    this.#method = method;
    this.#v = new Vectors(context);
    this.particles = method.particles;
    this.state = this.#v.state;
    this.mean = this.#v.array("mean");
    this.theta = this.#v.array();
    this.gradient = this.#v.array();
    this.#rho = this.#v.array("rho");
    this.#gradientRho = this.#v.array();
    this.#gathered = this.particles > 1 ? this.#v.array() : this.gradient;
    this.#deviations = this.#v.plan.words(BLOCK);
    this.#adam = new Adam(this.#v, method, "mean/");
    this.#adamRho = new Adam(this.#v, method, "rho/");
  }

  *start(mean: Float32Array, precision: Float32Array | null): Slices {
    yield* this.#v.copy(this.#v.view(this.mean), mean);
    const rho = this.#v.view(this.#rho);
    const initial = this.#rhoOf(this.#method.initialDeviation);
    yield* this.#v.each(({ segment, offset, size }) => {
      if (!precision || segment.bias) rho.fill(initial, offset, padded(offset + size));
      else for (let i = offset; i < offset + size; i++) rho[i] = this.#rhoOf(1 / Math.sqrt(precision[i]));
    });
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

  draw({ step }: Position, particle: number): Slices {
    const { seed } = this.#context;
    const { k } = this.#v;
    return this.#v.each(({ segment, offset, size }, at) => {
      if (segment.bias) k.copyBytes(this.theta + at, this.mean + at, 4 * size);
      else
        k.sampleMeanField(
          this.theta + at,
          this.mean + at,
          this.#rho + at,
          size,
          1,
          offset,
          seed.low,
          seed.high,
          step,
          STREAM.weights,
          particle,
        );
    });
  }

  *gather(position: Position, particle: number): Slices {
    const { prior } = this.#method;
    if (particle === 0) {
      this.#norm = 0;
      this.#priorSum = 0;
    }
    const norm = yield* this.#v.norm(this.gradient);
    this.#norm += norm / this.particles;
    const clip = clipFactor(norm, this.#method.clip);
    const weight = this.klWeight(position) / this.#context.lambda;
    yield* this.#v.each(({ segment, size }, at) => {
      if (!segment.bias && prior.kind === "scale-mixture") this.#addMixture(prior, at, size, weight, clip);
      else if (clip !== 1) this.#v.k.axpby(this.gradient + at, 0, this.gradient + at, clip, size);
      if (this.particles > 1) this.#accumulate(at, size, particle);
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

  *update(position: Position): Slices<Update> {
    this.#adam.advance();
    this.#adamRho.advance();
    yield* this.#v.each(({ segment, size }, at) => {
      if (!segment.bias) this.#finish(position, at, size);
      const rates = { learningRate: position.learningRate, decay: 0, scale: 1 };
      this.#adam.step(this.mean + at, this.#gathered + at, at, size, rates);
      if (!segment.bias) this.#adamRho.step(this.#rho + at, this.#gradientRho + at, at, size, rates);
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

  *kl(): Slices<number> {
    const { prior } = this.#method;
    const { k } = this.#v;
    // Of the mixture the normalising constants of prior and entropy cancel; the entropy is exact.
    let sum = prior.kind === "gaussian" ? 0 : this.#priorSum;
    yield* this.#v.each(({ segment, size }, at) => {
      const [mean, rho] = [this.mean + at, this.#rho + at];
      if (segment.bias) return;
      if (prior.kind === "gaussian") sum += k.klMeanField(mean, rho, size, 0, prior.scale);
      else sum -= k.entropyMeanField(rho, size);
    });
    return sum;
  }

  *precision(out: Float32Array): Slices<boolean> {
    yield* this.#v.each((part, at) => {
      if (part.segment.bias) out.fill(0, part.offset, part.offset + part.size);
      for (let from = 0; !part.segment.bias && from < part.size; from += BLOCK) {
        const size = Math.min(BLOCK, part.size - from);
        this.#v.k.deviationArray(this.#deviations, this.#rho + at + 4 * from, size);
        const deviation = this.#v.plan.floats(this.#deviations, size);
        for (let i = 0; i < size; i++)
          out[part.offset + from + i] = Math.min(1 / (deviation[i] * deviation[i]), 1e38);
      }
    });
    return true;
  }

  hessianRatio(): null {
    return null;
  }
}

export const BBB: MethodEntry<BbbMethod> = {
  describe: bbb,
  posterior: true,
  guide: (context, method) => new BbbGuide(context, method),
};
