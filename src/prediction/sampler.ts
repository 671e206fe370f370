/** @module One token from a distribution: temperature, top-k, top-p, and the seed's own random number. */
import { requireInteger, requireNumber, SviError } from "../errors.ts";
import type { MemoryPlan } from "../kernels/memory.ts";
import { type Seed, STREAM } from "../kernels/random.ts";

export interface SamplerOptions {
  /** 1 leaves the distribution as it is, 0 takes the likeliest token. */
  readonly temperature?: number;
  /** Only the k likeliest tokens; 0 for all. */
  readonly topK?: number;
  /** Only the likeliest tokens that together reach this probability. */
  readonly topP?: number;
  /** Ids that are never chosen, whatever their probability. */
  readonly exclude?: ArrayLike<number>;
}

export class Sampler {
  readonly #plan: MemoryPlan;
  readonly #vocabulary: number;
  readonly #temperature: number;
  readonly #topK: number;
  readonly #topP: number;
  readonly #excluded: readonly number[];
  readonly #seed: Seed;
  readonly #weights: number;
  readonly #uniform: number;

  /** Plans its memory; usable once the plan is committed. @throws SviError `E_OPTION` */
  constructor(plan: MemoryPlan, vocabulary: number, seed: Seed, options: SamplerOptions) {
    this.#plan = plan;
    this.#vocabulary = vocabulary;
    this.#seed = seed;
    this.#temperature = requireNumber(
      "temperature",
      options.temperature ?? 1,
      "a number from 0 to 100",
      (v) => v >= 0 && v <= 100,
    );
    this.#topK = requireInteger("topK", options.topK ?? 0, 0);
    this.#topP = requireNumber(
      "topP",
      options.topP ?? 1,
      "a number above 0 and at most 1",
      (v) => v > 0 && v <= 1,
    );
    this.#excluded = requireExcluded(options.exclude ?? [], vocabulary);
    this.#weights = plan.words(vocabulary);
    this.#uniform = plan.words(16);
  }

  /** @param probabilities [vocabulary]; @param position of the token in the text, which numbers the draw */
  next(predicted: Float32Array, position: number): number {
    const probabilities = this.#allowed(predicted);
    if (this.#temperature === 0) return likeliest(probabilities);
    const candidates = this.#candidates(probabilities);
    const weights = this.#temper(probabilities);
    const order = candidates ?? falling(probabilities);
    let left = this.#draw(position) * (candidates ? sumOf(weights, candidates) : sumOfAll(weights));
    let last = 0;
    for (const id of order) {
      left -= weights[id];
      if (left < 0) return id;
      last = id;
    }
    return last;
  }

  /** Excluded ids below every other, so that no order has them. */
  #allowed(probabilities: Float32Array): Float32Array {
    if (this.#excluded.length === 0) return probabilities;
    const allowed = probabilities.slice();
    for (const id of this.#excluded) allowed[id] = -1;
    return allowed;
  }

  /** Ids by falling probability, as far as top-k and top-p let them; null where they let all. */
  #candidates(probabilities: Float32Array): number[] | null {
    const most = this.#topK > 0 ? Math.min(this.#topK, this.#vocabulary) : this.#vocabulary;
    const bars = this.#excluded.length > 0;
    if (most === this.#vocabulary && this.#topP === 1 && !bars) return null;
    const kept: number[] = [];
    let sum = 0;
    // What is excluded has no share in what has to be reached.
    const reach = bars ? this.#topP * sumOfPositive(probabilities) : this.#topP;
    for (const id of falling(probabilities)) {
      kept.push(id);
      sum += probabilities[id];
      if (kept.length === most || (this.#topP < 1 && sum >= reach)) break;
    }
    return kept;
  }

  /** p^(1/T) relative to the likeliest token, in the kernels: the engine's own pow differs between engines. */
  #temper(probabilities: Float32Array): Float32Array {
    const weights = this.#plan.floats(this.#weights, this.#vocabulary);
    if (this.#temperature === 1) return probabilities;
    const k = this.#plan.instance.exports;
    let most = 0;
    for (let i = 0; i < this.#vocabulary; i++) {
      weights[i] = Math.max(probabilities[i], 1.1754944e-38);
      most = Math.max(most, weights[i]);
    }
    for (let i = 0; i < this.#vocabulary; i++) weights[i] /= most;
    k.logArray(this.#weights, this.#weights, this.#vocabulary);
    for (let i = 0; i < this.#vocabulary; i++) weights[i] /= this.#temperature;
    k.expArray(this.#weights, this.#weights, this.#vocabulary);
    return weights;
  }

  #draw(position: number): number {
    const { low, high } = this.#seed;
    this.#plan.instance.exports.uniformArray(this.#uniform, 16, 0, low, high, position, STREAM.generate, 0);
    return this.#plan.floats(this.#uniform, 1)[0];
  }
}

/** Where bands of probability begin: at most 8 ids lie above the first edge, 64 above the second, and so on. */
const EDGES = [2 ** -3, 2 ** -6, 2 ** -9, 2 ** -12, 2 ** -15, 2 ** -20, 2 ** -40, 0];

/**
 * Ids by falling probability, equal ones by id. Band by band: only those are sorted that are asked for, which of
 * a large vocabulary are few.
 */
function* falling(probabilities: Float32Array): Generator<number, void, void> {
  let above = Number.POSITIVE_INFINITY;
  for (const edge of EDGES) {
    const band: number[] = [];
    for (let id = 0; id < probabilities.length; id++) {
      const p = probabilities[id];
      if (p >= edge && p < above) band.push(id);
    }
    yield* band.sort((a, b) => probabilities[b] - probabilities[a] || a - b);
    above = edge;
  }
}

function requireExcluded(exclude: ArrayLike<number>, vocabulary: number): number[] {
  const ids = [...new Set(Array.from(exclude))];
  for (const id of ids) requireInteger("exclude", id, 0, vocabulary - 1);
  if (ids.length === vocabulary)
    throw new SviError("E_OPTION", "exclude leaves no token", {
      option: "exclude",
      value: ids.length,
      remedy: "Leave at least one id of the vocabulary",
    });
  return ids;
}

/** Of equal ones the smallest id. */
function likeliest(probabilities: Float32Array): number {
  let best = 0;
  for (let id = 1; id < probabilities.length; id++) if (probabilities[id] > probabilities[best]) best = id;
  return best;
}

function sumOf(weights: Float32Array, ids: readonly number[]): number {
  let sum = 0;
  for (const id of ids) sum += weights[id];
  return sum;
}

function sumOfPositive(probabilities: Float32Array): number {
  let sum = 0;
  for (const p of probabilities) if (p > 0) sum += p;
  return sum;
}

function sumOfAll(weights: Float32Array): number {
  let sum = 0;
  for (let id = 0; id < weights.length; id++) sum += weights[id];
  return sum;
}
