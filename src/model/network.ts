/**
 * @module Forward and backward over the kernels, for one window of a batch.
 *
 * Rows are time-major: row t·batch + lane. A window walks one way: `setWindow`, `pack`, `forward`, `loss`,
 * `backward`; prediction ends in `probabilities` instead of the last two.
 */
import { SviError } from "../errors.ts";
import type { KernelExports } from "../kernels/generated/signatures.ts";
import type { MemoryPlan } from "../kernels/memory.ts";
import { AdaptiveSoftmax } from "./adaptiveSoftmax.ts";
import { type Buffers, type LayerBuffers, type NetworkOptions, planBuffers } from "./buffers.ts";
import type { ModelConfiguration } from "./configuration.ts";
import { FullSoftmax } from "./fullSoftmax.ts";
import type { Layout, Segment } from "./layout.ts";
import type { Chunk, OutputLayer, TopRows } from "./outputLayer.ts";
import { COPY, gatherRows, scatterRows, sumRows, zero } from "./passes.ts";
import { Products, type Shape } from "./products.ts";
import { type Slices, unitsOfPart } from "./work.ts";

const BYTES = 4;
/** Operations that take as long as one LSTM unit. */
const UNIT = 400;

export class Network {
  readonly model: ModelConfiguration;
  readonly options: NetworkOptions;
  readonly buffers: Buffers;
  /** Floats of one carried state, [layers][h, c][batch, hidden]. */
  readonly stateSize: number;
  readonly #plan: MemoryPlan;
  readonly #k: KernelExports;
  readonly #products: Products;
  readonly #output: OutputLayer;
  readonly #embeddingWeight: Segment;
  /** Place of each id among the window's distinct ones, -1 where it is not in the window. */
  readonly #place: Int32Array;
  #distinct = 0;
  #steps = 0;

