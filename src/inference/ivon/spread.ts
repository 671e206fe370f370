/**
 * @module h over the rows of a model's weights, as IVON keeps it: in proportion to their gradients, at a level that
 * says what noise costs (docs/design/inference.md).
 */
import type { Layout, Segment } from "../../model/layout.ts";
import type { Slices } from "../../model/work.ts";
import type { GuideContext, HessianRatio, Position, Rows, Vectors } from "../guide.ts";
import type { IvonMethod, Strides } from "./method.ts";

/** A row's h0 stays within this factor of the mean: one stray gradient must not decide a run. */
const SPREAD_LIMIT = 10;
/** Before the first gradients have been seen. */
const PROVISIONAL_H0 = 0.003;
/** Nats a token that full noise may cost, for every epoch. */
const NOISE_COST_OF_EPOCH = 0.005;
/** At most, with a small and with a large vocabulary, whose losses are about twice as large. */
const MOST_NOISE_COST = { small: 0.05, large: 0.1 };
/** Vocabulary from which on all kinds of weights move alike. */
const LARGE_VOCABULARY = 400;
const LARGE_STRIDE = 1.5;
/** Steps between two adjustments of h to the rows' gradients. */
const SPREAD_EVERY = 10;
/** After the probe the rows' gradients are looked at every few steps, with this weight. */
const LOOK_EVERY = 4;
const LOOK_WEIGHT = 0.05;
/** h may be negative as long as h + δ is not; the kernel's own floor. */
export const LEAST_HESSIAN = -0.9998;
const DOUBLE = 8;
/** Weights whose h/h0 the quantiles are taken of. */
const QUANTILE_SAMPLE = 1024;

export class Spread {
  readonly #v: Vectors;
  readonly #context: GuideContext;
  readonly #method: IvonMethod;
  readonly #hessian: number;
  readonly #delta: number;
  readonly #segments: readonly Rows[];
  /** For the kernels, one a row: sums of squares or factors, and the two sums over h. */
  readonly #perRow: number;
  readonly #inverses: number;
  readonly #totals: number;
  /** Mean squared gradient of every row of every segment, in their order, and what its h was scaled by. */
  readonly #rows: number[];
  readonly #scales: number[];
  readonly #h0: number[];
  /** Mean root of the rows' squares at the first steps: what scales are relative to. */
  readonly #average: number[];
  /** Weights that the quantiles of h/h0 are taken of, and their rows. */
  readonly #sample: readonly number[];
  readonly #sampleRows: readonly number[];

