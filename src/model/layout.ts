/** @module Where each named segment of the one flat parameter vector lies. */
import { tailsOf } from "./clusters.ts";
import type { ModelConfiguration } from "./configuration.ts";

/** A tensor of the model. Names and shapes are PyTorch's. */
export interface Segment {
  readonly name: string;
  readonly shape: readonly number[];
  /** Index of its first element in the flat vector, a multiple of 16. */
  readonly offset: number;
  /** Elements; nothing reads the gap up to the next segment. */
  readonly size: number;
  /** Biases take no noise and no prior. */
  readonly bias: boolean;
}

export interface Layout {
  readonly segments: readonly Segment[];
  /** Floats of the flat vector, padding included. */
  readonly length: number;
  /** Trainable parameters, padding left out. */
  readonly parameters: number;
  /** Parameters with a posterior: all but the biases. */
  readonly weights: number;
  find(name: string): Segment;
}

/** Segments start at multiples of 16 floats, so that one block of random numbers never spans two. */
const ALIGNMENT = 16;

/** The segments in their order: embedding, LSTM layers, output (its weight left out where tied), or head and tails. */
export function layoutOf(model: ModelConfiguration): Layout {
  const { vocabulary, embedding, hidden, layers, tied } = model;
  const segments: Segment[] = [];
  let offset = 0;
  const add = (name: string, ...shape: number[]) => {
    const size = shape.reduce((a, b) => a * b, 1);
    segments.push({ name, shape, offset, size, bias: shape.length === 1 });
    offset += Math.ceil(size / ALIGNMENT) * ALIGNMENT;
  };
  add("embedding.weight", vocabulary, embedding);
  for (let l = 0; l < layers; l++) {
    add(`lstm.weight_ih_l${l}`, 4 * hidden, l === 0 ? embedding : hidden);
    add(`lstm.weight_hh_l${l}`, 4 * hidden, hidden);
    add(`lstm.bias_ih_l${l}`, 4 * hidden);
    add(`lstm.bias_hh_l${l}`, 4 * hidden);
  }
  if (model.softmax === "adaptive") {
    const tails = tailsOf(model);
    add("output.head.weight", tails[0].first + tails.length, hidden);
    add("output.head.bias", tails[0].first + tails.length);
    tails.forEach(({ size, width }, i) => {
      add(`output.tail.${i}.0.weight`, width, hidden);
      add(`output.tail.${i}.1.weight`, size, width);
    });
  } else {
    if (!tied) add("output.weight", vocabulary, hidden);
    add("output.bias", vocabulary);
  }
  const byName = new Map(segments.map((s) => [s.name, s]));
  return {
    segments,
    length: offset,
    parameters: segments.reduce((n, s) => n + s.size, 0),
    weights: segments.reduce((n, s) => n + (s.bias ? 0 : s.size), 0),
    find: (name) => byName.get(name)!,
  };
}
