/** @module The output layer with a logit for every token: one product, chunk by chunk of rows. */
import type { KernelExports } from "../kernels/exports.ts";
import type { Chunk, OutputContext, OutputLayer, TopRows } from "./outputLayer.ts";
import type { Slices } from "./products.ts";

const BYTES = 4;

export class FullSoftmax implements OutputLayer {
  readonly #context: OutputContext;
  readonly #k: KernelExports;
  /** Byte offsets into the flat vector. */
  readonly #weight: number;
  readonly #bias: number;
  readonly #packed: number;
  readonly #packedBack: number;

  constructor(context: OutputContext) {
    const { plan, model, layout, training } = context;
    const { hidden, vocabulary } = model;
    this.#context = context;
    this.#k = plan.instance.exports;
    this.#weight = layout.find(model.tied ? "embedding.weight" : "output.weight").offset * BYTES;
    this.#bias = layout.find("output.bias").offset * BYTES;
    const packed = (n: number, k: number) => plan.words(this.#k.packedSize(n, k) + 16);
    this.#packed = packed(vocabulary, hidden);
    this.#packedBack = training ? packed(hidden, vocabulary) : 0;
  }

  setTargets(targets: Int32Array): void {
    const { plan, buffers } = this.#context;
    plan.integers(buffers.targets, targets.length).set(targets);
  }

  *pack(theta: number): Slices {
    const { hidden, vocabulary } = this.#context.model;
    this.#k.packRows(this.#packed, theta + this.#weight, hidden, hidden, vocabulary);
    if (this.#packedBack)
      this.#k.packColumns(this.#packedBack, theta + this.#weight, hidden, vocabulary, hidden);
    yield* this.#context.products.spend(32 * vocabulary * hidden);
  }

  /** Logits of a chunk of rows, without the bias. */
  *#logits(top: TopRows, row: number, rows: number): Slices {
    const { products, model, buffers } = this.#context;
    const { hidden, vocabulary } = model;
    yield* products.multiply(
      [rows, vocabulary, hidden],
      { at: top.at + row * hidden * BYTES, stride: hidden },
      this.#packed,
      { at: buffers.logits, stride: buffers.logitStride },
    );
    yield* products.spend(40 * rows * vocabulary);
  }

  *loss(theta: number, top: TopRows, gradient: number): Slices<number> {
    const { vocabulary } = this.#context.model;
    const b = this.#context.buffers;
    let total = 0;
    for (let row = 0; row < top.count; row += b.chunkRows) {
      const rows = Math.min(b.chunkRows, top.count - row);
      yield* this.#logits(top, row, rows);
      total += this.#k.crossEntropy(
        b.logits,
        theta + this.#bias,
        b.targets + row * BYTES,
        b.nll + row * BYTES,
        rows,
        vocabulary,
        b.logitStride,
        1 / top.count,
      );
      if (gradient) yield* this.#gradients(gradient, top, row, rows);
    }
    return total;
  }

  *#gradients(gradient: number, top: TopRows, row: number, rows: number): Slices {
    const { products, model } = this.#context;
    const { hidden, vocabulary } = model;
    const b = this.#context.buffers;
    const accumulate = row > 0;
    yield* products.multiply(
      [rows, hidden, vocabulary],
      { at: b.logits, stride: b.logitStride },
      this.#packedBack,
      { at: b.dAbove + row * hidden * BYTES, stride: hidden },
    );
    this.#k.packColumns(b.packedRows, top.at + row * hidden * BYTES, hidden, rows, hidden);
    yield* products.multiply(
      [vocabulary, hidden, rows],
      { at: b.logits, stride: b.logitStride, transposed: true },
      b.packedRows,
      { at: gradient + this.#weight, stride: hidden, accumulate },
    );
    this.#k.sumRows(gradient + this.#bias, b.logits, rows, vocabulary, b.logitStride, Number(accumulate));
  }

  *probabilities(theta: number, top: TopRows): Generator<Chunk | undefined, void, void> {
    const b = this.#context.buffers;
    for (let row = 0; row < top.count; row += b.chunkRows) {
      const rows = Math.min(b.chunkRows, top.count - row);
      for (const _ of this.#logits(top, row, rows)) yield undefined;
      this.#k.probabilities(
        b.logits,
        theta + this.#bias,
        b.targets + row * BYTES,
        b.nll + row * BYTES,
        rows,
        this.#context.model.vocabulary,
        b.logitStride,
      );
      yield { row, rows };
    }
  }
}