  constructor(plan: MemoryPlan, model: ModelConfiguration, layout: Layout, options: NetworkOptions) {
    this.model = model;
    this.options = options;
    this.stateSize = model.layers * 2 * options.batch * model.hidden;
    this.#plan = plan;
    this.#products = new Products(plan, options.products);
    this.#k = this.#products.kernels;
    this.buffers = planBuffers(plan, model, layout, options, this.#products);
    const Output = model.softmax === "adaptive" ? AdaptiveSoftmax : FullSoftmax;
    this.#output = new Output({
      plan,
      model,
      layout,
      products: this.#products,
      buffers: this.buffers,
      rows: options.batch * options.sequence,
      training: options.training,
    });
    this.#embeddingWeight = layout.find("embedding.weight");
    this.#place = new Int32Array(model.vocabulary).fill(-1);
  }

  /** Masks to fill before `forward` where dropout is on: over the embedding, between layers, over the last one. */
  get masks(): readonly { readonly address: number; readonly size: number }[] {
    if (!this.options.dropout) return [];
    const { batch } = this.options;
    const masks = this.buffers.layers.map((l) => ({ address: l.mask, size: batch * l.width }));
    return [...masks, { address: this.buffers.outputMask, size: batch * this.model.hidden }];
  }

  /**
   * Takes the tokens of a window, [steps·batch] and time-major, and finds the distinct ones.
   * @param separator id that starts a document: its lane's state is zero before it is read
   * @throws SviError `E_TOKEN_RANGE` where an id is outside of the vocabulary
   */
  setWindow(inputs: Int32Array, targets: Int32Array, steps: number, separator = -1): void {
    const { ids, places, keep } = this.buffers;
    const rows = steps * this.options.batch;
    this.#steps = steps;
    this.#checkTokens(inputs, rows);
    this.#checkTokens(targets, rows);
    this.#output.setTargets(targets.subarray(0, rows));
    const idView = this.#plan.integers(ids, rows);
    if (this.options.dropout) idView.set(inputs.subarray(0, rows));
    else {
      const placeView = this.#plan.integers(places, rows);
      this.#distinct = 0;
      for (let r = 0; r < rows; r++) {
        const id = inputs[r];
        if (this.#place[id] < 0) {
          idView[this.#distinct] = id;
          this.#place[id] = this.#distinct++;
        }
        placeView[r] = this.#place[id];
      }
      for (let d = 0; d < this.#distinct; d++) this.#place[idView[d]] = -1;
    }
    if (keep) {
      const keepView = this.#plan.integers(keep, rows);
      for (let r = 0; r < rows; r++) keepView[r] = inputs[r] === separator ? 0 : 1;
    }
  }

  #checkTokens(tokens: Int32Array, rows: number): void {
    const { vocabulary } = this.model;
    for (let r = 0; r < rows; r++)
      if (!(tokens[r] >= 0 && tokens[r] < vocabulary))
        throw new SviError("E_TOKEN_RANGE", `Token id ${tokens[r]} is outside of 0 to ${vocabulary - 1}`, {
          value: tokens[r],
          remedy: "Encode the text with the model's own tokenizer",
        });
  }

  /** Ids of the embedding's rows that the window reads; null where the output layer reads them all. */
  get embeddings(): Int32Array | null {
    if (this.model.tied) return null;
    return this.#plan.integers(this.buffers.ids, this.options.dropout ? this.#rows : this.#distinct);
  }

  /** Packs the weights of the flat vector at `theta`, once for all time steps. */
  *pack(theta: number): Slices {
    const { hidden } = this.model;
    const { training } = this.options;
    const p = this.#products;
    for (const l of this.buffers.layers) {
      yield* p.packRows(l.packedIh, theta + l.weightIh, l.width, l.width, 4 * hidden);
      yield* p.packRows(l.packedHh, theta + l.weightHh, hidden, hidden, 4 * hidden);
      this.#k.copyBytes(l.bias, theta + l.biasIh, 4 * hidden * BYTES);
      this.#k.axpby(l.bias, 1, theta + l.biasHh, 1, 4 * hidden);
      if (training) {
        yield* p.packColumns(l.packedIhBack, theta + l.weightIh, l.width, 4 * hidden, l.width);
        yield* p.packColumns(l.packedHhBack, theta + l.weightHh, hidden, 4 * hidden, hidden);
      }
    }
    yield* this.#output.pack(theta);
  }

  /** Runs the window through embedding and layers, from the carried state at `state`. */
  *forward(theta: number, state: number): Slices {
    const { layers } = this.buffers;
    this.#loadState(state);
    yield* this.#embed(theta);
    for (let l = 0; l < layers.length; l++) {
      const layer = layers[l];
      yield* this.#project(layer, l === 0 ? 0 : this.#outputs(layers[l - 1]));
      yield* this.#layerForward(layer, l === 0 && !this.options.dropout);
    }
    const { maskedTop, outputMask } = this.buffers;
    if (this.options.dropout)
      yield* this.#mask(maskedTop, this.#outputs(layers.at(-1)!), outputMask, this.model.hidden);
  }

  /** The rows of a window, masked; each lane's mask is the same at all time steps. */
  *#mask(out: number, x: number, mask: number, width: number): Slices {
    const { batch } = this.options;
    const step = batch * width;
    yield* this.#products.parts(this.#steps, unitsOfPart(step), COPY * step, (from, steps) => {
      const at = from * step * BYTES;
      this.#k.maskRows(out + at, x + at, mask, steps * batch, batch, width);
    });
  }

  get #rows(): number {
    return this.#steps * this.options.batch;
  }

  /** Address of a layer's outputs, [rows, hidden], after the state it began with. */
  #outputs(layer: LayerBuffers): number {
    return layer.h + this.options.batch * this.model.hidden * BYTES;
  }

  /** What the output layer reads. */
  get #top(): TopRows {
    const { layers, maskedTop } = this.buffers;
    return { at: this.options.dropout ? maskedTop : this.#outputs(layers.at(-1)!), count: this.#rows };
  }

  *#embed(theta: number): Slices {
    const { ids, embedded } = this.buffers;
    const rows = this.options.dropout ? this.#rows : this.#distinct;
    const table = theta + this.#embeddingWeight.offset * BYTES;
    yield* gatherRows(this.#products, this.#k, embedded, table, ids, rows, this.model.embedding);
  }

  /** Products of all inputs with W_ih: of the distinct tokens alone in the first layer, else of every row. */
  *#project(layer: LayerBuffers, below: number): Slices {
    const { hidden } = this.model;
    const { embedded, projected } = this.buffers;
    const wide = { stride: 4 * hidden };
    let from = below || embedded;
    if (this.options.dropout) {
      yield* this.#mask(layer.masked, from, layer.mask, layer.width);
      from = layer.masked;
    }
    const distinct = !below && !this.options.dropout;
    yield* this.#products.multiply(
      [distinct ? this.#distinct : this.#rows, 4 * hidden, layer.width],
      { at: from, stride: layer.width },
      layer.packedIh,
      { at: distinct ? projected : layer.gates, ...wide },
    );
  }

  /** Time steps that make a slice; 0 where one is more than that. */
  get #stepsOfSlice(): number {
    return Math.floor(this.#products.slice / this.#stepCost);
  }

  get #stepCost(): number {
    const { hidden } = this.model;
    return this.options.batch * hidden * (8 * hidden + UNIT);
  }

  *#layerForward(layer: LayerBuffers, distinct: boolean): Slices {
    const { hidden } = this.model;
    const { batch } = this.options;
    const { places, projected, keep } = this.buffers;
    const most = this.#stepsOfSlice;
    if (most === 0) {
      for (let t = 0; t < this.#steps; t++) yield* this.#stepForward(layer, t, distinct);
      return;
    }
    for (let t = 0; t < this.#steps; t += most) {
      const steps = Math.min(most, this.#steps - t);
      const at = t * batch * hidden * BYTES;
      const row = t * batch * BYTES;
      this.#k.recurrentForward(
        layer.gates + 4 * at,
        layer.bias,
        layer.h + at,
        layer.c + at,
        layer.hBefore + at,
        layer.cBefore + at,
        distinct ? places + row : 0,
        projected,
        keep && keep + row,
        layer.packedHh,
        batch,
        batch,
        steps,
        hidden,
        this.#products.scratch,
      );
      yield* this.#products.spend(steps * this.#stepCost);
    }
  }

  *#stepForward(layer: LayerBuffers, t: number, distinct: boolean): Slices {
    const { hidden } = this.model;
    const { batch, resets } = this.options;
    const { places, projected, keep } = this.buffers;
    const size = batch * hidden * BYTES;
    const gates = layer.gates + 4 * t * size;
    const row = t * batch * BYTES;
    const hBefore = layer.hBefore + t * size;
    const cBefore = layer.cBefore + t * size;
    if (resets) {
      this.#k.keepRows(hBefore, layer.h + t * size, keep + row, batch, hidden);
      this.#k.keepRows(cBefore, layer.c + t * size, keep + row, batch, hidden);
    }
    if (distinct) this.#k.gatherRows(gates, projected, places + row, batch, 4 * hidden);
    yield* this.#products.multiply(
      [batch, 4 * hidden, hidden],
      { at: hBefore, stride: hidden },
      layer.packedHh,
      {
        at: gates,
        stride: 4 * hidden,
        accumulate: true,
      },
    );
    const c = layer.c + (t + 1) * size;
    const h = layer.h + (t + 1) * size;
    yield* this.#products.parts(batch, unitsOfPart(4 * hidden), UNIT * hidden, (from, lanes) => {
      const at = from * hidden * BYTES;
      this.#k.lstmForward(gates + 4 * at, layer.bias, cBefore + at, c + at, h + at, lanes, hidden);
    });
  }

  #loadState(state: number): void {
    const size = this.options.batch * this.model.hidden * BYTES;
    this.buffers.layers.forEach((layer, l) => {
      this.#k.copyBytes(layer.h, state + 2 * l * size, size);
      this.#k.copyBytes(layer.c, state + (2 * l + 1) * size, size);
    });
  }

  /** Writes the state after the window to `state`, for the next one to carry on. */
  saveState(state: number): void {
    const size = this.options.batch * this.model.hidden * BYTES;
    const after = this.#steps * size;
    this.buffers.layers.forEach((layer, l) => {
      this.#k.copyBytes(state + 2 * l * size, layer.h + after, size);
      this.#k.copyBytes(state + (2 * l + 1) * size, layer.c + after, size);
    });
  }

  /**
   * Cross-entropy of the window; with `gradient` also the gradients of the output layer, written to that flat
   * vector, and of the last layer's outputs.
   * @returns the sum over rows of the negative log-likelihood, in nats
   */
  loss(theta: number, gradient = 0): Slices<number> {
    return this.#output.loss(theta, this.#top, gradient);
  }

  /** Gradients of embedding and layers, written to the flat vector at `gradient`; after `loss` with it. */
  *backward(gradient: number): Slices {
    const { batch, dropout } = this.options;
    const { layers, outputMask } = this.buffers;
    let { dAbove, dBelow } = this.buffers;
    if (dropout) yield* this.#mask(dAbove, dAbove, outputMask, this.model.hidden);
    for (let l = layers.length - 1; l >= 0; l--) {
      const layer = layers[l];
      this.#k.fillZero(this.buffers.dc, batch * this.model.hidden * BYTES);
      yield* this.#layerBackward(layer, dAbove);
      yield* this.#biasGradients(layer, gradient);
      if (l > 0 || dropout) {
        const inputs = dropout ? layer.masked : this.#outputs(layers[l - 1]);
        yield* this.#rowGradients(layer, gradient, inputs, dBelow);
      } else yield* this.#distinctGradients(layer, gradient, dBelow);
      [dAbove, dBelow] = [dBelow, dAbove];
    }
    yield* this.#embeddingGradient(gradient, dAbove);
  }

  *#layerBackward(layer: LayerBuffers, dh: number): Slices {
    const { hidden } = this.model;
    const { batch } = this.options;
    const { dc, dStep, keep } = this.buffers;
    const most = this.#stepsOfSlice;
    if (most === 0) {
      for (let t = this.#steps - 1; t >= 0; t--) yield* this.#stepBackward(layer, t, dh);
      return;
    }
    const size = batch * hidden * BYTES;
    for (let end = this.#steps; end > 0; end -= most) {
      const t = Math.max(0, end - most);
      const at = t * size;
      this.#k.recurrentBackward(
        layer.gates + 4 * at,
        layer.cBefore + at,
        layer.c + at + size,
        dh + at,
        dc,
        dStep,
        keep && keep + t * batch * BYTES,
        layer.packedHhBack,
        batch,
        batch,
        end - t,
        hidden,
        Number(t === 0),
        this.#products.scratch,
      );
      yield* this.#products.spend((end - t) * this.#stepCost);
    }
  }

  /** Gates of step t become their gradients, and step t - 1 receives its share of dh and dc. */
  *#stepBackward(layer: LayerBuffers, t: number, dh: number): Slices {
    const { hidden } = this.model;
    const { batch, resets } = this.options;
    const { dc, dStep, keep } = this.buffers;
    const size = batch * hidden * BYTES;
    const gates = layer.gates + 4 * t * size;
    const cBefore = layer.cBefore + t * size;
    const c = layer.c + (t + 1) * size;
    yield* this.#products.parts(batch, unitsOfPart(4 * hidden), UNIT * hidden, (from, part) => {
      const at = from * hidden * BYTES;
      this.#k.lstmBackward(gates + 4 * at, cBefore + at, c + at, dh + t * size + at, dc + at, part, hidden);
    });
    if (t === 0) return;
    const before = dh + (t - 1) * size;
    const to = { at: resets ? dStep : before, stride: hidden, accumulate: !resets };
    const from = { at: gates, stride: 4 * hidden };
    yield* this.#products.multiply([batch, hidden, 4 * hidden], from, layer.packedHhBack, to);
    if (resets) {
      const lanes = keep + t * batch * BYTES;
      this.#k.keepRows(dStep, dStep, lanes, batch, hidden);
      this.#k.axpby(before, 1, dStep, 1, batch * hidden);
      this.#k.keepRows(dc, dc, lanes, batch, hidden);
    }
  }

  *#biasGradients(layer: LayerBuffers, gradient: number): Slices {
    const width = 4 * this.model.hidden;
    const bias = gradient + layer.biasIh;
    yield* sumRows(this.#products, this.#k, bias, layer.gates, this.#rows, width, width, false);
    this.#k.copyBytes(gradient + layer.biasHh, bias, width * BYTES);
  }

  /** dW_hh and dW_ih, one product over all rows of the window, and the gradient of the inputs, row by row. */
  *#rowGradients(layer: LayerBuffers, gradient: number, inputs: number, dBelow: number): Slices {
    const { hidden } = this.model;
    const { width } = layer;
    const { packedRows, packedInputs } = this.buffers;
    const rows = this.#rows;
    const gates = { at: layer.gates, stride: 4 * hidden };
    yield* this.#products.packColumns(packedRows, layer.hBefore, hidden, rows, hidden);
    yield* this.#products.packColumns(packedInputs, inputs, width, rows, width);
    yield* this.#products.multiplyPair(
      [4 * hidden, rows],
      gates,
      { packed: packedRows, columns: hidden, to: gradient + layer.weightHh },
      { packed: packedInputs, columns: width, to: gradient + layer.weightIh },
    );
    const to = { at: dBelow, stride: width };
    yield* this.#products.multiply([rows, width, 4 * hidden], gates, layer.packedIhBack, to);
    if (this.options.dropout) yield* this.#mask(dBelow, dBelow, layer.mask, width);
  }

  /** The same for the first layer's distinct tokens: gradients of their rows are added up before dW_ih. */
  *#distinctGradients(layer: LayerBuffers, gradient: number, dBelow: number): Slices {
    const { hidden } = this.model;
    const { embedded, projected, places } = this.buffers;
    const { width } = layer;
    yield* this.#weightGradient(
      [4 * hidden, hidden, this.#rows],
      layer.gates,
      layer.hBefore,
      gradient + layer.weightHh,
    );
    yield* zero(this.#products, this.#k, projected, this.#distinct * 4 * hidden);
    yield* scatterRows(this.#products, this.#k, projected, layer.gates, places, this.#rows, 4 * hidden);
    yield* this.#weightGradient(
      [4 * hidden, width, this.#distinct],
      projected,
      embedded,
      gradient + layer.weightIh,
    );
    yield* this.#products.multiply(
      [this.#distinct, width, 4 * hidden],
      { at: projected, stride: 4 * hidden },
      layer.packedIhBack,
      { at: dBelow, stride: width },
    );
  }

  /** dW[m,n] = dGatesᵀ·x over so many rows. */
  *#weightGradient([m, n, rows]: Shape, dGates: number, x: number, to: number): Slices {
    const { packedRows } = this.buffers;
    yield* this.#products.packColumns(packedRows, x, n, rows, n);
    const gates = { at: dGates, stride: m, transposed: true };
    yield* this.#products.multiply([m, n, rows], gates, packedRows, { at: to, stride: n });
  }

  /** Added to the output layer's share where the weights are tied, else to zeros. */
  *#embeddingGradient(gradient: number, dEmbedded: number): Slices {
    const { offset, size } = this.#embeddingWeight;
    const { ids } = this.buffers;
    const table = gradient + offset * BYTES;
    if (!this.model.tied) yield* zero(this.#products, this.#k, table, size);
    const rows = this.options.dropout ? this.#rows : this.#distinct;
    yield* scatterRows(this.#products, this.#k, table, dEmbedded, ids, rows, this.model.embedding);
  }

  /**
   * Probabilities of a window, chunk by chunk: after each, `logits` holds [rows, logitStride] of them and `nll`
   * the rows' negative log-likelihoods.
   */
  probabilities(theta: number): Generator<Chunk | undefined, void, void> {
    return this.#output.probabilities(theta, this.#top);
  }
}