  /** @param at address of h over the flat vector, and the prior's δ beside it */
  constructor(
    v: Vectors,
    context: GuideContext,
    method: IvonMethod,
    at: { readonly hessian: number; readonly delta: number },
  ) {
    this.#v = v;
    this.#context = context;
    this.#method = method;
    this.#hessian = at.hessian;
    this.#delta = at.delta;
    this.#segments = rowsOf(context.layout);
    const rows = this.#segments.reduce((sum, { count }) => sum + count, 0);
    [this.#perRow, this.#inverses, this.#totals] = [0, 1, 2].map(() => context.plan.words(2 * rows));
    this.#rows = v.state.numbers("rows", new Array(rows).fill(0));
    this.#scales = v.state.numbers("scales", new Array(rows).fill(1));
    this.#average = v.state.numbers("average", [0]);
    this.#h0 = v.state.numbers("h0", [method.h0 ?? PROVISIONAL_H0]);
    this.#sample = sampleWeights(context.layout);
    this.#sampleRows = rowsAt(this.#segments, this.#sample);
  }

  /** Level of h that steps are relative to. */
  get h0(): number {
    return this.#h0[0];
  }

  /** Steps of the probe: in short runs a tenth of them. */
  get probe(): number {
    return Math.min(this.#method.probe, Math.ceil(this.#context.steps / 10));
  }

  /** Epochs of the whole run. @param tokens of a minibatch */
  epochs(tokens: number): number {
    return (this.#context.steps * tokens) / this.#context.lambda;
  }

  get #vocabulary(): number {
    return this.#v.layout.segments[0].shape[0];
  }

  /** Makes a level of h that of the steps, and of the biases. */
  level(h0: number): Slices {
    this.#h0[0] = h0;
    const h = this.#v.view(this.#hessian);
    return this.#v.rows(this.#segments, ({ segment, first, width }) => {
      if (segment.bias) h.fill(h0 * this.#scales[first], segment.offset, segment.offset + width);
    });
  }

  /**
   * Follows every row's mean squared gradient and, once the first ones are known, h with it.
   * @param gradient address of the step's gradient
   */
  *follow({ step, tokens }: Position, gradient: number): Slices {
    const { probe } = this;
    if (probe === 0) return;
    if (step === probe || (step > probe && step % SPREAD_EVERY === 0))
      yield* this.#spread(step === probe, tokens);
    if (step < probe || step % LOOK_EVERY === 0)
      yield* this.#look(gradient, Math.max(1 / (step + 1), step < probe ? 0 : LOOK_WEIGHT));
  }

  /** Takes the last minibatch's squared gradients into the rows' means. */
  #look(gradient: number, weight: number): Slices {
    const sums = this.#doubles(this.#perRow);
    return this.#v.rows(this.#segments, ({ first, count, width }, at) => {
      this.#v.k.rowSquares(this.#perRow + first * DOUBLE, gradient + at, count, width);
      for (let row = first; row < first + count; row++)
        this.#rows[row] += (sums[row] / width - this.#rows[row]) * weight;
    });
  }

  #doubles(address: number): Float64Array {
    return this.#v.plan.doubles(address, this.#rows.length);
  }

  /**
   * Brings h into proportion to the root of its row's mean squared gradient, h0 on average over segments at the
   * first steps: rows whose gradients are small, those of rare tokens above all, then move as far as the others,
   * and all move as far late in a run, when gradients are smaller, as at first. What h learnt of single weights
   * stays: rows are scaled.
   * @param tokens of a minibatch
   */
  *#spread(first: boolean, tokens: number): Slices {
    const roots = this.#rows.map(Math.sqrt);
    if (first) this.#average[0] = this.#averageOf(roots);
    const [average] = this.#average;
    if (!(average > 0)) return;
    const factors = this.#doubles(this.#perRow);
    const strides = this.#method.strides ?? stridesFor(this.#vocabulary);
    yield* this.#v.rows(this.#segments, (rows, at) => {
      const stride = strideOf(rows.segment, strides);
      for (let row = rows.first; row < rows.first + rows.count; row++) {
        const ratio = limited(roots[row] / average) / stride;
        factors[row] = ratio / this.#scales[row];
        this.#scales[row] = ratio;
      }
      this.#scale(rows, at);
      if (this.#method.h0 === null) this.#sumLevels(rows, at);
    });
    if (this.#method.h0 === null) yield* this.#limitNoise(tokens);
  }

  /** Multiplies rows of h by the factors of each; where h is below 0, h + δ stays above. */
  #scale({ first, count, width }: Rows, at: number): void {
    const least = LEAST_HESSIAN * this.#delta;
    this.#v.k.scaleRows(this.#hessian + at, this.#perRow + first * DOUBLE, count, width, least);
  }

  /** Sums of 1/(h + δ) and of h, of every row. */
  #sumLevels({ segment, first, count, width }: Rows, at: number): void {
    if (segment.bias) return;
    const [inverses, totals] = [this.#inverses + first * DOUBLE, this.#totals + first * DOUBLE];
    this.#v.k.rowLevels(inverses, totals, this.#hessian + at, count, width, this.#delta);
  }

  /**
   * Scales all of h, whose sums are known, until full noise costs `noiseCost` nats a token: the loss rises by
   * Σ H σ²/2, σ² = 1/(λ h), and a weight's curvature H is about the tokens of a minibatch times its mean squared
   * gradient. Where that would make h smaller than the curvature, it is the curvature on average: the noise is
   * never wider than the posterior. h0 becomes the level of h that is left, so that steps stay as long as they
   * were: what weights learnt of their curvature tells in the ratios between them.
   */
  *#limitNoise(tokens: number): Slices {
    let [cost, curvature, sum, level] = [0, 0, 0, 0];
    const [inverses, totals] = [this.#doubles(this.#inverses), this.#doubles(this.#totals)];
    for (const { segment, first, count, width } of this.#segments)
      for (let row = first; row < first + count && !segment.bias; row++) {
        const own = tokens * this.#rows[row];
        sum += totals[row];
        level += totals[row] / this.#scales[row] / this.#v.layout.weights;
        cost += (own * inverses[row]) / (2 * this.#context.lambda);
        curvature += own * width;
      }
    if (!(sum > 0 && cost > 0)) return;
    const factor = Math.max(cost / this.#noiseCost(tokens), curvature / sum);
    this.#doubles(this.#perRow).fill(factor);
    yield* this.#v.rows(this.#segments, (rows, at) => {
      if (!rows.segment.bias) this.#scale(rows, at);
    });
    yield* this.level(level * factor);
  }

  /**
   * What full noise may cost, in nats a token: what is read many times is learnt by heart, and noise is what keeps
   * it from that; what is read once is not.
   */
  #noiseCost(tokens: number): number {
    // Without noise the level is the curvature's own.
    if (this.#method.noise === false) return Number.POSITIVE_INFINITY;
    const { small, large } = MOST_NOISE_COST;
    const most = this.#vocabulary < LARGE_VOCABULARY ? small : large;
    return this.#method.noiseCost ?? Math.min(most, NOISE_COST_OF_EPOCH * this.epochs(tokens));
  }

  /** Mean over segments of the mean over their weights. */
  #averageOf(roots: readonly number[]): number {
    let sum = 0;
    for (const { segment, first, count, width } of this.#segments)
      for (let row = first; row < first + count; row++)
        sum += (roots[row] * width) / segment.size / this.#segments.length;
    return sum;
  }

  /** Quantiles of h over its level, where rows were scaled to. */
  ratio(): HessianRatio {
    const h = this.#v.view(this.#hessian);
    const own = (i: number) => this.h0 * this.#scales[this.#sampleRows[i]];
    const sorted = Float64Array.from(this.#sample, (index, i) => h[index] / own(i)).sort();
    const at = (q: number) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];
    return { low: at(0.05), median: at(0.5), high: at(0.95) };
  }
}

