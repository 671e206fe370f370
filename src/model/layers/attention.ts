/**
 * @module Attention (Luong, Pham and Manning 2015, "Effective approaches to attention-based neural machine
 * translation", global attention with dot products): h̃ = tanh(W [c ; h]), c the states of before, each weighed by the
 * softmax of its product with h; zero where there is none.
 *
 * Which states those are, `remembered.ts` says; windows of pairs may say it of each row themselves. What a lane remembers is
 * carried to the next window, without gradients, as recurrent states are: how a text is cut into windows changes no
 * prediction.
 */
import type { Address } from "../../kernels/address.ts";
import type { AttentionForm, ModelConfiguration } from "../configuration.ts";
import { Remembered } from "../remembered.ts";
import { logitStrideOf } from "./classifier.ts";
import { type Layer, type LayerContext, placeOf, type Rows, type Tensor, wordsIf } from "./layer.ts";

export const ATTENTION = "attention.weight";

/** PyTorch's nn.Linear(2·hidden, hidden, bias=False). */
export function attentionTensors({ hidden, attention }: ModelConfiguration): Tensor[] {
  if (!attention) return [];
  const init = { kind: "uniform", width: 2 * hidden } as const;
  return [{ name: ATTENTION, shape: [hidden, 2 * hidden], role: "inner", init }];
}

export class Attention implements Layer {
  readonly stateSize: number;
  readonly #context: LayerContext;
  readonly #form: AttentionForm;
  readonly #weight: number;
  readonly #packed: Address;
  readonly #packedBack: Address;
  /** States that are attended to, [(span + sequence)·batch, hidden]: those that were carried, then the window's. */
  readonly #keys: Address;
  /** What lanes remember before the window, and after it: counts, whether sources have ended, [batch] each. */
  readonly #before: Address;
  readonly #after: Address;
  /** Rows of `keys` that are carried on, [span, batch]; −1 for none. */
  readonly #kept: Address;
  /** Of each row the states that it attends to, [rows, stride], their weights, and the gradients of scores. */
  readonly #places: Address;
  readonly #counts: Address;
  readonly #weights: Address;
  readonly #slopes: Address;
  readonly #stride: number;
  /** [c ; h], [rows, 2·hidden], and its gradients. */
  readonly #joined: Address;
  readonly #dJoined: Address;
  readonly #out: Address;
  readonly #remembered: Remembered;
  #input!: Rows;

