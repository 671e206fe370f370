/** @module The output layer with a logit for every token. */
import type { Address } from "../../kernels/address.ts";
import type { ModelConfiguration } from "../configuration.ts";
import { Classifier, type ClassifierRows, chunksOf } from "./classifier.ts";
import { placeOf, type Rows, type Tensor, wordsIf } from "./layer.ts";
import type { Chunk, OutputContext, OutputGradients, OutputLayer } from "./output.ts";
import { Projection } from "./projection.ts";

const PROJECTION = "projection.weight";

/** Tied to the embedding without weights of its own, but a projection to its width where that is another. */
export function fullTensors(model: ModelConfiguration): Tensor[] {
  const { vocabulary, embedding, hidden, tied } = model;
  const init = (width: number) => ({ kind: "uniform", width }) as const;
  const bias: Tensor = {
    name: "output.bias",
    shape: [vocabulary],
    role: "bias",
    init: init(tied ? embedding : hidden),
  };
  if (!tied)
    return [{ name: "output.weight", shape: [vocabulary, hidden], role: "output", init: init(hidden) }, bias];
  if (embedding === hidden) return [bias];
  return [{ name: PROJECTION, shape: [embedding, hidden], role: "inner", init: init(hidden) }, bias];
}

export class FullSoftmax implements OutputLayer {
  readonly #context: OutputContext;
  readonly #classifier: Classifier;
  /** Between the layer below and tied weights of another width. */
  readonly #projection: Projection | null;
  /** [rows, embedding]: the layer below, projected, and the gradients of that. */
  readonly #projected: Address;
  readonly #dProjected: Address;

  constructor(context: OutputContext) {
    const { plan, model, shape, buffers, shared, width: from } = context;
    const { training } = shape;
    const rows = shape.batch * shape.sequence;
    const width = model.tied ? model.embedding : from;
    this.#context = context;
    this.#projection =
      width === from
        ? null
        : new Projection({ ...context, training }, { from, to: width, weight: placeOf(context, PROJECTION) });
    this.#projected = wordsIf(plan, width !== from, rows * width);
    this.#dProjected = wordsIf(plan, width !== from && training, rows * width);
    this.#classifier = new Classifier(
      { ...context, training, rows, logits: buffers.logits, packedRows: shared.packedRows },
      {
        size: model.vocabulary,
        width,
        weight: placeOf(context, model.tied ? "embedding.weight" : "output.weight"),
        bias: placeOf(context, "output.bias"),
      },
    );
  }

  setTargets(targets: Int32Array): void {
    const { plan, buffers } = this.#context;
    plan.integers(buffers.targets, targets.length).set(targets);
  }

  pack(theta: Address): void {
    this.#projection?.pack(theta);
    this.#classifier.pack(theta);
  }

  loss(theta: Address, top: Rows, gradients: OutputGradients | null, take: (nll: number) => void): void {
    const { scored } = this.#context.window;
    const rows = this.#rows(this.#below(top), 0, top.count);
    const own = gradients && this.#projection ? { ...gradients, inputs: this.#dProjected } : gradients;
    this.#classifier.loss(theta, rows, scored, own, take);
    if (gradients) this.#projection?.backward(gradients.flat, top, this.#dProjected, gradients.inputs);
  }

  /** Address of what is classified. */
  #below(top: Rows): Address {
    if (!this.#projection) return top.at;
    this.#projection.forward(top, this.#projected);
    return this.#projected;
  }

  probabilities(theta: Address, top: Rows, visit: (chunk: Chunk) => void): void {
    const { tape, buffers } = this.#context;
    const at = this.#below(top);
    for (const chunk of chunksOf(top.count, buffers.chunkRows)) {
      this.#classifier.probabilities(theta, this.#rows(at, chunk.row, chunk.rows));
      tape.js(() => visit(chunk));
    }
  }

  #rows(at: Address, row: number, count: number): ClassifierRows {
    const { buffers } = this.#context;
    return {
      count,
      inputs: at + 4 * row * this.#classifier.shape.width,
      targets: buffers.targets + 4 * row,
      nll: buffers.nll + 4 * row,
    };
  }
}
