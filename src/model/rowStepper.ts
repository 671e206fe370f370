/**
 * @module One token for many rows at once, each after any row of the step before: texts of all lengths are read side
 * by side without padding, and a beginning that several share is read once. Row by row the bits are `Stepper`'s.
 */
import type { Address } from "../kernels/address.ts";
import type { ProductForm } from "../kernels/forms.ts";
import type { MemoryPlan } from "../kernels/memory.ts";
import { Tape } from "../kernels/tape.ts";
import type { ModelConfiguration } from "./configuration.ts";
import { AdaptiveSoftmax } from "./layers/adaptive.ts";
import type { Cell } from "./layers/cell.ts";
import { cellOf } from "./layers/cells.ts";
import { Classifier, chunkRowsOf, logitStrideOf } from "./layers/classifier.ts";
import { FullSoftmax } from "./layers/full.ts";
import type { LayerContext } from "./layers/layer.ts";
import type { Chunk, OutputLayer } from "./layers/output.ts";
import type { Layout } from "./layout.ts";
import { Products } from "./products.ts";
import { RowAttention } from "./rowAttention.ts";

/** Floats of the first layer's products with whole vocabularies, all sets together; larger ones are not kept. */
const PROJECTION_FLOATS = 2 ** 22;

export interface RowStepperOptions {
  /** Most rows of a step. */
  readonly rows: number;
  /** Sets of weights, each with states of its own: samples of a posterior. */
  readonly sets: number;
  /** Of the products; float32 by default. */
  readonly form?: ProductForm;
}

interface RowLayer {
  readonly packedIh: Address;
  readonly packedHh: Address;
  /** [gates·hidden], or twice that where the cell keeps products apart. */
  readonly bias: Address;
  /** [rows + 1, hidden] each: every row's state; the last is what texts begin from. */
  readonly states: readonly Address[];
}

interface WeightSet {
  /** The flat vector, to write before `pack`. */
  readonly theta: Address;
  readonly layers: readonly RowLayer[];
  readonly output: OutputLayer;
  /** First layer's products with every token's embedding, [vocabulary, gates·hidden]; 0 where they are not kept. */
  readonly projected: Address;
}

/** Records on its tape. */
export class RowStepper {
  readonly tape: Tape;
  readonly rows: number;
  /** [chunkRows, stride]: probabilities of the chunk at hand. */
  readonly logits: Address;
  readonly stride: number;
  readonly #plan: MemoryPlan;
  readonly #products: Products;
  readonly #model: ModelConfiguration;
  readonly #layout: Layout;
  readonly #cell: Cell;
  /** gates·hidden. */
  readonly #wide: number;
  readonly #sets: readonly WeightSet[];
  readonly #attention: RowAttention | null;
  readonly #tokens: Address;
  readonly #parents: Address;
  readonly #embedded: Address;
  readonly #gates: Address;
  /** Products of the state, which may be in `gates`. */
  readonly #stateProducts: Address;
  /** The states that rows begin from, [rows, hidden]. */
  readonly #before: readonly Address[];
  #count = 0;

  /** Plans its memory; usable once the plan is committed, the flat vectors are written and packed. */
  constructor(
    plan: MemoryPlan,
    model: ModelConfiguration,
    layout: Layout,
    { rows, sets, form }: RowStepperOptions,
  ) {
    const { vocabulary, embedding, hidden } = model;
    this.tape = new Tape(plan.instance);
    this.rows = rows;
    this.#plan = plan;
    this.#model = model;
    this.#layout = layout;
    this.#cell = cellOf(model.cell);
    this.#wide = this.#cell.gates * hidden;
    this.#products = new Products(this.tape, plan, form);
    this.#tokens = plan.words(rows);
    this.#parents = plan.words(rows);
    this.#embedded = plan.words(rows * embedding);
    this.#gates = plan.words(rows * this.#wide);
    this.#stateProducts = this.#cell.apart ? plan.words(rows * this.#wide) : this.#gates;
    this.#before = Array.from({ length: this.#cell.states }, () => plan.words(rows * hidden));
    const { tape } = this;
    this.#attention = model.attention
      ? new RowAttention(
          { plan, tape, products: this.#products, layout, hidden },
          model.attention,
          rows,
          sets,
        )
      : null;
    this.stride = logitStrideOf(vocabulary);
    const chunkRows = chunkRowsOf(rows, vocabulary, false);
    this.logits = plan.words(chunkRows * this.stride);
    const output = this.#outputs(chunkRows);
    const kept = vocabulary * this.#wide * sets <= PROJECTION_FLOATS;
    this.#sets = Array.from({ length: sets }, () => ({
      theta: plan.words(layout.length),
      layers: Array.from({ length: model.layers }, (_, l) => this.#planLayer(l === 0 ? embedding : hidden)),
      output: output(),
      projected: kept ? plan.words(vocabulary * this.#wide) : 0,
    }));
  }

