/** @module The output layer with a logit for every token. */
import type { Address } from "../../kernels/address.ts";
import type { ModelConfiguration } from "../configuration.ts";
import { Classifier, type ClassifierRows, chunksOf } from "./classifier.ts";
import { placeOf, type Rows, type Tensor } from "./layer.ts";
import type { Chunk, OutputContext, OutputGradients, OutputLayer } from "./output.ts";

/** Without weights of its own where they are tied to the embedding. */
export function fullTensors({ vocabulary, hidden, tied }: ModelConfiguration): Tensor[] {
  const init = { kind: "uniform", width: hidden } as const;
  const weight: Tensor = { name: "output.weight", shape: [vocabulary, hidden], role: "output", init };
  return [...(tied ? [] : [weight]), { name: "output.bias", shape: [vocabulary], role: "bias", init }];
}

export class FullSoftmax implements OutputLayer {
  readonly #context: OutputContext;
  readonly #classifier: Classifier;

  constructor(context: OutputContext) {
    const { model, shape, buffers, shared, width } = context;
    this.#context = context;
    this.#classifier = new Classifier(
      {
        ...context,
        training: shape.training,
        rows: shape.batch * shape.sequence,
        logits: buffers.logits,
        packedRows: shared.packedRows,
      },
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
    this.#classifier.pack(theta);
  }

  loss(theta: Address, top: Rows, gradients: OutputGradients | null, take: (nll: number) => void): void {
    const { scored } = this.#context.window;
    this.#classifier.loss(theta, this.#rows(top, 0, top.count), scored, gradients, take);
  }

  probabilities(theta: Address, top: Rows, visit: (chunk: Chunk) => void): void {
    const { tape, buffers } = this.#context;
    for (const chunk of chunksOf(top.count, buffers.chunkRows)) {
      this.#classifier.probabilities(theta, this.#rows(top, chunk.row, chunk.rows));
      tape.js(() => visit(chunk));
    }
  }

  #rows(top: Rows, row: number, count: number): ClassifierRows {
    const { buffers, width } = this.#context;
    return {
      count,
      inputs: top.at + 4 * row * width,
      targets: buffers.targets + 4 * row,
      nll: buffers.nll + 4 * row,
    };
  }
}
