/** @module The output layer with a logit for every token. */
import { Classifier, type ClassifierRows } from "./classifier.ts";
import type { Chunk, OutputContext, OutputLayer, TopRows } from "./outputLayer.ts";
import type { Slices } from "./products.ts";

const BYTES = 4;

export class FullSoftmax implements OutputLayer {
  readonly #context: OutputContext;
  readonly #classifier: Classifier;

  constructor(context: OutputContext) {
    const { model, layout, buffers } = context;
    const offset = (name: string) => layout.find(name).offset * BYTES;
    this.#context = context;
    this.#classifier = new Classifier(
      { ...context, logits: buffers.logits, packedRows: buffers.packedRows },
      {
        size: model.vocabulary,
        width: model.hidden,
        weight: offset(model.tied ? "embedding.weight" : "output.weight"),
        bias: offset("output.bias"),
      },
    );
  }

  setTargets(targets: Int32Array): void {
    const { plan, buffers } = this.#context;
    plan.integers(buffers.targets, targets.length).set(targets);
  }

  pack(theta: number): Slices {
    return this.#classifier.pack(theta);
  }

  loss(theta: number, top: TopRows, gradient: number): Slices<number> {
    const gradients = gradient ? { flat: gradient, inputs: this.#context.buffers.dAbove } : null;
    return this.#classifier.loss(theta, this.#rows(top, 0, top.count), top.count, gradients);
  }

  *probabilities(theta: number, top: TopRows): Generator<Chunk | undefined, void, void> {
    const { chunkRows } = this.#context.buffers;
    for (let row = 0; row < top.count; row += chunkRows) {
      const rows = Math.min(chunkRows, top.count - row);
      for (const _ of this.#classifier.probabilities(theta, this.#rows(top, row, rows))) yield undefined;
      yield { row, rows };
    }
  }

  #rows(top: TopRows, row: number, count: number): ClassifierRows {
    const { model, buffers } = this.#context;
    return {
      count,
      inputs: top.at + row * model.hidden * BYTES,
      targets: buffers.targets + row * BYTES,
      nll: buffers.nll + row * BYTES,
    };
  }
}
