/**
 * @module IVON: a diagonal normal guide followed by natural gradients (Shen et al. 2024, algorithm 1).
 *
 * The posterior is N(m, 1/(λ(h+δ))), the prior N(0, 1/(λδ)); for a prior that was learnt before see anchor.ts. The noise rises over the first part of the run;
 * while it is small the Hessian's estimate is noise itself, so its weight rises with the noise's square.
 */

import { STREAM } from "../../kernels/random.ts";
import { ready, type Slices } from "../../model/work.ts";
import { drawNatural } from "../draw.ts";
import {
  clipFactor,
  type Guide,
  type GuideContext,
  type HessianRatio,
  type Part,
  type Position,
  padded,
  type Update,
  Vectors,
} from "../guide.ts";
import { gaussianPrior, type MethodEntry } from "../method.ts";
import { type Sparse, sparse } from "../ranges.ts";
import type { State } from "../state.ts";
import { Anchor } from "./anchor.ts";
import { type IvonMethod, ivon } from "./method.ts";
import { LEAST_HESSIAN, Spread } from "./spread.ts";

/** Memory of the mean squared gradients that judge outliers. */
const SQUARE_MEMORY = 0.99;
/** h forgets over this share of the run when β2 is tied to its length. */
const HESSIAN_SHARE = 0.25;
/** The noise rises over so many epochs, or this share of the run: later, a text would have been learnt by heart. */
const RAMP_EPOCHS = 3;
const MOST_RAMP = 0.6;
/** Prior of a model that nothing is known of. */
export const FRESH = gaussianPrior(0.3);
/** Scale of the prior that is left in δ where what was learnt before is the prior. */
const WIDE = 30;
/** Most of a fresh embedding that its decay takes away in a step. */
const MOST_DECAY = 0.02;
/** Standard deviation, relative to h0, that the running estimate of h may have. */
const HESSIAN_NOISE = 0.06;

export class IvonGuide implements Guide {
  readonly particles: number;
  readonly mean: number;
  readonly theta: number;
  readonly gradient: number;
  readonly state: State;
  readonly #v: Vectors;
  readonly #method: IvonMethod;
  readonly #context: GuideContext;
  readonly #delta: number;
  /** Without noise: gradients are taken at the mean. */
  readonly #still: boolean;
  /** What was learnt before, where that is the prior. */
  readonly #anchor: Anchor | null;
  readonly #retention: number;
  readonly #hessian: number;
  readonly #momentum: number;
  /** Gradient and noise × gradient averaged over particles, where there are several. */
  readonly #gathered: number;
  readonly #price: number;
  readonly #spread: Spread;
  /** Per segment: the running mean of its squared gradient. */
  readonly #squares: number[];
  /** β1^t. */
  readonly #power: number[];
  /** What the window reads of the embedding, where that is little. */
  #some: Sparse | null = null;
  /** 1 where h came with the weights: the probe must then not put it back to h0. */
  readonly #known: number[];

