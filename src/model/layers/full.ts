/** @module The output layer with a logit for every token. */
import type { Address } from "../../kernels/address.ts";
import type { ModelConfiguration } from "../configuration.ts";
import { type Classifier, type ClassifierForm, type ClassifierRows, chunksOf } from "./classifier.ts";
import { placeOf, type Rows, type Tensor, wordsIf } from "./layer.ts";
import type { Chunk, OutputContext, OutputLayer } from "./output.ts";
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

export class FullSoftmax<C extends Classifier = Classifier> implements OutputLayer {
  protected readonly context: OutputContext;
  protected readonly classifier: C;
  /** Between the layer below and tied weights of another width. */
  protected readonly projection: Projection | null;
  /** [rows, embedding]: the layer below, projected. */
  readonly #projected: Address;

  constructor(context: OutputContext, Form: ClassifierForm<C>) {
    const { plan, model, shape, buffers, shared, width: from } = context;
    const { training } = shape;
    const rows = shape.batch * shape.sequence;
    const width = model.tied ? model.embedding : from;
    this.context = context;
    this.projection =
      width === from
        ? null
        : new Projection({ ...context, training }, { from, to: width, weight: placeOf(context, PROJECTION) });
    this.#projected = wordsIf(plan, width !== from, rows * width);
    this.classifier = new Form(
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
    const { plan, buffers } = this.context;
    plan.integers(buffers.targets, targets.length).set(targets);
  }

  pack(theta: Address): void {
    this.projection?.pack(theta);
    this.classifier.pack(theta);
  }

  /** Address of what is classified. */
  protected below(top: Rows): Address {
    if (!this.projection) return top.at;
    this.projection.forward(top, this.#projected);
    return this.#projected;
  }

  probabilities(theta: Address, top: Rows, visit: (chunk: Chunk) => void): void {
    const { tape, buffers } = this.context;
    const at = this.below(top);
    for (const chunk of chunksOf(top.count, buffers.chunkRows)) {
      this.classifier.probabilities(theta, this.rows(at, chunk.row, chunk.rows));
      tape.js(() => visit(chunk));
    }
  }

  protected rows(at: Address, row: number, count: number): ClassifierRows {
    const { buffers } = this.context;
    return {
      count,
      inputs: at + 4 * row * this.classifier.shape.width,
      targets: buffers.targets + 4 * row,
      nll: buffers.nll + 4 * row,
    };
  }
}
