/**
 * @module A posterior in natural parameters, and how the posteriors of shards combine.
 *
 * A diagonal normal N(m, 1/p) has the natural parameters p and p·m. Every shard infers the posterior of the whole text
 * from its own tokens, each of which counts for as many as there are shards of its size; the geometric mean of these
 * posteriors, weighted by the shards' shares, has the weighted mean of their natural parameters (a logarithmic opinion
 * pool: Genest and Zidek 1986; as the fixed point of a damped partitioned scheme: Bui, Nguyen, Swaroop and Turner 2018).
 * Biases are points: they average by shares.
 *
 * Sums are in float64 and in the order of the shards: the same bits whatever order results come in.
 */
import type { Layout } from "../model/layout.ts";
import { arraysFromBytes, arraysToBytes } from "./arrays.ts";

/** A diagonal normal over the flat vector; the precision of biases is 0. */
export interface Normal {
  readonly mean: Float32Array;
  readonly precision: Float32Array;
}

/** How natural parameters change, float32, since it travels; of biases `weighted` is the change of the mean. */
export interface Change {
  readonly precision: Float32Array;
  readonly weighted: Float32Array;
}

/** Natural parameters while changes are added to them; of biases `weighted` is the mean. */
export interface Naturals {
  readonly precision: Float64Array;
  readonly weighted: Float64Array;
}

/** What a shard has learnt since the posterior that all shards began the round with. */
export function changeOf(layout: Layout, learnt: Normal, before: Normal): Change {
  const precision = new Float32Array(layout.length);
  const weighted = new Float32Array(layout.length);
  const { mean: m, precision: p } = learnt;
  const { mean: m0, precision: p0 } = before;
  for (const { offset, size, bias } of layout.segments)
    for (let i = offset; i < offset + size; i++) {
      precision[i] = p[i] - p0[i];
      weighted[i] = bias ? m[i] - m0[i] : p[i] * m[i] - p0[i] * m0[i];
    }
  return { precision, weighted };
}

export function naturalsOf(layout: Layout, { mean, precision }: Normal): Naturals {
  const naturals = {
    precision: Float64Array.from(precision),
    weighted: new Float64Array(layout.length),
  };
  for (const { offset, size, bias } of layout.segments)
    for (let i = offset; i < offset + size; i++) naturals.weighted[i] = (bias ? 1 : precision[i]) * mean[i];
  return naturals;
}

/** Adds `weight` times a change. */
export function addChange({ precision, weighted }: Naturals, change: Change, weight: number): void {
  addTimes(precision, change.precision, weight);
  addTimes(weighted, change.weighted, weight);
}

function addTimes(sums: Float64Array, values: Float32Array, weight: number): void {
  for (let i = 0; i < sums.length; i++) sums[i] += weight * values[i];
}

/** The normal that natural parameters describe; a weight's precision is at least the prior's. */
export function normalOf(layout: Layout, { precision, weighted }: Naturals, priorPrecision: number): Normal {
  const mean = new Float32Array(layout.length);
  const positive = new Float32Array(layout.length);
  for (const { offset, size, bias } of layout.segments)
    for (let i = offset; i < offset + size; i++) {
      const p = bias ? 1 : Math.max(precision[i], priorPrecision);
      mean[i] = weighted[i] / p;
      if (!bias) positive[i] = p;
    }
  return { mean, precision: positive };
}

export function changeToBytes({ precision, weighted }: Change): Uint8Array {
  return arraysToBytes(new Map(Object.entries({ precision, weighted })));
}

export function changeFromBytes(bytes: Uint8Array): Change {
  const { arrays } = arraysFromBytes(bytes);
  return { precision: arrays.get("precision")!, weighted: arrays.get("weighted")! };
}