  /** Output layers, a set of weights each, that share their buffers. */
  #outputs(chunkRows: number): () => OutputLayer {
    const [plan, model] = [this.#plan, this.#model];
    const none = { ids: 0, places: 0, keep: 0, packedRows: 0, packedInputs: 0 };
    const context: LayerContext = {
      plan,
      model,
      tape: this.tape,
      products: this.#products,
      layout: this.#layout,
      shape: { batch: this.rows, sequence: 1, training: false, dropout: false, resets: false },
      window: {
        steps: 1,
        rows: this.rows,
        scored: 1,
        distinct: 0,
        inputs: new Int32Array(),
        sources: null,
      },
      shared: none,
    };
    const [targets, nll] = [plan.words(this.rows), plan.words(this.rows)];
    const buffers = { logits: this.logits, chunkRows, logitStride: this.stride, targets, nll };
    const Output = model.softmax === "adaptive" ? AdaptiveSoftmax : FullSoftmax;
    return () => new Output({ ...context, buffers, width: model.hidden }, Classifier);
  }

  #planLayer(width: number): RowLayer {
    const { hidden } = this.#model;
    return {
      packedIh: this.#products.planPacked(this.#wide, width),
      packedHh: this.#products.planPacked(this.#wide, hidden),
      bias: this.#plan.words((this.#cell.apart ? 2 : 1) * this.#wide),
      states: this.#before.map(() => this.#plan.words((this.rows + 1) * hidden)),
    };
  }

  /** Address of a set's flat vector. */
  theta(set: number): Address {
    return this.#sets[set].theta;
  }

  /** Packs what stands in a set's flat vector; texts begin from a state of zeros. */
  pack(set: number): void {
    const { embedding, hidden, vocabulary } = this.#model;
    const { theta, layers, output, projected } = this.#sets[set];
    const { prefix, apart } = this.#cell;
    const { k } = this.tape;
    const n = this.#wide;
    const at = (name: string) => theta + 4 * this.#layout.find(name).offset;
    for (const [l, { packedIh, packedHh, bias, states }] of layers.entries()) {
      const [ofInputs, ofState] = [at(`${prefix}.bias_ih_l${l}`), at(`${prefix}.bias_hh_l${l}`)];
      this.#products.packRows(packedIh, at(`${prefix}.weight_ih_l${l}`), l === 0 ? embedding : hidden, n);
      this.#products.packRows(packedHh, at(`${prefix}.weight_hh_l${l}`), hidden, n);
      k.copyBytes({ out: bias, x: ofInputs, bytes: 4 * n });
      if (apart) k.copyBytes({ out: bias + 4 * n, x: ofState, bytes: 4 * n });
      else k.axpby({ out: bias, a: 1, x: ofState, b: 1, n });
      for (const state of states) k.fillZero({ out: state + this.#rowBytes, bytes: 4 * hidden });
    }
    this.#attention?.pack(set, theta);
    output.pack(theta);
    if (projected) this.#project(layers[0], at("embedding.weight"), vocabulary, projected);
  }

  /** Offset of the state that texts begin from. */
  get #rowBytes(): number {
    return 4 * this.rows * this.#model.hidden;
  }

  #project({ packedIh }: RowLayer, from: Address, rows: number, to: Address): void {
    const { embedding } = this.#model;
    this.#products.multiply([rows, this.#wide, embedding], { at: from, stride: embedding }, packedIh, {
      at: to,
      stride: this.#wide,
    });
  }

  /** Texts begin from the state that a row of the last step ended in. */
  beginFrom(row: number): void {
    const bytes = 4 * this.#model.hidden;
    for (const { layers } of this.#sets)
      for (const state of layers.flatMap(({ states }) => states))
        this.tape.k.copyBytes({ out: state + this.#rowBytes, x: state + row * bytes, bytes });
    this.#attention?.beginFrom(row);
  }

  /**
   * Takes the rows of a step, at once: what was recorded before must have been done.
   * @param tokens [count], ids of the vocabulary
   * @param parents [count], each row's place in the step before; −1 for a text that begins
   * @throws SviError `E_TEXT_LONG` for a source beyond the attention's span
   */
  setRows(tokens: Int32Array, parents: Int32Array, count: number): void {
    this.#attention?.setRows(tokens, parents, count);
    this.#count = count;
    this.#plan.integers(this.#tokens, count).set(tokens.subarray(0, count));
    const from = this.#plan.integers(this.#parents, count);
    for (let row = 0; row < count; row++) from[row] = parents[row] < 0 ? this.rows : parents[row];
  }

  /** Reads the rows' tokens into the states of one set. */
  read(set: number): void {
    const { hidden } = this.#model;
    const { layers } = this.#sets[set];
    const [count, wide, k] = [this.#count, this.#wide, this.tape.k];
    for (const [l, { packedHh, bias, states }] of layers.entries()) {
      for (const [i, table] of states.entries())
        k.gatherRows({ out: this.#before[i], table, ids: this.#parents, rows: count, width: hidden });
      if (l === 0) this.#embed(this.#sets[set]);
      else this.#above(layers[l], layers[l - 1].states[0]);
      this.#products.multiply([count, wide, hidden], { at: this.#before[0], stride: hidden }, packedHh, {
        at: this.#stateProducts,
        stride: wide,
        accumulate: !this.#cell.apart,
      });
      const at = {
        batch: count,
        hidden,
        gates: this.#gates,
        products: this.#stateProducts,
        bias,
        stateBias: bias + 4 * wide,
        hBefore: this.#before[0],
        cBefore: this.#before[1] ?? 0,
        h: states[0],
        c: states[1] ?? 0,
        dh: 0,
        carried: 0,
      };
      this.tape.loop(1, (turns) => this.#cell.forward(turns, at, 0));
    }
    this.#attention?.remember(set, layers.at(-1)!.states[0], count);
  }

  #embed({ theta, projected, layers }: WeightSet): void {
    const { embedding: width } = this.#model;
    const { k } = this.tape;
    const [ids, rows] = [this.#tokens, this.#count];
    if (projected) {
      k.gatherRows({ out: this.#gates, table: projected, ids, rows, width: this.#wide });
      return;
    }
    const table = theta + 4 * this.#layout.find("embedding.weight").offset;
    k.gatherRows({ out: this.#embedded, table, ids, rows, width });
    this.#project(layers[0], this.#embedded, rows, this.#gates);
  }

  #above({ packedIh }: RowLayer, below: Address): void {
    const { hidden } = this.#model;
    this.#products.multiply([this.#count, this.#wide, hidden], { at: below, stride: hidden }, packedIh, {
      at: this.#gates,
      stride: this.#wide,
    });
  }

  /**
   * What follows each of the first `count` rows, chunk by chunk: at each visit `logits` holds probabilities,
   * [rows, stride].
   */
  probabilities(set: number, visit: (chunk: Chunk) => void, count = this.#count): void {
    const { theta, layers, output } = this.#sets[set];
    const { hidden } = this.#model;
    output.setTargets(new Int32Array(count));
    const top = { at: layers.at(-1)!.states[0], count, width: hidden, distinct: false };
    output.probabilities(theta, this.#attention?.attend(set, top) ?? top, visit);
  }
}
