/** @module A linear map to logits and their softmax, over weights packed once: what output layers are made of. */
import type { KernelExports } from "../kernels/generated/signatures.ts";
import type { MemoryPlan } from "../kernels/memory.ts";
import { COPY, gatherRows, scatterRows, sumRows } from "./passes.ts";
import type { Products } from "./products.ts";
import { type Slices, unitsOfPart } from "./work.ts";

const BYTES = 4;
/** Operations that take as long as one probability. */
const PROBABILITY = 100;
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
  /** Byte offsets into the flat vector: [size, width], and [size] where there is a bias. */
  readonly weight: number;
  readonly bias: number | null;
}

export interface ClassifierContext {
  readonly plan: MemoryPlan;
  readonly products: Products;
  readonly training: boolean;
  /** Most rows that will come at once. */
  readonly rows: number;
  /** Room for the chunks of logits, [chunkRows, stride], which others may use in between. */
  readonly logits: number;
  /** Room for the packed right-hand side of a weight gradient. */
  readonly packedRows: number;
}

/** Rows to classify; addresses. */
export interface ClassifierRows {
  readonly count: number;
  /** [count, width]. */
  readonly inputs: number;
  /** [count], classes. */
  readonly targets: number;
  /** [count], written. */
  readonly nll: number;
}

/** Where gradients go; addresses. */
export interface ClassifierGradients {
  /** The flat vector. */
  readonly flat: number;
  /** [count, width]. */
  readonly inputs: number;
}

export class Classifier {
  readonly shape: ClassifierShape;
  readonly stride: number;
  readonly #context: ClassifierContext;
  readonly #chunkRows: number;
  readonly #k: KernelExports;
  readonly #packed: number;
  readonly #packedBack: number;
  /** [chunkRows, width], where targets are taken by themselves: with products of whole numbers; else 0. */
  readonly #targetRows: number;

  constructor(context: ClassifierContext, shape: ClassifierShape) {
    const { products, training } = context;
    const { size, width } = shape;
    this.shape = shape;
    this.stride = logitStrideOf(size);
    this.#context = context;
    this.#chunkRows = chunkRowsOf(context.rows, size, training);
    this.#k = products.kernels;
    this.#packed = products.planPacked(size, width);
    this.#packedBack = training ? products.planPacked(width, size) : 0;
    const apart = training && products.form === "int16";
    this.#targetRows = apart ? context.plan.words(this.#chunkRows * width) : 0;
  }

