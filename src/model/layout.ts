/** @module Where each named segment of the one flat parameter vector lies. */
import { frozen } from "../shapes.ts";
import type { ModelConfiguration } from "./configuration.ts";
import { adaptiveTensors } from "./layers/adaptive.ts";
import { attentionTensors } from "./layers/attention.ts";
import { cellOf } from "./layers/cells.ts";
import { embeddingTensors } from "./layers/embedding.ts";
import { fullTensors } from "./layers/full.ts";
import type { Tensor } from "./layers/layer.ts";
import { recurrentTensors } from "./layers/recurrent.ts";

/** A tensor of the model in the flat vector. */
export interface Segment extends Tensor {
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

/** The layers' tensors in the order of the layers. */
function tensorsOf(model: ModelConfiguration): Tensor[] {
  const { embedding, hidden, layers } = model;
  const cell = cellOf(model.cell);
  return [
    ...embeddingTensors(model),
    ...Array.from({ length: layers }, (_, l) =>
      recurrentTensors(cell, l, l === 0 ? embedding : hidden, hidden),
    ).flat(),
    ...attentionTensors(model),
    ...(model.softmax === "adaptive" ? adaptiveTensors(model) : fullTensors(model)),
  ];
}

export function layoutOf(model: ModelConfiguration): Layout {
  let offset = 0;
  const segments = tensorsOf(model).map((tensor): Segment => {
    const size = tensor.shape.reduce((a, b) => a * b, 1);
    const segment = { ...tensor, offset, size, bias: tensor.role === "bias" };
    offset += Math.ceil(size / ALIGNMENT) * ALIGNMENT;
    return segment;
  });
  const byName = new Map(segments.map((s) => [s.name, s]));
  return frozen({
    segments,
    length: offset,
    parameters: segments.reduce((n, s) => n + s.size, 0),
    weights: segments.reduce((n, s) => n + (s.bias ? 0 : s.size), 0),
    find: (name: string) => byName.get(name)!,
  });
}