function limited(ratio: number): number {
  return Math.min(Math.max(ratio, 1 / SPREAD_LIMIT), SPREAD_LIMIT);
}

/**
 * Where the vocabulary is small, what reads the embedding and what makes the logits is better moved less, and the
 * recurrence, whose inputs are small, more; with a large one all alike, and farther (docs/design/inference.md).
 */
function stridesFor(vocabulary: number): Strides {
  const all = LARGE_STRIDE;
  if (vocabulary >= LARGE_VOCABULARY) return { embedding: all, input: all, recurrent: all, output: all };
  const less = Math.sqrt(vocabulary / LARGE_VOCABULARY);
  return { embedding: 1, input: less, recurrent: Math.min(2, 1 / less), output: less };
}

/** What a layer reads the one below with moves like the embedding; biases as they are. */
function strideOf({ role }: Segment, strides: Strides): number {
  if (role === "bias") return 1;
  return strides[role === "inner" ? "embedding" : role];
}

/** Places of about QUANTILE_SAMPLE weights, evenly over the flat vector. */
function sampleWeights({ segments, weights }: Layout): number[] {
  const stride = Math.max(1, Math.floor(weights / QUANTILE_SAMPLE));
  return segments
    .filter((s) => !s.bias)
    .flatMap((s) => Array.from({ length: Math.ceil(s.size / stride) }, (_, i) => s.offset + i * stride));
}

/** The row of each place. */
function rowsAt(segments: readonly Rows[], places: readonly number[]): number[] {
  return places.map((place) => {
    const { segment, first, width } = segments.findLast((s) => s.segment.offset <= place)!;
    return first + Math.floor((place - segment.offset) / width);
  });
}

/** What shares one h0: a unit's or a token's weights each; a bias as a whole. */
function rowsOf({ segments }: Layout): Rows[] {
  let first = 0;
  return segments.map((segment) => {
    const width = segment.bias ? segment.size : (segment.shape[1] ?? segment.size);
    const count = segment.size / width;
    first += count;
    return { segment, first: first - count, count, width };
  });
}
