/**
 * @module A recurrent layer: the products of all its inputs at once, then timestep by timestep those of its state and
 * the cell. Rows are time-major: row t·batch + lane.
 */
import type { Address } from "../../kernels/address.ts";
import type { LoopRecorder } from "../../kernels/tape.ts";
import type { Shape } from "../products.ts";
import type { Cell, CellRows } from "./cell.ts";
import { type Layer, type LayerContext, placeOf, type Rows, type Tensor, wordsIf } from "./layer.ts";

/** Tensors of layer `l`, which reads `width` inputs. */
export function recurrentTensors(cell: Cell, l: number, width: number, hidden: number): Tensor[] {
  const rows = cell.gates * hidden;
  const init = { kind: "uniform", width: hidden } as const;
  const [ofInputs, ofState] = cell.biases(hidden);
  const name = (part: string) => `${cell.prefix}.${part}_l${l}`;
  return [
    { name: name("weight_ih"), shape: [rows, width], role: l === 0 ? "input" : "inner", init },
    { name: name("weight_hh"), shape: [rows, hidden], role: "recurrent", init },
    { name: name("bias_ih"), shape: [rows], role: "bias", init: ofInputs },
    { name: name("bias_hh"), shape: [rows], role: "bias", init: ofState },
  ];
}

export class Recurrent implements Layer {
  readonly stateSize: number;
  readonly #context: LayerContext;
  readonly #cell: Cell;
  readonly #width: number;
  /** gates·hidden. */
  readonly #wide: number;
  /** Bytes from the beginning of a flat vector. */
  readonly #places: { readonly weightIh: number; readonly weightHh: number; biasIh: number; biasHh: number };
  /** [wide], or twice that where the cell keeps products apart. */
  readonly #bias: Address;
  /** [rows, wide]: products, then activations, then gradients; those of the state, which may be the same. */
  readonly #gates: Address;
  readonly #products: Address;
  /** [(sequence + 1)·batch, hidden]: the state before the window, then after each timestep. */
  readonly #h: Address;
  readonly #c: Address;
  /** [rows, hidden], the state as each timestep reads it: copies with lanes reset, else h and c themselves. */
  readonly #hBefore: Address;
  readonly #cBefore: Address;
  /** Products of distinct inputs, [rows, wide]; where inputs come so. */
  readonly #projected: Address;
  /** [batch, hidden]. */
  readonly #carried: Address;
  readonly #dStep: Address;
  readonly #packed: { readonly ih: Address; readonly hh: Address; ihBack: Address; hhBack: Address };
  #input!: Rows;

