/**
 * @module IVON: a diagonal normal guide followed by natural gradients (Shen et al. 2024, algorithm 1).
 *
 * The posterior is N(m, 1/(λ(h+δ))), the prior N(0, 1/(λδ)). The noise rises over the first part of the run;
 * while it is small the Hessian's estimate is noise itself, so its weight rises with the noise's square.
 */

import type { Layout, Segment } from "../model/layout.ts";
import type { Slices } from "../model/work.ts";
import { drawNatural } from "./draw.ts";
import {
  clipFactor,
  type Guide,
  type GuideContext,
  type HessianRatio,
  type NamedArray,
  type Position,
  padded,
  STREAM,
  type Update,
  Vectors,
} from "./guide.ts";
import type { IvonMethod } from "./method.ts";

/** A row's h0 stays within this factor of the mean: one stray gradient must not decide a run. */
const SPREAD_LIMIT = 10;
/** Memory of the mean squared gradients that judge outliers. */
const SQUARE_MEMORY = 0.99;
/** h forgets over this share of the run when β2 is tied to its length. */
const HESSIAN_SHARE = 0.25;
/** h may be negative as long as h + δ is not; the kernel's own floor. */
const LEAST_HESSIAN = -0.9998;
/** Standard deviation, relative to h0, that the running estimate of h may have. */
const HESSIAN_NOISE = 0.1;
/** Weights whose h/h0 the quantiles are taken of. */
const QUANTILE_SAMPLE = 1024;

export class IvonGuide implements Guide {
  readonly particles: number;
  readonly mean: number;
  readonly theta: number;
  readonly gradient: number;
  readonly #v: Vectors;
  readonly #method: IvonMethod;
  readonly #context: GuideContext;
  readonly #delta: number;
  readonly #retention: number;
  readonly #hessian: number;
  readonly #momentum: number;
  /** Gradient and noise × gradient averaged over particles, where there are several. */
  readonly #gathered: number;
  readonly #price: number;
  readonly #stretches: readonly Stretch[];
  /** Over the probe: mean squared gradient of every row of every segment, in their order. */
  #rows: number[];
  /** Weights that the quantiles of h/h0 are taken of, and h0 there. */
  readonly #sample: readonly number[];
  #initial: number[];
  /** Per segment: the running mean of its squared gradient. */
  #squares: number[];
  #power = 1;
  /** Whether h came with the weights: the probe must then not put it back to h0. */
  #known = false;

  constructor(context: GuideContext, method: IvonMethod) {
    this.#context = context;
    this.#method = method;
    this.#v = new Vectors(context);
    this.particles = method.particles;
    this.mean = this.#v.array();
    this.theta = this.#v.array();
    this.gradient = this.#v.array();
    this.#hessian = this.#v.array();
    this.#momentum = this.#v.array();
    this.#gathered = this.particles > 1 ? this.#v.array() : this.gradient;
    this.#price = this.particles > 1 ? this.#v.array() : 0;
    this.#delta = 1 / (context.lambda * method.prior.scale * method.prior.scale);
    this.#retention =
      method.beta2 === null ? Math.min(0.1, 1 / (HESSIAN_SHARE * context.steps)) : 1 - method.beta2;
    this.#stretches = method.probe > 0 ? rowsOf(context.layout) : [];
    this.#rows = this.#stretches.map(() => 0);
    this.#sample = sampleWeights(context.layout);
    this.#initial = this.#sample.map(() => method.h0);
    this.#squares = context.layout.segments.map(() => 0);
  }

  *start(mean: Float32Array, precision: Float32Array | null): Slices {
    yield* this.#v.copy(this.#v.view(this.mean), mean);
    const h = this.#v.view(this.#hessian);
    this.#known = precision !== null;
    yield* this.#v.each(({ segment, offset, size }) => {
      if (!precision || segment.bias) h.fill(this.#method.h0, offset, padded(offset + size));
      else
        for (let i = offset; i < offset + size; i++)
          h[i] = Math.max(precision[i] / this.#context.lambda - this.#delta, LEAST_HESSIAN * this.#delta);
    });
  }

  noise({ step }: Position): number {
    const ramp = this.#method.noiseRamp * this.#context.steps;
    return step < ramp ? step / ramp : 1;
  }

  klWeight(): number {
    return 1;
  }

