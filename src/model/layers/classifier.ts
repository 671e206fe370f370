/** @module A linear map to logits and their softmax, over weights packed once: what output layers are made of. */
import type { Address } from "../../kernels/address.ts";
import type { MemoryPlan } from "../../kernels/memory.ts";
import type { Tape } from "../../kernels/tape.ts";
import type { Products } from "../products.ts";
import type { Chunk } from "./output.ts";

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

/** A classifier that predicts alone, or one that also learns. */
export type ClassifierForm<C extends Classifier> = new (
  context: ClassifierContext,
  shape: ClassifierShape,
) => C;

export class Classifier {
  readonly shape: ClassifierShape;
  readonly stride: number;
  protected readonly context: ClassifierContext;
  readonly #packed: Address;

  constructor(context: ClassifierContext, shape: ClassifierShape) {
    this.shape = shape;
    this.stride = logitStrideOf(shape.size);
    this.context = context;
    this.#packed = context.products.planPacked(shape.size, shape.width);
  }

  /** Packs the weights of the flat vector at `theta`. */
  pack(theta: Address): void {
    const { size, width, weight } = this.shape;
    this.context.products.packRows(this.#packed, theta + weight, width, size);
  }

  /** Probabilities of at most a chunk of rows, [count, stride] in the room for logits. */
  probabilities(theta: Address, rows: ClassifierRows): void {
    this.logits(rows);
    this.context.tape.k.probabilities({
      logits: this.context.logits,
      bias: this.bias(theta),
      targets: rows.targets,
      nll: rows.nll,
      rows: rows.count,
      vocabulary: this.shape.size,
      stride: this.stride,
    });
  }

  protected bias(theta: Address): Address {
    return this.shape.bias === null ? 0 : theta + this.shape.bias;
  }

  /** Without the bias. */
  protected logits({ inputs, count }: ClassifierRows): void {
    const { products, logits } = this.context;
    const { size, width } = this.shape;
    products.multiply([count, size, width], { at: inputs, stride: width }, this.#packed, {
      at: logits,
      stride: this.stride,
    });
  }
}

/** Chunks of `count` rows, at most `most` each. */
export function chunksOf(count: number, most: number): Chunk[] {
  return Array.from({ length: Math.ceil(count / most) }, (_, i) => ({
    row: i * most,
    rows: Math.min(most, count - i * most),
  }));
}