  constructor(context: LayerContext, cell: Cell, l: number, width: number) {
    const { plan, products, model, shape } = context;
    const { batch, sequence, training, resets } = shape;
    const { hidden } = model;
    const rows = batch * sequence;
    this.#context = context;
    this.#cell = cell;
    this.#width = width;
    this.#wide = cell.gates * hidden;
    this.stateSize = cell.states * batch * hidden;
    const [weightIh, weightHh, biasIh, biasHh] = ["weight_ih", "weight_hh", "bias_ih", "bias_hh"].map(
      (part) => placeOf(context, `${cell.prefix}.${part}_l${l}`),
    );
    this.#places = { weightIh, weightHh, biasIh, biasHh };
    this.#bias = plan.words((cell.apart ? 2 : 1) * this.#wide);
    this.#gates = plan.words(rows * this.#wide);
    this.#products = cell.apart ? plan.words(rows * this.#wide) : this.#gates;
    const state = (wanted: boolean) => wordsIf(plan, wanted, (sequence + 1) * batch * hidden);
    this.#h = state(true);
    this.#c = state(cell.states > 1);
    this.#hBefore = resets ? plan.words(rows * hidden) : this.#h;
    this.#cBefore = resets ? wordsIf(plan, cell.states > 1, rows * hidden) : this.#c;
    this.#projected = wordsIf(plan, l === 0 && !shape.dropout, rows * this.#wide);
    this.#carried = wordsIf(plan, training, batch * hidden);
    this.#dStep = wordsIf(plan, training && resets, batch * hidden);
    this.#packed = {
      ih: products.planPacked(this.#wide, width),
      hh: products.planPacked(this.#wide, hidden),
      ihBack: training ? products.planPacked(width, this.#wide) : 0,
      hhBack: training ? products.planPacked(hidden, this.#wide) : 0,
    };
  }

  pack(theta: Address): void {
    const { tape, products, model, shape } = this.#context;
    const { ih, hh, ihBack, hhBack } = this.#packed;
    const { weightIh, weightHh, biasIh, biasHh } = this.#places;
    const wide = this.#wide;
    products.packRows(ih, theta + weightIh, this.#width, wide);
    products.packRows(hh, theta + weightHh, model.hidden, wide);
    tape.k.copyBytes({ out: this.#bias, x: theta + biasIh, bytes: 4 * wide });
    if (this.#cell.apart)
      tape.k.copyBytes({ out: this.#bias + 4 * wide, x: theta + biasHh, bytes: 4 * wide });
    else tape.k.axpby({ out: this.#bias, a: 1, x: theta + biasHh, b: 1, n: wide });
    if (!shape.training) return;
    products.packColumns(ihBack, theta + weightIh, wide, this.#width);
    products.packColumns(hhBack, theta + weightHh, wide, model.hidden);
  }

  forward(_theta: Address, input: Rows): Rows {
    const { tape, products, model, window } = this.#context;
    this.#input = input;
    products.multiply(
      [input.count, this.#wide, this.#width],
      { at: input.at, stride: this.#width },
      this.#packed.ih,
      { at: input.distinct ? this.#projected : this.#gates, stride: this.#wide },
    );
    tape.loop(window.steps, (k) => this.#stepForward(k));
    return { at: this.#h + this.#step, count: window.rows, width: model.hidden, distinct: false };
  }

  /** Bytes of [batch, hidden]. */
  get #step(): number {
    return 4 * this.#context.shape.batch * this.#context.model.hidden;
  }

  /** Addresses of timestep t. */
  #at(t: number, dh: Address): CellRows {
    const { shape, model } = this.#context;
    const [at, wide] = [t * this.#step, t * this.#step * this.#cell.gates];
    return {
      batch: shape.batch,
      hidden: model.hidden,
      gates: this.#gates + wide,
      products: this.#products + wide,
      bias: this.#bias,
      stateBias: this.#bias + 4 * this.#wide,
      hBefore: this.#hBefore + at,
      cBefore: this.#cBefore + at,
      h: this.#h + at + this.#step,
      c: this.#c + at + this.#step,
      dh: dh + at,
      carried: this.#carried,
    };
  }

  #stepForward(k: LoopRecorder): void {
    const { products, model, shape, shared } = this.#context;
    const [step, wide] = [this.#step, this.#wide];
    const [rows, width] = [shape.batch, model.hidden];
    const row = 4 * rows;
    if (shape.resets)
      for (const [out, x] of [[this.#hBefore, this.#h], ...(this.#c ? [[this.#cBefore, this.#c]] : [])])
        k.keepRows({ out, x, keep: shared.keep, rows, width }, { out: step, x: step, keep: row });
    if (this.#input.distinct)
      k.gatherRows(
        { out: this.#gates, table: this.#projected, ids: shared.places, rows, width: wide },
        { out: row * wide, ids: row },
      );
    k.gemm(
      products.gemm([rows, wide, width], { at: this.#hBefore, stride: width }, this.#packed.hh, {
        at: this.#products,
        stride: wide,
        accumulate: !this.#cell.apart,
      }),
      { a: step, c: row * wide },
    );
    this.#cell.forward(k, this.#at(0, 0), step);
  }

  loadState(from: Address): void {
    this.#eachState((at, i) => {
      this.#context.tape.k.copyBytes({ out: at, x: from + i * this.#step, bytes: this.#step });
    });
  }

  saveState(to: Address): void {
    const after = this.#context.window.steps * this.#step;
    this.#eachState((at, i) => {
      this.#context.tape.k.copyBytes({ out: to + i * this.#step, x: at + after, bytes: this.#step });
    });
  }

  #eachState(visit: (at: Address, i: number) => void): void {
    [this.#h, this.#c].slice(0, this.#cell.states).forEach(visit);
  }

  backward(gradient: Address, above: Address, below: Address): Address {
    const { tape, window } = this.#context;
    const last = window.steps - 1;
    tape.k.fillZero({ out: this.#carried, bytes: this.#step });
    // The first timestep has none before it.
    tape.loop(last, (k) => this.#stepBackward(k, last, above));
    tape.loop(1, (k) => this.#cell.backward(k, this.#at(0, above), 0));
    this.#biasGradients(gradient);
    if (this.#input.distinct) this.#distinctGradients(gradient, below);
    else this.#rowGradients(gradient, below);
    return below;
  }

  /** Gates of timestep t become their gradients, and timestep t − 1 receives its share; from t on backwards. */
  #stepBackward(k: LoopRecorder, t: number, dh: Address): void {
    const { products, model, shape, shared } = this.#context;
    const [step, wide] = [this.#step, this.#wide];
    const [rows, width] = [shape.batch, model.hidden];
    const row = 4 * rows;
    const at = this.#at(t, dh);
    this.#cell.backward(k, at, -step);
    const before = at.dh - step;
    k.gemm(
      products.gemm([rows, width, wide], { at: at.products, stride: wide }, this.#packed.hhBack, {
        at: shape.resets ? this.#dStep : before,
        stride: width,
        accumulate: !shape.resets,
      }),
      { a: -row * wide, c: shape.resets ? 0 : -step },
    );
    if (!shape.resets) return;
    const keep = shared.keep + t * row;
    const back = { keep: -row };
    k.keepRows({ out: this.#dStep, x: this.#dStep, keep, rows, width }, back);
    k.addRows({ out: before, x: this.#dStep, rows, width }, { out: -step });
    k.keepRows({ out: at.carried, x: at.carried, keep, rows, width }, back);
  }

  #biasGradients(gradient: Address): void {
    const { tape, window } = this.#context;
    const { biasIh, biasHh } = this.#places;
    const sums = (out: Address, rows: Address) =>
      tape.k.sumRows({
        out,
        rows,
        count: window.rows,
        width: this.#wide,
        stride: this.#wide,
        accumulate: false,
      });
    sums(gradient + biasIh, this.#gates);
    if (this.#cell.apart) sums(gradient + biasHh, this.#products);
    else tape.k.copyBytes({ out: gradient + biasHh, x: gradient + biasIh, bytes: 4 * this.#wide });
  }

  /** dW_hh and dW_ih over all rows of the window, and the gradient of the inputs, row by row. */
  #rowGradients(gradient: Address, below: Address): void {
    const { products, model, window, shared } = this.#context;
    const { at, width } = this.#input;
    const { hidden } = model;
    const [wide, count] = [this.#wide, window.rows];
    const gates = { at: this.#gates, stride: wide };
    const hh = { packed: shared.packedRows, columns: hidden, to: gradient + this.#places.weightHh };
    const ih = { packed: shared.packedInputs, columns: width, to: gradient + this.#places.weightIh };
    if (this.#cell.apart) {
      this.#weightGradient([wide, hidden, count], this.#products, this.#hBefore, hh.to);
      this.#weightGradient([wide, width, count], this.#gates, at, ih.to);
    } else {
      products.packColumns(hh.packed, this.#hBefore, count, hidden);
      products.packColumns(ih.packed, at, count, width);
      products.multiplyPair([wide, count], gates, hh, ih);
    }
    products.multiply([count, width, wide], gates, this.#packed.ihBack, { at: below, stride: width });
  }

  /** The same where inputs are distinct: gradients of their rows are added up before dW_ih. */
  #distinctGradients(gradient: Address, below: Address): void {
    const { tape, products, model, window, shared } = this.#context;
    const { at, count, width } = this.#input;
    const { weightHh, weightIh } = this.#places;
    const wide = this.#wide;
    const projected = { at: this.#projected, stride: wide };
    const hh: Shape = [wide, model.hidden, window.rows];
    this.#weightGradient(hh, this.#products, this.#hBefore, gradient + weightHh);
    tape.k.fillZero({ out: this.#projected, bytes: 4 * count * wide });
    tape.k.scatterAddRows({
      table: this.#projected,
      rows: this.#gates,
      ids: shared.places,
      count: window.rows,
      width: wide,
      stride: wide,
    });
    this.#weightGradient([wide, width, count], this.#projected, at, gradient + weightIh);
    products.multiply([count, width, wide], projected, this.#packed.ihBack, { at: below, stride: width });
  }

  /** dW[m,n] = dGatesᵀ·x over so many rows. */
  #weightGradient(shape: Shape, dGates: Address, x: Address, to: Address): void {
    const { products, shared } = this.#context;
    const [m, n, rows] = shape;
    products.packColumns(shared.packedRows, x, rows, n);
    const gates = { at: dGates, stride: m, transposed: true };
    products.multiply(shape, gates, shared.packedRows, { at: to, stride: n });
  }
}
