/** @module A linear map to logits and their softmax, over weights packed once: what output layers are made of. */
import type { Address } from "../../kernels/address.ts";
import { PART } from "../../kernels/cuts.ts";
import type { MemoryPlan } from "../../kernels/memory.ts";
import type { Tape } from "../../kernels/tape.ts";
import type { Products } from "../products.ts";
import type { Chunk, OutputGradients } from "./output.ts";

/** Logits at a time, in floats: memory does not grow with vocabulary × time. */
const LOGITS_CHUNK = 2 ** 20;
/**
 * The same while training. With 10,000 words they are 256 rows, one chain of sums deep, since every chunk reads and
 * writes the gradient of all output weights.
 */
const TRAINING_CHUNK = 256 * 10_000;

/** Floats from one row of logits to the next. */
export function logitStrideOf(size: number): number {
  return Math.ceil(size / 4) * 4;
}

/** Of `rows` rows, how many are taken at a time. */
export function chunkRowsOf(rows: number, size: number, training: boolean): number {
  const floats = training ? TRAINING_CHUNK : LOGITS_CHUNK;
  return Math.min(rows, Math.max(16, Math.floor(floats / logitStrideOf(size))));
}

export interface ClassifierShape {
  /** Classes. */
  readonly size: number;
  /** Width of what is classified. */
  readonly width: number;
  /** Bytes from the beginning of the flat vector: of [size, width], and of [size] where there is a bias. */
  readonly weight: number;
  readonly bias: number | null;
}

export interface ClassifierContext {
  readonly plan: MemoryPlan;
  readonly tape: Tape;
  readonly products: Products;
  readonly training: boolean;
  /** Most rows that will come at once. */
  readonly rows: number;
  /** Room for the chunks of logits, [chunkRows, stride], which others may use in between. */
  readonly logits: Address;
  /** Room for the packed right-hand side of a weight gradient. */
  readonly packedRows: Address;
}

/** Rows to classify. */
export interface ClassifierRows {
  readonly count: number;
  /** [count, width]. */
  readonly inputs: Address;
  /** [count], classes; negative where the row is not scored. */
  readonly targets: Address;
  /** [count], written. */
  readonly nll: Address;
}

export class Classifier {
  readonly shape: ClassifierShape;
  readonly stride: number;
  readonly #context: ClassifierContext;
  readonly #chunkRows: number;
  readonly #packed: Address;
  readonly #packedBack: Address;
  /** [chunkRows, width], where targets are taken by themselves: with int16 products; else 0. */
  readonly #targetRows: Address;

  constructor(context: ClassifierContext, shape: ClassifierShape) {
    const { products, training } = context;
    const { size, width } = shape;
    this.shape = shape;
    this.stride = logitStrideOf(size);
    this.#context = context;
    this.#chunkRows = chunkRowsOf(context.rows, size, training);
    this.#packed = products.planPacked(size, width);
    this.#packedBack = training ? products.planPacked(width, size) : 0;
    const apart = training && products.form === "int16";
    this.#targetRows = apart ? context.plan.words(this.#chunkRows * width) : 0;
  }

  /** Packs the weights of the flat vector at `theta`. */
  pack(theta: Address): void {
    const { size, width, weight } = this.shape;
    const { products } = this.#context;
    products.packRows(this.#packed, theta + weight, width, size);
    if (this.#packedBack) products.packColumns(this.#packedBack, theta + weight, size, width);
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
    const { tape, logits } = this.#context;
    let total = 0;
    for (const chunk of this.#chunks(rows)) {
      this.#logits(chunk);
      tape.k.crossEntropy({
        logits,
        bias: this.#bias(theta),
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
    const losses = this.#context.plan.floats(nll, count);
    const range = 2 * Math.max(1, Math.floor(PART / this.shape.size));
    let total = 0;
    for (let from = 0; from < count; from += range) {
      let part = 0;
      for (let r = from; r < Math.min(count, from + range); r++) part += losses[r];
      total += part;
    }
    return total;
  }

  /** Probabilities of at most a chunk of rows, [count, stride] in the room for logits. */
  probabilities(theta: Address, rows: ClassifierRows): void {
    this.#logits(rows);
    this.#context.tape.k.probabilities({
      logits: this.#context.logits,
      bias: this.#bias(theta),
      targets: rows.targets,
      nll: rows.nll,
      rows: rows.count,
      vocabulary: this.shape.size,
      stride: this.stride,
    });
  }

  #bias(theta: Address): Address {
    return this.shape.bias === null ? 0 : theta + this.shape.bias;
  }

  #chunks(rows: ClassifierRows): ClassifierRows[] {
    return chunksOf(rows.count, this.#chunkRows).map(({ row, rows: count }) => ({
      count,
      inputs: rows.inputs + 4 * row * this.shape.width,
      targets: rows.targets + 4 * row,
      nll: rows.nll + 4 * row,
    }));
  }

  /** Without the bias. */
  #logits({ inputs, count }: ClassifierRows): void {
    const { products, logits } = this.#context;
    const { size, width } = this.shape;
    products.multiply([count, size, width], { at: inputs, stride: width }, this.#packed, {
      at: logits,
      stride: this.stride,
    });
  }

  /**
   * What is left of the logits' gradients p − y, times `scale`, without y: beside a 1 the probabilities of rare classes
   * would be less than half of a quantum.
   */
  #omitTargets({ targets, count }: ClassifierRows, scale: number): void {
    const { plan, logits } = this.#context;
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
    const { tape, plan } = this.#context;
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
    const { tape, products, logits, packedRows } = this.#context;
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

/** Chunks of `count` rows, at most `most` each. */
export function chunksOf(count: number, most: number): Chunk[] {
  return Array.from({ length: Math.ceil(count / most) }, (_, i) => ({
    row: i * most,
    rows: Math.min(most, count - i * most),
  }));
}