  constructor(context: GuideContext, method: IvonMethod) {
    this.#context = context;
    this.#method = method;
    this.#v = new Vectors(context);
    this.particles = method.particles;
    this.state = this.#v.state;
    this.mean = this.#v.array("mean");
    this.#still = method.noise === false;
    this.theta = this.#still ? this.mean : this.#v.array();
    this.gradient = this.#v.array();
    this.#hessian = this.#v.array("hessian");
    this.#momentum = this.#v.array("momentum");
    const prior = method.prior ?? FRESH;
    const anchored = prior.kind === "posterior";
    this.#gathered = this.particles > 1 ? this.#v.array() : this.gradient;
    this.#price = this.particles > 1 || anchored ? this.#v.array() : 0;
    // A learnt prior is not in δ: that only keeps divisions from 0.
    const scale = anchored ? WIDE : prior.scale;
    this.#delta = 1 / (context.lambda * scale * scale);
    this.#anchor = anchored ? new Anchor(this.#v, context, prior) : null;
    this.#retention =
      method.beta2 === null ? Math.min(0.1, 1 / (HESSIAN_SHARE * context.steps)) : 1 - method.beta2;
    this.#spread = new Spread(this.#v, context, method, { hessian: this.#hessian, delta: this.#delta });
    this.#squares = this.state.numbers(
      "squares",
      context.layout.segments.map(() => 0),
    );
    this.#power = this.state.numbers("power", [1]);
    this.#known = this.state.numbers("known", [0]);
  }

  *start(mean: Float32Array, precision: Float32Array | null): Slices {
    yield* this.#v.copy(this.#v.view(this.mean), mean);
    const h = this.#v.view(this.#hessian);
    if (this.#anchor) return yield* this.#startAnchored(this.#anchor);
    this.#known[0] = Number(precision !== null);
    let sum = 0;
    yield* this.#v.each(({ segment, offset, size }) => {
      if (!precision || segment.bias) h.fill(this.#spread.h0, offset, padded(offset + size));
      else
        for (let i = offset; i < offset + size; i++) {
          h[i] = Math.max(precision[i] / this.#context.lambda - this.#delta, LEAST_HESSIAN * this.#delta);
          sum += h[i];
        }
    });
    if (precision && this.#method.h0 === null && sum > 0)
      yield* this.#spread.level(sum / this.#v.layout.weights);
  }

  *#startAnchored(anchor: Anchor): Slices {
    this.#known[0] = 1;
    yield* anchor.start();
    const { of, level } = anchor.curvature;
    const h = this.#v.view(this.#hessian);
    yield* this.#v.each(({ segment, offset, size }) => {
      for (let i = offset; i < offset + size && !segment.bias; i++)
        h[i] = Math.max(of(i) - this.#delta, LEAST_HESSIAN * this.#delta);
    });
    yield* this.#spread.level(level);
  }

  noise({ step, tokens }: Position): number {
    if (this.#still || this.#probing(step)) return 0;
    // The noise of what was learnt is known.
    if (this.#anchor && this.#method.noiseRamp === null) return 1;
    const share = this.#method.noiseRamp ?? Math.min(MOST_RAMP, RAMP_EPOCHS / this.#spread.epochs(tokens));
    const ramp = share * this.#context.steps;
    return step < ramp ? step / ramp : 1;
  }

  /** What noise may cost is not known before the gradients are. */
  #probing(step: number): boolean {
    return this.#method.h0 === null && !this.#known[0] && step <= this.#spread.probe;
  }

  klWeight(): number {
    return 1;
  }

  draw(position: Position, particle: number, embeddings: Int32Array | null = null): Slices {
    const table = this.#v.layout.find("embedding.weight");
    if (particle === 0) this.#some = embeddings && !this.#anchor ? sparse(table, embeddings) : null;
    if (this.#still) return ready(undefined);
    const { seed, lambda } = this.#context;
    const scale = this.noise(position) / Math.sqrt(lambda);
    const { theta, mean } = this;
    return drawNatural(
      this.#v.k,
      this.#v.layout,
      { theta, mean, h: this.#hessian, delta: this.#delta, scale },
      { seed, step: position.step, stream: STREAM.weights, particle },
      this.#some,
    );
  }

  gather(_position: Position, particle: number): Slices {
    if (!this.#price) return ready(undefined);
    return this.#v.each(({ size }, at) => {
      this.#v.k.accumulateParticle(
        this.#gathered + at,
        this.#price + at,
        this.theta + at,
        this.mean + at,
        this.gradient + at,
        size,
        1 / this.particles,
        Number(particle === 0),
      );
    });
  }

  *update(position: Position): Slices<Update> {
    const { clip, beta1 } = this.#method;
    const gradientNorm = yield* this.#measure(position.step);
    if (!this.#known[0]) yield* this.#spread.follow(position, this.#gathered);
    this.#power[0] *= beta1;
    const noise = this.noise(position);
    const { lambda } = this.#context;
    const anchor = this.#anchor;
    const share = anchor?.share ?? 1;
    const moved = position.learningRate * (this.#spread.h0 + this.#delta);
    const rate = anchor ? anchor.limited(moved) : moved;
    const clipping = clipFactor(gradientNorm, clip);
    const squares = this.#still && !anchor && !this.#probing(position.step);
    // Without a gradient nothing but decay is left, and noise, which counts only in products with it, was not drawn.
    const kept = 1 - this.#decay(position.step);
    const update = (part: Part, at: number) => {
      const { segment, index, size, read } = part;
      const estimating = !segment.bias && noise > 0;
      const deviation = share * Math.sqrt(this.#squares[index]);
      const retention = estimating
        ? this.#retentionOf(share * share * this.#squares[index]) * noise * noise
        : squares && !segment.bias
          ? this.#retention
          : 0;
      anchor?.pull(part, at, this.#gathered, this.mean, clipping);
      this.#v.k.ivonStep(
        this.mean + at,
        this.#hessian + at,
        this.#momentum + at,
        this.theta + at,
        read ? this.#gathered + at : 0,
        this.#price ? this.#price + at : 0,
        size,
        rate,
        beta1,
        1 / (1 - this.#power[0]),
        anchor ? 1 : clipping,
        retention,
        estimating ? (share * lambda) / (noise * noise) : 0,
        squares ? position.tokens : 0,
        estimating ? (this.#method.clamp * deviation * Math.sqrt(lambda)) / noise : Number.POSITIVE_INFINITY,
        this.#delta,
        segment.bias || anchor ? 0 : this.#delta,
        this.#method.maximumStep,
      );
      if (kept < 1 && segment.init.kind === "normal")
        this.#v.k.axpby(this.mean + at, kept, this.mean + at, 0, size);
      if (retention > 0) anchor?.remember(part, at, this.#hessian, retention);
    };
    yield* this.#v.each(update, this.#some);
    return { gradientNorm };
  }

  /** Share of a fresh embedding that a step takes away: falling in a line, so that the run's add up. */
  #decay(step: number): number {
    if (this.#known[0] || this.#anchor) return 0;
    const { steps } = this.#context;
    return Math.min(MOST_DECAY, (2 * this.#method.embeddingDecay * Math.max(0, 1 - step / steps)) / steps);
  }

  /**
   * 1 - β2, as far as the estimate's own noise allows. One estimate has a standard deviation of about σ_g√(λh)/τ;
   * its running mean, with the weight 1 - β2 times τ², one of σ_g√(λh)√((1 - β2)/2). Beyond a fraction of h itself
   * single weights would be carried to h near 0, where both their steps and their noise explode.
   */
  #retentionOf(square: number): number {
    const { beta2 } = this.#method;
    if (beta2 !== null || square === 0) return this.#retention;
    const most = (2 * HESSIAN_NOISE * HESSIAN_NOISE * this.#spread.h0) / (this.#context.lambda * square);
    return Math.min(this.#retention, most);
  }

  /** Global norm of the gradient; follows each segment's mean square on the way. */
  *#measure(step: number): Slices<number> {
    const probing = step < this.#method.probe;
    const memory = probing || step === 0 ? step / (step + 1) : SQUARE_MEMORY;
    const squares = this.#squares.map(() => 0);
    yield* this.#v.each(({ index, size }, at) => {
      squares[index] += this.#v.k.sumSquares(this.#gathered + at, size);
    });
    let sum = 0;
    this.#v.layout.segments.forEach(({ size }, i) => {
      sum += squares[i];
      this.#squares[i] = memory * this.#squares[i] + ((1 - memory) * squares[i]) / size;
    });
    return Math.sqrt(sum);
  }

  *kl(): Slices<number> {
    if (this.#still) return 0;
    if (this.#anchor) {
      const h = this.#v.view(this.#hessian);
      return yield* this.#anchor.kl(this.mean, (i) => this.#context.lambda * (h[i] + this.#delta));
    }
    let sum = 0;
    yield* this.#v.each(({ segment, size }, at) => {
      if (!segment.bias)
        sum += this.#v.k.klNatural(
          this.mean + at,
          this.#hessian + at,
          size,
          this.#delta,
          this.#context.lambda,
        );
    });
    return sum;
  }

  *precision(out: Float32Array): Slices<boolean> {
    if (this.#still) return false;
    const h = this.#v.view(this.#hessian);
    yield* this.#v.each(({ segment, offset, size }) => {
      if (segment.bias) out.fill(0, offset, offset + size);
      else for (let i = offset; i < offset + size; i++) out[i] = this.#context.lambda * (h[i] + this.#delta);
    });
    return true;
  }

  hessianRatio(): HessianRatio {
    return this.#spread.ratio();
  }
}

export const IVON: MethodEntry<IvonMethod> = {
  describe: ivon,
  posterior: true,
  guide: (context, method) => new IvonGuide(context, method),
};
