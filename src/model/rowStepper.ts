/**
 * @module One token for many rows at once, each after any row of the step before: texts of all lengths are read side
 * by side without padding, and a beginning that several share is read once. Row by row the bits are `Stepper`'s.
 */
import type { KernelExports } from "../kernels/generated/signatures.ts";
import type { MemoryPlan } from "../kernels/memory.ts";
import { AdaptiveSoftmax } from "./adaptiveSoftmax.ts";
import { chunkRowsOf, logitStrideOf } from "./classifier.ts";
import type { ModelConfiguration } from "./configuration.ts";
import { FullSoftmax } from "./fullSoftmax.ts";
import type { Layout } from "./layout.ts";
import type { Chunk, OutputLayer } from "./outputLayer.ts";
import { Products } from "./products.ts";
import { type Slices, unitsOfPart } from "./work.ts";

const BYTES = 4;
/** Operations that take as long as one LSTM unit. */
const UNIT = 400;
/** Floats of the first layer's products with whole vocabularies, all sets together; larger ones are not kept. */
const PROJECTION_FLOATS = 2 ** 22;

export interface RowStepperOptions {
  /** Most rows of a step. */
  readonly rows: number;
  /** Sets of weights, each with states of its own: samples of a posterior. */
  readonly sets: number;
}

interface RowLayer {
  readonly packedIh: number;
  readonly packedHh: number;
  /** b_ih + b_hh, [4·hidden]. */
  readonly bias: number;
  /** [rows + 1, hidden]: each row's state; the last is what texts begin from. */
  readonly h: number;
  readonly c: number;
}

interface WeightSet {
  /** The flat vector, to write before `pack`. */
  readonly theta: number;
  readonly layers: readonly RowLayer[];
  readonly output: OutputLayer;
  /** First layer's products with every token's embedding, [vocabulary, 4·hidden]; 0 where they are not kept. */
  readonly projected: number;
}

export class RowStepper {
  readonly rows: number;
  /** [chunkRows, stride]: probabilities of the chunk at hand. */
  readonly logits: number;
  readonly stride: number;
  readonly #plan: MemoryPlan;
  readonly #k: KernelExports;
  readonly #products: Products;
  readonly #model: ModelConfiguration;
  readonly #layout: Layout;
  readonly #sets: readonly WeightSet[];
  readonly #tokens: number;
  readonly #parents: number;
  readonly #embedded: number;
  readonly #gates: number;
  readonly #hBefore: number;
  readonly #cBefore: number;
  #count = 0;

