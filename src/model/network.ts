/**
 * @module Forward and backward of one window of a batch, layer by layer, as calls on a tape.
 *
 * Rows are time-major: row t·batch + lane. A window goes one way: `setWindow`, `pack`, `forward`, `loss`, `backward`;
 * prediction ends in `probabilities` instead of the last two.
 */
import type { Address } from "../kernels/address.ts";
import type { ProductForm } from "../kernels/forms.ts";
import type { MemoryPlan } from "../kernels/memory.ts";
import type { Tape } from "../kernels/tape.ts";
import { IGNORED, requireRanges, requireToken } from "./checks.ts";
import type { ModelConfiguration } from "./configuration.ts";
import { AdaptiveLoss } from "./layers/adaptiveLoss.ts";
import { Attention } from "./layers/attention.ts";
import { cellOf } from "./layers/cells.ts";
import { chunkRowsOf, logitStrideOf } from "./layers/classifier.ts";
import { Dropout } from "./layers/dropout.ts";
import { Embedding } from "./layers/embedding.ts";
import { FullLoss } from "./layers/fullLoss.ts";
import {
  type Layer,
  type LayerContext,
  type Rows,
  type SourceRanges,
  type Window,
  type WindowShape,
  wordsIf,
} from "./layers/layer.ts";
import type { Chunk, LossLayer, OutputBuffers } from "./layers/output.ts";
import { Recurrent } from "./layers/recurrent.ts";
import type { Layout } from "./layout.ts";
import { Products } from "./products.ts";

export interface NetworkOptions {
  /** Lanes that run side by side. */
  readonly batch: number;
  /** Longest window, in timesteps. */
  readonly sequence: number;
  /** Whether `backward` will be called. */
  readonly training: boolean;
  /** Whether dropout masks will be set. */
  readonly dropout?: boolean;
  /** Whether lanes can be reset within a window. */
  readonly resets?: boolean;
  /** `float32` by default. */
  readonly products?: ProductForm;
}