  constructor(context: LayerContext, form: AttentionForm) {
    const { plan, products, model, shape } = context;
    const { batch, sequence, training } = shape;
    const { hidden } = model;
    const { span } = form;
    const rows = batch * sequence;
    this.#context = context;
    this.#form = form;
    this.#weight = placeOf(context, ATTENTION);
    this.stateSize = batch * (2 + span * hidden);
    this.#stride = logitStrideOf(span);
    this.#packed = products.planPacked(hidden, 2 * hidden);
    this.#packedBack = training ? products.planPacked(2 * hidden, hidden) : 0;
    this.#keys = plan.words((span + sequence) * batch * hidden);
    [this.#before, this.#after] = [plan.words(2 * batch), plan.words(2 * batch)];
    this.#kept = plan.words(span * batch);
    this.#counts = plan.words(rows);
    [this.#places, this.#weights] = [plan.words(rows * this.#stride), plan.words(rows * this.#stride)];
    this.#slopes = wordsIf(plan, training, rows * this.#stride);
    this.#joined = plan.words(rows * 2 * hidden);
    this.#dJoined = wordsIf(plan, training, rows * 2 * hidden);
    this.#out = plan.words(rows * hidden);
    this.#remembered = new Remembered(form);
  }

  /** Bytes of what is carried of the states themselves. */
  get #carried(): number {
    const { shape, model } = this.#context;
    return 4 * this.#form.span * shape.batch * model.hidden;
  }

  pack(theta: Address): void {
    const { products, model } = this.#context;
    const { hidden } = model;
    products.packRows(this.#packed, theta + this.#weight, 2 * hidden, hidden);
    if (this.#packedBack) products.packColumns(this.#packedBack, theta + this.#weight, hidden, 2 * hidden);
  }

  loadState(from: Address): void {
    const { tape, shape } = this.#context;
    const numbers = 8 * shape.batch;
    tape.k.copyBytes({ out: this.#before, x: from, bytes: numbers });
    tape.k.copyBytes({ out: this.#keys, x: from + numbers, bytes: this.#carried });
  }

  saveState(to: Address): void {
    const { tape, shape, model } = this.#context;
    const numbers = 8 * shape.batch;
    tape.k.copyBytes({ out: to, x: this.#after, bytes: numbers });
    tape.k.gatherRows({
      out: to + numbers,
      table: this.#keys,
      ids: this.#kept,
      rows: this.#form.span * shape.batch,
      width: model.hidden,
    });
  }

  forward(_theta: Address, input: Rows): Rows {
    const { tape, products, model } = this.#context;
    const { hidden: width } = model;
    const { at, count: rows } = input;
    this.#input = input;
    tape.js(() => this.#place());
    tape.k.copyBytes({ out: this.#keys + this.#carried, x: at, bytes: 4 * rows * width });
    tape.k.attend({
      out: this.#joined,
      weights: this.#weights,
      x: at,
      keys: this.#keys,
      places: this.#places,
      counts: this.#counts,
      rows,
      width,
      stride: this.#stride,
    });
    const joined = { at: this.#joined, stride: 2 * width };
    const out = { at: this.#out, stride: width };
    products.multiply([rows, width, 2 * width], joined, this.#packed, out);
    tape.k.tanhArray({ out: this.#out, x: this.#out, n: rows * width });
    return { at: this.#out, count: rows, width, distinct: false };
  }

  /** Finds what each row attends to, and what is carried on. */
  #place(): void {
    const { plan, window, shape } = this.#context;
    const places = plan.integers(this.#places, window.rows * this.#stride);
    const counts = plan.integers(this.#counts, window.rows);
    const sources = this.#form.after === undefined ? null : window.sources;
    for (let lane = 0; lane < shape.batch; lane++)
      if (sources) this.#retain(lane, 0);
      else this.#walk(lane, places, counts);
    if (!sources) return;
    for (let row = 0; row < window.rows; row++)
      this.#attendTo(
        row,
        this.#form.span + sources.to[row],
        sources.to[row] - sources.from[row],
        places,
        counts,
      );
  }

  /** Timestep by timestep through a lane, from what was carried on; times are those of `keys`. */
  #walk(lane: number, places: Int32Array, counts: Int32Array): void {
    const { plan, shape, window, shared } = this.#context;
    const remembered = this.#remembered;
    const keep = shape.resets ? plan.integers(shared.keep, window.rows) : null;
    const numbers = plan.floats(this.#before, 2 * shape.batch);
    remembered.begin(numbers[lane], numbers[shape.batch + lane] > 0);
    let end = this.#form.span;
    for (let row = lane, t = end; row < window.rows; row += shape.batch, t++) {
      if (keep?.[row] === 0) remembered.begin();
      remembered.read(window.inputs[row]);
      this.#attendTo(row, end, remembered.seen, places, counts);
      if (remembered.took) end = t + 1;
    }
    this.#retain(lane, end);
  }

  /** A row attends to the `count` states before the time `end`. */
  #attendTo(row: number, end: number, count: number, places: Int32Array, counts: Int32Array): void {
    const { batch } = this.#context.shape;
    const first = (end - count) * batch + (row % batch);
    counts[row] = count;
    for (let i = 0; i < count; i++) places[row * this.#stride + i] = first + i * batch;
  }

  /** Carries on what a lane remembers, the states before the time `end`: the last ones are where a window begins. */
  #retain(lane: number, end: number): void {
    const { plan, shape } = this.#context;
    const { batch } = shape;
    const { span } = this.#form;
    const count = end === 0 ? 0 : this.#remembered.count;
    const numbers = plan.floats(this.#after, 2 * batch);
    numbers[lane] = count;
    numbers[batch + lane] = Number(end > 0 && this.#remembered.closed);
    const kept = plan.integers(this.#kept, span * batch);
    for (let i = 0; i < span; i++)
      kept[i * batch + lane] = i < span - count ? -1 : (end - span + i) * batch + lane;
  }

  backward(gradient: Address, above: Address, below: Address): Address {
    const { tape, products, model, window, shape, shared } = this.#context;
    const { hidden: width } = model;
    const { rows } = window;
    const dOut = { at: above, stride: width };
    tape.k.tanhBackward({ dx: above, y: this.#out, n: rows * width });
    products.packColumns(shared.packedRows, this.#joined, rows, 2 * width);
    products.multiply([width, 2 * width, rows], { ...dOut, transposed: true }, shared.packedRows, {
      at: gradient + this.#weight,
      stride: 2 * width,
    });
    const dJoined = { at: this.#dJoined, stride: 2 * width };
    products.multiply([rows, 2 * width, width], dOut, this.#packedBack, dJoined);
    const common = {
      dOut: this.#dJoined,
      slopes: this.#slopes,
      weights: this.#weights,
      places: this.#places,
      counts: this.#counts,
      rows,
      width,
      stride: this.#stride,
    };
    tape.k.attendBackward({ ...common, dx: below, keys: this.#keys });
    const first = this.#form.span * shape.batch;
    tape.k.attendKeysBackward({ ...common, dx: below, x: this.#input.at, pitch: width, first });
    return below;
  }
}