  /** Plans its memory; usable once the plan is committed, the flat vectors are written and packed. */
  constructor(
    plan: MemoryPlan,
    model: ModelConfiguration,
    layout: Layout,
    { rows, sets }: RowStepperOptions,
  ) {
    const { vocabulary, embedding, hidden } = model;
    this.rows = rows;
    this.#plan = plan;
    this.#model = model;
    this.#layout = layout;
    this.#products = new Products(plan);
    this.#k = this.#products.kernels;
    this.#tokens = plan.words(rows);
    this.#parents = plan.words(rows);
    this.#embedded = plan.words(rows * embedding);
    this.#gates = plan.words(rows * 4 * hidden);
    this.#hBefore = plan.words(rows * hidden);
    this.#cBefore = plan.words(rows * hidden);
    const chunkRows = chunkRowsOf(rows, vocabulary, false);
    this.stride = logitStrideOf(vocabulary);
    this.logits = plan.words(chunkRows * this.stride);
    const [targets, nll] = [plan.words(rows), plan.words(rows)];
    const buffers = { logits: this.logits, chunkRows, logitStride: this.stride, targets, nll };
    const Output = model.softmax === "adaptive" ? AdaptiveSoftmax : FullSoftmax;
    const kept = vocabulary * 4 * hidden * sets <= PROJECTION_FLOATS;
    this.#sets = Array.from({ length: sets }, () => ({
      theta: plan.words(layout.length),
      layers: Array.from({ length: model.layers }, (_, l) => this.#planLayer(l)),
      output: new Output({
        plan,
        model,
        layout,
        products: this.#products,
        buffers: { ...buffers, packedRows: 0, dAbove: 0 },
        rows,
        training: false,
      }),
      projected: kept ? plan.words(vocabulary * 4 * hidden) : 0,
    }));
  }

  #planLayer(l: number): RowLayer {
    const { embedding, hidden } = this.#model;
    const state = () => this.#plan.words((this.rows + 1) * hidden);
    return {
      packedIh: this.#products.planPacked(4 * hidden, l === 0 ? embedding : hidden),
      packedHh: this.#products.planPacked(4 * hidden, hidden),
      bias: this.#plan.words(4 * hidden),
      h: state(),
      c: state(),
    };
  }

  /** Address of a set's flat vector. */
  theta(set: number): number {
    return this.#sets[set].theta;
  }

  /** Packs what stands in a set's flat vector; texts begin from a state of zeros. */
  *pack(set: number): Slices {
    const { embedding, hidden, vocabulary } = this.#model;
    const { theta, layers, output, projected } = this.#sets[set];
    const at = (name: string) => theta + this.#layout.find(name).offset * BYTES;
    for (const [l, layer] of layers.entries()) {
      const width = l === 0 ? embedding : hidden;
      yield* this.#products.packRows(layer.packedIh, at(`lstm.weight_ih_l${l}`), width, width, 4 * hidden);
      yield* this.#products.packRows(layer.packedHh, at(`lstm.weight_hh_l${l}`), hidden, hidden, 4 * hidden);
      this.#k.copyBytes(layer.bias, at(`lstm.bias_ih_l${l}`), 4 * hidden * BYTES);
      this.#k.axpby(layer.bias, 1, at(`lstm.bias_hh_l${l}`), 1, 4 * hidden);
      for (const state of [layer.h, layer.c]) this.#plan.floats(state + this.#rowBytes, hidden).fill(0);
    }
    yield* output.pack(theta);
    if (projected) yield* this.#project(layers[0], at("embedding.weight"), vocabulary, projected);
  }

  /** Offset of the state that texts begin from. */
  get #rowBytes(): number {
    return this.rows * this.#model.hidden * BYTES;
  }

  *#project({ packedIh }: RowLayer, from: number, rows: number, to: number): Slices {
    const { embedding, hidden } = this.#model;
    const result = { at: to, stride: 4 * hidden };
    yield* this.#products.multiply(
      [rows, 4 * hidden, embedding],
      { at: from, stride: embedding },
      packedIh,
      result,
    );
  }

  /** Texts begin from the state that a row of the last step ended in. */
  beginFrom(row: number): void {
    const bytes = this.#model.hidden * BYTES;
    for (const { layers } of this.#sets)
      for (const { h, c } of layers)
        for (const state of [h, c]) this.#k.copyBytes(state + this.#rowBytes, state + row * bytes, bytes);
  }

  /**
   * Takes the rows of a step.
   * @param tokens [count], ids of the vocabulary
   * @param parents [count], each row's place in the step before; −1 for a text that begins
   */
  setRows(tokens: Int32Array, parents: Int32Array, count: number): void {
    this.#count = count;
    this.#plan.integers(this.#tokens, count).set(tokens.subarray(0, count));
    const from = this.#plan.integers(this.#parents, count);
    for (let row = 0; row < count; row++) from[row] = parents[row] < 0 ? this.rows : parents[row];
  }

  /** Reads the rows' tokens into the states of one set. */
  *read(set: number): Slices {
    const { hidden } = this.#model;
    const count = this.#count;
    const layers = this.#sets[set].layers;
    for (const [l, layer] of layers.entries()) {
      this.#k.gatherRows(this.#hBefore, layer.h, this.#parents, count, hidden);
      this.#k.gatherRows(this.#cBefore, layer.c, this.#parents, count, hidden);
      yield* l === 0 ? this.#embed(this.#sets[set]) : this.#above(layer, layers[l - 1].h);
      yield* this.#products.multiply(
        [count, 4 * hidden, hidden],
        { at: this.#hBefore, stride: hidden },
        layer.packedHh,
        { at: this.#gates, stride: 4 * hidden, accumulate: true },
      );
      yield* this.#products.parts(count, unitsOfPart(4 * hidden), UNIT * hidden, (from, rows) => {
        const at = from * hidden * BYTES;
        const [gates, c] = [this.#gates + 4 * at, layer.c + at];
        this.#k.lstmForward(gates, layer.bias, this.#cBefore + at, c, layer.h + at, rows, hidden);
      });
    }
  }

  *#embed({ theta, projected, layers }: WeightSet): Slices {
    const { embedding, hidden } = this.#model;
    if (projected) {
      this.#k.gatherRows(this.#gates, projected, this.#tokens, this.#count, 4 * hidden);
      return;
    }
    const table = theta + this.#layout.find("embedding.weight").offset * BYTES;
    this.#k.gatherRows(this.#embedded, table, this.#tokens, this.#count, embedding);
    yield* this.#project(layers[0], this.#embedded, this.#count, this.#gates);
  }

  *#above({ packedIh }: RowLayer, below: number): Slices {
    const { hidden } = this.#model;
    const to = { at: this.#gates, stride: 4 * hidden };
    yield* this.#products.multiply(
      [this.#count, 4 * hidden, hidden],
      { at: below, stride: hidden },
      packedIh,
      to,
    );
  }

  /** What follows each row, chunk by chunk: after each, `logits` holds probabilities, [rows, stride]. */
  probabilities(set: number): Generator<Chunk | undefined, void, void> {
    const { theta, layers, output } = this.#sets[set];
    output.setTargets(new Int32Array(this.#count));
    return output.probabilities(theta, { at: layers.at(-1)!.h, count: this.#count });
  }
}