export class Network {
  /** What calls are recorded on. */
  readonly tape: Tape;
  readonly model: ModelConfiguration;
  readonly shape: WindowShape;
  readonly buffers: OutputBuffers;
  /** Floats of one carried state, [layers][states][batch, hidden]. */
  readonly stateSize: number;
  /** Masks to fill before `forward` where dropout is on: over the embedding, between layers, over the last one. */
  readonly masks: readonly Dropout[];
  readonly #context: LayerContext;
  readonly #layers: readonly Layer[];
  readonly #output: LossLayer;
  readonly #window: Window = {
    steps: 0,
    rows: 0,
    scored: 0,
    distinct: 0,
    inputs: new Int32Array(),
    sources: null,
  };
  /** Gradients of a layer's outputs and of its inputs, [rows, widest], exchanged from layer to layer. */
  readonly #above: Address;
  readonly #below: Address;
  /** Place of each id among the window's distinct ones, -1 where it is not in the window. */
  readonly #place: Int32Array;
  /** Outputs of the last layer. */
  #top!: Rows;

  constructor(
    tape: Tape,
    plan: MemoryPlan,
    model: ModelConfiguration,
    layout: Layout,
    { dropout = false, resets = false, products: form, ...options }: NetworkOptions,
  ) {
    const shape = { dropout, resets, ...options };
    const products = new Products(tape, plan, form);
    const rows = shape.batch * shape.sequence;
    const widest = Math.max(model.embedding, model.hidden);
    this.tape = tape;
    this.model = model;
    this.shape = shape;
    this.#context = {
      plan,
      tape,
      products,
      model,
      layout,
      shape,
      window: this.#window,
      shared: planShared(plan, products, model, shape),
    };
    this.#layers = layersOf(this.#context);
    this.masks = this.#layers.filter((layer) => layer instanceof Dropout);
    this.stateSize = this.#layers.reduce((sum, { stateSize = 0 }) => sum + stateSize, 0);
    this.buffers = planOutput(plan, model, shape);
    this.#above = wordsIf(plan, shape.training, rows * widest);
    this.#below = wordsIf(plan, shape.training, rows * widest);
    const output = { ...this.#context, buffers: this.buffers, width: model.hidden };
    this.#output = model.softmax === "adaptive" ? new AdaptiveLoss(output) : new FullLoss(output);
    this.#place = new Int32Array(model.vocabulary).fill(-1);
  }

  /**
   * Takes the tokens of a window, [steps·batch] and time-major, and finds the distinct ones.
   * @param separator id that starts a document: its lane's state is zero before it is read
   * @param sources of pairs, what rows attend to, where they are not to find it themselves; nothing is carried then
   * @throws SviError `E_TOKEN_RANGE` where an id is outside of the vocabulary, `E_OPTION` for ranges that cannot be
   */
  setWindow(
    inputs: Int32Array,
    targets: Int32Array,
    steps: number,
    separator = -1,
    sources: SourceRanges | null = null,
  ): void {
    const { plan, shared } = this.#context;
    const rows = steps * this.shape.batch;
    const { vocabulary } = this.model;
    let scored = 0;
    for (let r = 0; r < rows; r++) {
      requireToken(inputs[r], vocabulary);
      if (targets[r] === IGNORED) continue;
      requireToken(targets[r], vocabulary);
      scored++;
    }
    this.#window.scored = Math.max(1, scored);
    if (this.model.attention) {
      if (sources && this.model.attention.after !== undefined)
        requireRanges(sources, rows, this.shape.batch, this.model.attention.span);
      this.#window.sources = sources;
      this.#window.inputs = inputs.slice(0, rows);
    }
    this.#window.steps = steps;
    this.#window.rows = rows;
    this.#output.setTargets(targets.subarray(0, rows));
    if (this.shape.dropout) plan.integers(shared.ids, rows).set(inputs.subarray(0, rows));
    else this.#findDistinct(inputs, rows);
    if (!this.shape.resets) return;
    const keep = plan.integers(shared.keep, rows);
    for (let r = 0; r < rows; r++) keep[r] = inputs[r] === separator ? 0 : 1;
  }

  #findDistinct(inputs: Int32Array, rows: number): void {
    const { plan, shared } = this.#context;
    const ids = plan.integers(shared.ids, rows);
    const places = plan.integers(shared.places, rows);
    let distinct = 0;
    for (let r = 0; r < rows; r++) {
      const id = inputs[r];
      if (this.#place[id] < 0) {
        ids[distinct] = id;
        this.#place[id] = distinct++;
      }
      places[r] = this.#place[id];
    }
    for (let d = 0; d < distinct; d++) this.#place[ids[d]] = -1;
    this.#window.distinct = distinct;
  }

  /** Targets of the window that are scored, at least 1. */
  get scored(): number {
    return this.#window.scored;
  }

  /** Ids of the embedding's rows that the window reads; null where the output layer reads them all. */
  get embeddings(): Int32Array | null {
    if (this.model.tied) return null;
    const { rows, distinct } = this.#window;
    return this.#context.plan.integers(this.#context.shared.ids, this.shape.dropout ? rows : distinct);
  }

  /** Packs the weights of the flat vector at `theta`, once for all timesteps. */
  pack(theta: Address): void {
    for (const layer of this.#layers) layer.pack?.(theta);
    this.#output.pack(theta);
  }

  /** Takes the window through all layers, from the carried state at `state`. */
  forward(theta: Address, state: Address): void {
    this.#eachState(state, (layer, at) => layer.loadState?.(at));
    let rows: Rows = { at: 0, count: 0, width: 0, distinct: false };
    for (const layer of this.#layers) rows = layer.forward(theta, rows);
    this.#top = rows;
  }

  /** Writes the state after the window to `state`, for the next one to carry on. */
  saveState(state: Address): void {
    this.#eachState(state, (layer, at) => layer.saveState?.(at));
  }

  #eachState(state: Address, visit: (layer: Layer, at: Address) => void): void {
    let at = state;
    for (const layer of this.#layers) {
      visit(layer, at);
      at += 4 * (layer.stateSize ?? 0);
    }
  }

  /**
   * Cross-entropy of the window; with `gradient` also the gradients of the output layer, written to that flat
   * vector, and of the last layer's outputs.
   * @param take gets the sum over rows of the negative log-likelihood, in nats
   */
  loss(theta: Address, gradient: Address, take: (nll: number) => void): void {
    const gradients = gradient ? { flat: gradient, inputs: this.#above } : null;
    this.#output.loss(theta, this.#top, gradients, take);
  }

  /** Gradients of all layers, written to the flat vector at `gradient`; after `loss` with it. */
  backward(gradient: Address): void {
    let [above, below] = [this.#above, this.#below];
    for (const layer of [...this.#layers].reverse())
      if (layer.backward(gradient, above, below) === below) [above, below] = [below, above];
  }

  /**
   * Probabilities of a window, chunk by chunk: at each visit `logits` holds [rows, logitStride] of them and `nll` the
   * rows' negative log-likelihoods.
   */
  probabilities(theta: Address, visit: (chunk: Chunk) => void): void {
    this.#output.probabilities(theta, this.#top, visit);
  }
}

/** embedding → recurrent layers → attention, with a mask before each recurrent one and at the end where there is dropout. */
function layersOf(context: LayerContext): Layer[] {
  const { model, shape } = context;
  const { embedding, hidden } = model;
  const masked = (width: number) => (shape.dropout ? [new Dropout(context, width)] : []);
  const layers: Layer[] = [new Embedding(context)];
  for (let l = 0; l < model.layers; l++) {
    const width = l === 0 ? embedding : hidden;
    layers.push(...masked(width), new Recurrent(context, cellOf(model.cell), l, width));
  }
  if (model.attention) layers.push(new Attention(context, model.attention));
  return [...layers, ...masked(hidden)];
}

function planShared(plan: MemoryPlan, products: Products, model: ModelConfiguration, shape: WindowShape) {
  const { embedding, hidden } = model;
  const { training, dropout } = shape;
  const rows = shape.batch * shape.sequence;
  const widest = Math.max(embedding, model.attention ? 2 * hidden : hidden);
  const pairs = training && (dropout || model.layers > 1);
  return {
    ids: plan.words(rows),
    places: plan.words(rows),
    keep: wordsIf(plan, shape.resets, rows),
    packedRows: training ? products.planPacked(widest, rows) : 0,
    packedInputs: pairs ? products.planPacked(dropout ? Math.max(embedding, hidden) : hidden, rows) : 0,
  };
}

function planOutput(plan: MemoryPlan, { vocabulary }: ModelConfiguration, shape: WindowShape): OutputBuffers {
  const rows = shape.batch * shape.sequence;
  const logitStride = logitStrideOf(vocabulary);
  const chunkRows = chunkRowsOf(rows, vocabulary, shape.training);
  return {
    targets: plan.words(rows),
    nll: plan.words(rows),
    logits: plan.words(chunkRows * logitStride),
    chunkRows,
    logitStride,
  };
}
