/** @module The addresses of everything that a network reads and writes; steps allocate nothing. */
import type { ProductForm } from "../kernels/forms.ts";
import type { MemoryPlan } from "../kernels/memory.ts";
import { chunkRowsOf, logitStrideOf } from "./classifier.ts";
import type { ModelConfiguration } from "./configuration.ts";
import type { Layout } from "./layout.ts";
import type { Products } from "./products.ts";

export interface NetworkOptions {
  /** Lanes that run side by side. */
  readonly batch: number;
  /** Longest window, in time steps. */
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

/** One LSTM layer. Parameters are byte offsets into the flat vector, the rest addresses. */
export interface LayerBuffers {
  /** Width of what the layer reads. */
  readonly width: number;
  readonly weightIh: number;
  readonly weightHh: number;
  readonly biasIh: number;
  readonly biasHh: number;
  /** b_ih + b_hh, [4·hidden]. */
  readonly bias: number;
  /** [rows, 4·hidden]: products, then activations, then gradients. */
  readonly gates: number;
  /** [(sequence + 1)·batch, hidden]: the state before the window, then after each time step. */
  readonly h: number;
  readonly c: number;
  /** [rows, hidden], the state as each step reads it: copies with lanes reset, else h and c themselves. */
  readonly hBefore: number;
  readonly cBefore: number;
  /** [batch, width] and [rows, width], with dropout only. */
  readonly mask: number;
  readonly masked: number;
  readonly packedIh: number;
  readonly packedHh: number;
  readonly packedIhBack: number;
  readonly packedHhBack: number;
}

export interface Buffers {
  readonly layers: readonly LayerBuffers[];
  /** Ids of the window's distinct tokens (or of every row, with dropout), and which of them a row has. */
  readonly ids: number;
  readonly places: number;
  /** [ids, embedding] and their products with the first layer's weights, [ids, 4·hidden]. */
  readonly embedded: number;
  readonly projected: number;
  readonly keep: number;
  /** [chunkRows, logitStride], what the output layer makes of a chunk of rows. */
  readonly logits: number;
  readonly chunkRows: number;
  readonly logitStride: number;
  readonly targets: number;
  readonly nll: number;
  readonly outputMask: number;
  readonly maskedTop: number;
  /** Gradients of a layer's outputs and of its inputs, [rows, widest], exchanged from layer to layer. */
  readonly dAbove: number;
  readonly dBelow: number;
  readonly dc: number;
  readonly dStep: number;
  /** Room for the packed right-hand side of a weight gradient, and of the one that is made beside it. */
  readonly packedRows: number;
  readonly packedInputs: number;
}

const BYTES = 4;

export function planBuffers(
  plan: MemoryPlan,
  model: ModelConfiguration,
  layout: Layout,
  options: NetworkOptions,
  products: Products,
): Buffers {
  const { vocabulary, embedding, hidden } = model;
  const { batch, sequence, training, dropout = false } = options;
  const rows = batch * sequence;
  const widest = Math.max(embedding, hidden);
  const words = (wanted: boolean, count: number) => (wanted ? plan.words(count) : 0);
  const logitStride = logitStrideOf(vocabulary);
  const chunkRows = chunkRowsOf(rows, vocabulary, training);
  const pairs = training && (dropout || model.layers > 1);
  return {
    layers: Array.from({ length: model.layers }, (_, l) =>
      planLayer(plan, model, layout, options, products, l),
    ),
    ids: plan.words(rows),
    places: plan.words(rows),
    embedded: plan.words(rows * embedding),
    projected: words(!dropout, rows * 4 * hidden),
    keep: words(options.resets ?? false, rows),
    logits: plan.words(chunkRows * logitStride),
    chunkRows,
    logitStride,
    targets: plan.words(rows),
    nll: plan.words(rows),
    outputMask: words(dropout, batch * hidden),
    maskedTop: words(dropout, rows * hidden),
    dAbove: words(training, rows * widest),
    dBelow: words(training, rows * widest),
    dc: words(training, batch * hidden),
    dStep: words(training && (options.resets ?? false), batch * hidden),
    packedRows: training ? products.planPacked(widest, rows) : 0,
    packedInputs: pairs ? products.planPacked(dropout ? widest : hidden, rows) : 0,
  };
}

function planLayer(
  plan: MemoryPlan,
  model: ModelConfiguration,
  layout: Layout,
  options: NetworkOptions,
  products: Products,
  l: number,
): LayerBuffers {
  const { hidden } = model;
  const { batch, sequence, training, dropout = false, resets = false } = options;
  const width = l === 0 ? model.embedding : hidden;
  const rows = batch * sequence;
  const words = (wanted: boolean, count: number) => (wanted ? plan.words(count) : 0);
  const offset = (name: string) => layout.find(`lstm.${name}_l${l}`).offset * BYTES;
  const h = plan.words((sequence + 1) * batch * hidden);
  const c = plan.words((sequence + 1) * batch * hidden);
  return {
    width,
    weightIh: offset("weight_ih"),
    weightHh: offset("weight_hh"),
    biasIh: offset("bias_ih"),
    biasHh: offset("bias_hh"),
    bias: plan.words(4 * hidden),
    gates: plan.words(rows * 4 * hidden),
    h,
    c,
    hBefore: resets ? plan.words(rows * hidden) : h,
    cBefore: resets ? plan.words(rows * hidden) : c,
    mask: words(dropout, batch * width),
    masked: words(dropout, rows * width),
    packedIh: products.planPacked(4 * hidden, width),
    packedHh: products.planPacked(4 * hidden, hidden),
    packedIhBack: training ? products.planPacked(width, 4 * hidden) : 0,
    packedHhBack: training ? products.planPacked(hidden, 4 * hidden) : 0,
  };
}
