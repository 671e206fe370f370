/** @module The cross-entropy of the output layer with a logit for every token. */
import type { Address } from "../../kernels/address.ts";
import { LossClassifier } from "./classifierLoss.ts";
import { FullSoftmax } from "./full.ts";
import { type Rows, wordsIf } from "./layer.ts";
import type { LossLayer, OutputContext, OutputGradients } from "./output.ts";

export class FullLoss extends FullSoftmax<LossClassifier> implements LossLayer {
  /** [rows, embedding]: gradients of what is projected. */
  readonly #dProjected: Address;

  constructor(context: OutputContext) {
    super(context, LossClassifier);
    const { plan, model, shape } = context;
    const wanted = shape.training && this.projection !== null;
    this.#dProjected = wordsIf(plan, wanted, shape.batch * shape.sequence * model.embedding);
  }

  loss(theta: Address, top: Rows, gradients: OutputGradients | null, take: (nll: number) => void): void {
    const { scored } = this.context.window;
    const rows = this.rows(this.below(top), 0, top.count);
    const own = gradients && this.projection ? { ...gradients, inputs: this.#dProjected } : gradients;
    this.classifier.loss(theta, rows, scored, own, take);
    if (gradients) this.projection?.backward(gradients.flat, top, this.#dProjected, gradients.inputs);
  }
}