  /** Packs the weights of the flat vector at `theta`. */
  *pack(theta: number): Slices {
    const { size, width, weight } = this.shape;
    const { products } = this.#context;
    yield* products.packRows(this.#packed, theta + weight, width, width, size);
    if (this.#packedBack) yield* products.packColumns(this.#packedBack, theta + weight, width, size, width);
  }

  /**
   * Cross-entropy, chunk by chunk of rows, and its gradients where there is a place for them.
   * @param tokens number that the mean is taken over, these rows among them
   * @returns the sum over rows of the negative log-likelihood, in nats
   */
  *loss(
    theta: number,
    rows: ClassifierRows,
    tokens: number,
    gradients: ClassifierGradients | null,
  ): Slices<number> {
    const { logits } = this.#context;
    let total = 0;
    for (let row = 0; row < rows.count; row += this.#chunkRows) {
      const chunk = this.#part(rows, row);
      yield* this.#logits(chunk);
      yield* this.#eachRow(chunk.count, (from, count) => {
        total += this.#k.crossEntropy(
          logits + from * this.stride * BYTES,
          this.#bias(theta),
          chunk.targets + from * BYTES,
          chunk.nll + from * BYTES,
          count,
          this.shape.size,
          this.stride,
          1 / tokens,
        );
      });
      if (!gradients) continue;
      const inputs = gradients.inputs + row * this.shape.width * BYTES;
      if (this.#targetRows) this.#leaveTargetsOut(chunk, Math.fround(1 / tokens));
      yield* this.#gradients(chunk, { flat: gradients.flat, inputs }, row > 0);
      if (this.#targetRows)
        yield* this.#addTargets(theta, chunk, { flat: gradients.flat, inputs }, Math.fround(1 / tokens));
    }
    return total;
  }

  /** Probabilities of at most a chunk of rows, [count, stride] in the room for logits. */
  *probabilities(theta: number, rows: ClassifierRows): Slices {
    yield* this.#logits(rows);
    const { logits } = this.#context;
    yield* this.#eachRow(rows.count, (from, count) => {
      this.#k.probabilities(
        logits + from * this.stride * BYTES,
        this.#bias(theta),
        rows.targets + from * BYTES,
        rows.nll + from * BYTES,
        count,
        this.shape.size,
        this.stride,
      );
    });
  }

  /** Visits the rows of a chunk of logits; all at once unless the classes are very many. */
  *#eachRow(rows: number, visit: (from: number, rows: number) => void): Slices {
    const { size } = this.shape;
    yield* this.#context.products.parts(rows, 2 * unitsOfPart(size), PROBABILITY * size, visit);
  }

  #bias(theta: number): number {
    return this.shape.bias === null ? 0 : theta + this.shape.bias;
  }

  #part(rows: ClassifierRows, row: number): ClassifierRows {
    return {
      count: Math.min(this.#chunkRows, rows.count - row),
      inputs: rows.inputs + row * this.shape.width * BYTES,
      targets: rows.targets + row * BYTES,
      nll: rows.nll + row * BYTES,
    };
  }

  /** Without the bias. */
  *#logits({ inputs, count }: ClassifierRows): Slices {
    const { products, logits } = this.#context;
    const { size, width } = this.shape;
    yield* products.multiply([count, size, width], { at: inputs, stride: width }, this.#packed, {
      at: logits,
      stride: this.stride,
    });
  }

  /**
   * What is left of the logits' gradients p − y, times `scale`, without y: beside a 1 the probabilities of rare classes
   * would be less than half of a step.
   */
  #leaveTargetsOut({ targets, count }: ClassifierRows, scale: number): void {
    const { plan, logits } = this.#context;
    const rows = plan.floats(logits, count * this.stride);
    plan.integers(targets, count).forEach((target, r) => {
      rows[r * this.stride + target] += scale;
    });
  }

  /** The share of the targets in the gradients, in floats. */
  *#addTargets(
    theta: number,
    { inputs, targets, count }: ClassifierRows,
    gradients: ClassifierGradients,
    scale: number,
  ): Slices {
    const { products } = this.#context;
    const { width, weight, bias } = this.shape;
    const rows = this.#targetRows;
    const weights = gradients.flat + weight;
    yield* gatherRows(products, this.#k, rows, theta + weight, targets, count, width);
    this.#k.axpby(gradients.inputs, -scale, rows, 1, count * width);
    this.#k.axpby(rows, -scale, inputs, 0, count * width);
    yield* scatterRows(products, this.#k, weights, rows, targets, count, width);
    products.add(2 * COPY * count * width);
    if (bias === null) return;
    const biases = this.#context.plan.floats(gradients.flat + bias, this.shape.size);
    for (const target of this.#context.plan.integers(targets, count)) biases[target] -= scale;
  }

  *#gradients(
    { inputs, count }: ClassifierRows,
    gradients: ClassifierGradients,
    accumulate: boolean,
  ): Slices {
    const { products, logits, packedRows } = this.#context;
    const { size, width, weight, bias } = this.shape;
    const { stride } = this;
    yield* products.multiply([count, width, size], { at: logits, stride }, this.#packedBack, {
      at: gradients.inputs,
      stride: width,
    });
    yield* products.packColumns(packedRows, inputs, width, count, width);
    yield* products.multiply([size, width, count], { at: logits, stride, transposed: true }, packedRows, {
      at: gradients.flat + weight,
      stride: width,
      accumulate,
    });
    if (bias !== null)
      yield* sumRows(products, this.#k, gradients.flat + bias, logits, count, size, stride, accumulate);
  }
}