  *draw(position: Position, particle: number): Slices {
    const { seed, lambda } = this.#context;
    const scale = this.noise(position) / Math.sqrt(lambda);
    const { theta, mean } = this;
    yield* drawNatural(
      this.#v.k,
      this.#v.layout,
      { theta, mean, h: this.#hessian, delta: this.#delta, scale },
      { seed, step: position.step, stream: STREAM.weights, particle },
    );
  }

  *gather(_position: Position, particle: number): Slices {
    if (this.particles === 1) return;
    yield* this.#v.each(({ size }, at) => {
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
    const { clip, beta1, h0 } = this.#method;
    const gradientNorm = yield* this.#measure(position.step);
    if (!this.#known) yield* this.#probe(position.step);
    this.#power *= beta1;
    const noise = this.noise(position);
    const { lambda } = this.#context;
    const rate = position.learningRate * (h0 + this.#delta);
    yield* this.#v.each(({ segment, index, size }, at) => {
      const estimating = !segment.bias && noise > 0;
      const deviation = Math.sqrt(this.#squares[index]);
      this.#v.k.ivonStep(
        this.mean + at,
        this.#hessian + at,
        this.#momentum + at,
        this.theta + at,
        this.#gathered + at,
        this.#price ? this.#price + at : 0,
        size,
        rate,
        beta1,
        1 / (1 - this.#power),
        clipFactor(gradientNorm, clip),
        estimating ? this.#retentionOf(this.#squares[index]) * noise * noise : 0,
        estimating ? lambda / (noise * noise) : 0,
        0,
        estimating ? (this.#method.clamp * deviation * Math.sqrt(lambda)) / noise : Number.POSITIVE_INFINITY,
        this.#delta,
        segment.bias ? 0 : this.#delta,
        this.#method.maximumStep,
      );
    });
    return { gradientNorm };
  }

  /**
   * 1 - β2, as far as the estimate's own noise allows. One estimate has a standard deviation of about σ_g√(λh)/τ;
   * its running mean, with the weight 1 - β2 times τ², one of σ_g√(λh)√((1 - β2)/2). Beyond a fraction of h itself
   * single weights would be carried to h near 0, where both their steps and their noise explode.
   */
  #retentionOf(square: number): number {
    const { beta2, h0 } = this.#method;
    if (beta2 !== null || square === 0) return this.#retention;
    const most = (2 * HESSIAN_NOISE * HESSIAN_NOISE * h0) / (this.#context.lambda * square);
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

  /** Follows every row's squared gradient over the first steps, then sets h by it. */
  *#probe(step: number): Slices {
    const { probe } = this.#method;
    if (step > probe || probe === 0) return;
    if (step === probe) {
      yield* this.#spread();
      return;
    }
    const gradient = this.#v.view(this.#gathered);
    yield* this.#v.rows(this.#stretches, ({ from, to }, row) => {
      let sum = 0;
      for (let i = from; i < to; i++) sum += gradient[i] * gradient[i];
      this.#rows[row] += (sum / (to - from) - this.#rows[row]) / (step + 1);
    });
  }

  /**
   * h in proportion to the root of its row's mean squared gradient, h0 on average over segments: rows whose
   * gradients are small, those of rare tokens above all, then move as far as the others.
   */
  *#spread(): Slices {
    const { h0 } = this.#method;
    const rows = this.#stretches;
    const count = this.#v.layout.segments.length;
    let average = 0;
    rows.forEach(({ from, to, segment }, row) => {
      average += (Math.sqrt(this.#rows[row]) * (to - from)) / segment.size / count;
    });
    if (!(average > 0)) return;
    const h = this.#v.view(this.#hessian);
    yield* this.#v.rows(rows, ({ from, to }, row) => {
      const ratio = Math.sqrt(this.#rows[row]) / average;
      h.fill(h0 * Math.min(Math.max(ratio, 1 / SPREAD_LIMIT), SPREAD_LIMIT), from, to);
    });
    this.#initial = this.#sample.map((i) => h[i]);
  }

  *kl(): Slices<number> {
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
    const h = this.#v.view(this.#hessian);
    yield* this.#v.each(({ segment, offset, size }) => {
      if (segment.bias) out.fill(0, offset, offset + size);
      else for (let i = offset; i < offset + size; i++) out[i] = this.#context.lambda * (h[i] + this.#delta);
    });
    return true;
  }

  arrays(): NamedArray[] {
    return [
      { name: "hessian", address: this.#hessian },
      { name: "momentum", address: this.#momentum },
    ];
  }

  scalars(): Record<string, number[]> {
    return {
      initial: this.#initial,
      squares: this.#squares,
      rows: this.#rows,
      power: [this.#power],
      known: [Number(this.#known)],
    };
  }

  restore(scalars: Record<string, number[]>): void {
    this.#initial = [...scalars.initial];
    this.#squares = [...scalars.squares];
    this.#rows = [...scalars.rows];
    [this.#power] = scalars.power;
    this.#known = scalars.known[0] === 1;
  }

  hessianRatio(): HessianRatio {
    const h = this.#v.view(this.#hessian);
    const sorted = Float64Array.from(this.#sample, (index, i) => h[index] / this.#initial[i]).sort();
    const at = (q: number) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];
    return { low: at(0.05), median: at(0.5), high: at(0.95) };
  }
}

/** Places of about QUANTILE_SAMPLE weights, evenly over the flat vector. */
function sampleWeights({ segments, weights }: Layout): number[] {
  const stride = Math.max(1, Math.floor(weights / QUANTILE_SAMPLE));
  return segments
    .filter((s) => !s.bias)
    .flatMap((s) => Array.from({ length: Math.ceil(s.size / stride) }, (_, i) => s.offset + i * stride));
}

/** A stretch of the flat vector that shares one h0. */
interface Stretch {
  readonly from: number;
  readonly to: number;
  readonly segment: Segment;
}

/** A unit's or a token's weights each; a bias as a whole. */
function rowsOf({ segments }: Layout): Stretch[] {
  return segments.flatMap((segment) => {
    const width = segment.bias ? segment.size : segment.shape[1];
    return Array.from({ length: segment.size / width }, (_, row) => ({
      from: segment.offset + row * width,
      to: segment.offset + (row + 1) * width,
      segment,
    }));
  });
}
