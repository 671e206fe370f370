/** @module What a classifier learns by: the cross-entropy of its rows, and the gradients of it. */
import type { Address } from "../../kernels/address.ts";
import { PART } from "../../kernels/cuts.ts";
import {
  Classifier,
  type ClassifierContext,
  type ClassifierRows,
  type ClassifierShape,
  chunkRowsOf,
  chunksOf,
} from "./classifier.ts";
import type { OutputGradients } from "./output.ts";

export class LossClassifier extends Classifier {
  readonly #chunkRows: number;
  readonly #packedBack: Address;
  /** [chunkRows, width], where targets are taken by themselves: with int16 products; else 0. */
  readonly #targetRows: Address;

  constructor(context: ClassifierContext, shape: ClassifierShape) {
    super(context, shape);
    const { products, training } = context;
    const { size, width } = shape;
    this.#chunkRows = chunkRowsOf(context.rows, size, training);
    this.#packedBack = training ? products.planPacked(width, size) : 0;
    const apart = training && products.form === "int16";
    this.#targetRows = apart ? context.plan.words(this.#chunkRows * width) : 0;
  }

  override pack(theta: Address): void {
    super.pack(theta);
    const { size, width, weight } = this.shape;
    if (this.#packedBack) this.context.products.packColumns(this.#packedBack, theta + weight, size, width);
  }

  /**
   * Cross-entropy, chunk by chunk of rows, and its gradients where there is a place for them.
   * @param tokens number that the mean is taken over, these rows among them
   * @param take gets the sum over rows of the negative log-likelihood, in nats
   */
  loss(
    theta: Address,
    rows: ClassifierRows,
    tokens: number,
    gradients: OutputGradients | null,
    take: (nll: number) => void,
  ): void {
    const { tape, logits } = this.context;
    let total = 0;
    for (const chunk of this.#chunks(rows)) {
      this.logits(chunk);
      tape.k.crossEntropy({
        logits,
        bias: this.bias(theta),
        targets: chunk.targets,
        nll: chunk.nll,
        rows: chunk.count,
        vocabulary: this.shape.size,
        stride: this.stride,
        scale: 1 / tokens,
      });
      tape.js(() => {
        total += this.#total(chunk);
      });
      if (!gradients) continue;
      const inputs = gradients.inputs + (chunk.inputs - rows.inputs);
      const scale = Math.fround(1 / tokens);
      if (this.#targetRows) tape.js(() => this.#omitTargets(chunk, scale));
      this.#gradients(chunk, { flat: gradients.flat, inputs }, chunk.nll !== rows.nll);
      if (this.#targetRows) this.#addTargets(theta, chunk, { flat: gradients.flat, inputs }, scale);
    }
    tape.js(() => take(total));
  }

  /** A chunk's losses in double precision, in ranges of a size that figures depend on. */
  #total({ nll, count }: ClassifierRows): number {
    const losses = this.context.plan.floats(nll, count);
    const range = 2 * Math.max(1, Math.floor(PART / this.shape.size));
    let total = 0;
    for (let from = 0; from < count; from += range) {
      let part = 0;
      for (let r = from; r < Math.min(count, from + range); r++) part += losses[r];
      total += part;
    }
    return total;
  }

  #chunks(rows: ClassifierRows): ClassifierRows[] {
    return chunksOf(rows.count, this.#chunkRows).map(({ row, rows: count }) => ({
      count,
      inputs: rows.inputs + 4 * row * this.shape.width,
      targets: rows.targets + 4 * row,
      nll: rows.nll + 4 * row,
    }));
  }

  /**
   * What is left of the logits' gradients p − y, times `scale`, without y: beside a 1 the probabilities of rare classes
   * would be less than half of a quantum.
   */
  #omitTargets({ targets, count }: ClassifierRows, scale: number): void {
    const { plan, logits } = this.context;
    const rows = plan.floats(logits, count * this.stride);
    plan.integers(targets, count).forEach((target, r) => {
      if (target >= 0) rows[r * this.stride + target] += scale;
    });
  }

  /** The share of the targets in the gradients, in floats. */
  #addTargets(
    theta: Address,
    { inputs, targets, count }: ClassifierRows,
    gradients: OutputGradients,
    scale: number,
  ): void {
    const { tape, plan } = this.context;
    const { width, weight, bias, size } = this.shape;
    const rows = this.#targetRows;
    const n = count * width;
    tape.k.gatherRows({ out: rows, table: theta + weight, ids: targets, rows: count, width });
    tape.k.axpby({ out: gradients.inputs, a: -scale, x: rows, b: 1, n });
    tape.k.axpby({ out: rows, a: -scale, x: inputs, b: 0, n });
    tape.k.scatterAddRows({
      table: gradients.flat + weight,
      rows,
      ids: targets,
      count,
      width,
      stride: width,
    });
    if (bias === null) return;
    tape.js(() => {
      const biases = plan.floats(gradients.flat + bias, size);
      for (const target of plan.integers(targets, count)) if (target >= 0) biases[target] -= scale;
    });
  }

  #gradients({ inputs, count }: ClassifierRows, gradients: OutputGradients, accumulate: boolean): void {
    const { tape, products, logits, packedRows } = this.context;
    const { size, width, weight, bias } = this.shape;
    const { stride } = this;
    products.multiply([count, width, size], { at: logits, stride }, this.#packedBack, {
      at: gradients.inputs,
      stride: width,
    });
    products.packColumns(packedRows, inputs, count, width);
    products.multiply([size, width, count], { at: logits, stride, transposed: true }, packedRows, {
      at: gradients.flat + weight,
      stride: width,
      accumulate,
    });
    if (bias === null) return;
    tape.k.sumRows({ out: gradients.flat + bias, rows: logits, count, width: size, stride, accumulate });
  }
}
