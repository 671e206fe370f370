/**
 * @module Attention for many rows at once, each after any row of the step before. States lie in slots of a pool; which
 * of them a row attends to is a list, that of the row before it and one more: rows that part share what came before.
 */
import type { Address } from "../kernels/address.ts";
import type { MemoryPlan } from "../kernels/memory.ts";
import type { Tape } from "../kernels/tape.ts";
import type { AttentionForm } from "./configuration.ts";
import { ATTENTION } from "./layers/attention.ts";
import { logitStrideOf } from "./layers/classifier.ts";
import type { Rows } from "./layers/layer.ts";
import type { Layout } from "./layout.ts";
import type { Products } from "./products.ts";
import { Remembered } from "./remembered.ts";

export interface RowAttentionContext {
  readonly plan: MemoryPlan;
  readonly tape: Tape;
  readonly products: Products;
  readonly layout: Layout;
  readonly hidden: number;
}

/** Of every row, and last of texts that begin: slots, [rows + 1, span], how many, and whether the source has ended. */
interface Lists {
  readonly slots: Int32Array;
  readonly counts: Int32Array;
  readonly closed: Uint8Array;
}

export class RowAttention {
  readonly #context: RowAttentionContext;
  readonly #span: number;
  readonly #rows: number;
  readonly #sets: readonly { readonly packed: Address; readonly pool: Address }[];
  readonly #remembered: Remembered;
  #now: Lists;
  #next: Lists;
  /** Slots of the pool that are in use, and those that the rows at hand write to; −1 for none. */
  readonly #used: Uint8Array;
  readonly #written: Int32Array;
  readonly #places: Address;
  readonly #counts: Address;
  readonly #weights: Address;
  readonly #stride: number;
  readonly #joined: Address;
  readonly #out: Address;

  constructor(context: RowAttentionContext, form: AttentionForm, rows: number, sets: number) {
    const { plan, products, hidden } = context;
    const { span } = form;
    // Lists of all rows and of texts that begin, and the rows' own states.
    const slots = (rows + 1) * span + rows;
    this.#context = context;
    this.#span = span;
    this.#rows = rows;
    this.#remembered = new Remembered(form);
    this.#sets = Array.from({ length: sets }, () => ({
      packed: products.planPacked(hidden, 2 * hidden),
      pool: plan.words(slots * hidden),
    }));
    [this.#now, this.#next] = [listsOf(rows + 1, span), listsOf(rows + 1, span)];
    this.#used = new Uint8Array(slots);
    this.#written = new Int32Array(rows);
    this.#stride = logitStrideOf(span);
    [this.#places, this.#weights] = [plan.words(rows * this.#stride), plan.words(rows * this.#stride)];
    this.#counts = plan.words(rows);
    this.#joined = plan.words(rows * 2 * hidden);
    this.#out = plan.words(rows * hidden);
  }

  /** Packs what stands in a set's flat vector; texts begin with nothing to attend to. */
  pack(set: number, theta: Address): void {
    const { products, layout, hidden } = this.#context;
    const at = theta + 4 * layout.find(ATTENTION).offset;
    products.packRows(this.#sets[set].packed, at, 2 * hidden, hidden);
    this.#now.counts[this.#rows] = 0;
    this.#now.closed[this.#rows] = 0;
  }

  /** Texts begin from what a row of the last step remembers. */
  beginFrom(row: number): void {
    this.#copy(this.#now, row, this.#now, this.#rows);
  }

  /** As `setRows` of the stepper. @throws SviError `E_TEXT_LONG` */
  setRows(tokens: Int32Array, parents: Int32Array, count: number): void {
    const { plan } = this.#context;
    const [now, next] = [this.#now, this.#next];
    const places = plan.integers(this.#places, count * this.#stride);
    const counts = plan.integers(this.#counts, count);
    const remembered = this.#remembered;
    this.#copy(now, this.#rows, next, this.#rows);
    this.#findUsed(parents, count);
    let free = 0;
    for (let row = 0; row < count; row++) {
      const parent = parents[row] < 0 ? this.#rows : parents[row];
      remembered.begin(now.counts[parent], now.closed[parent] > 0);
      remembered.read(tokens[row]);
      const last = parent * this.#span + now.counts[parent];
      counts[row] = remembered.seen;
      places.set(now.slots.subarray(last - remembered.seen, last), row * this.#stride);
      this.#written[row] = -1;
      if (remembered.took) {
        while (this.#used[free]) free++;
        this.#written[row] = free++;
      }
      const own = Number(remembered.took);
      const at = row * this.#span;
      next.slots.set(now.slots.subarray(last - (remembered.count - own), last), at);
      if (own) next.slots[at + remembered.count - 1] = this.#written[row];
      next.counts[row] = remembered.count;
      next.closed[row] = Number(remembered.closed);
    }
    [this.#now, this.#next] = [next, now];
  }

  /** Slots that rows of this step may still attend to. */
  #findUsed(parents: Int32Array, count: number): void {
    const { slots, counts } = this.#now;
    this.#used.fill(0);
    const mark = (list: number) => {
      for (let i = 0; i < counts[list]; i++) this.#used[slots[list * this.#span + i]] = 1;
    };
    mark(this.#rows);
    for (let row = 0; row < count; row++) if (parents[row] >= 0) mark(parents[row]);
  }

  #copy(from: Lists, row: number, to: Lists, at: number): void {
    const first = row * this.#span;
    to.slots.set(from.slots.subarray(first, first + from.counts[row]), at * this.#span);
    to.counts[at] = from.counts[row];
    to.closed[at] = from.closed[row];
  }

  /** Remembers the rows' states, [count, hidden]. */
  remember(set: number, h: Address, count: number): void {
    const { plan, tape, hidden } = this.#context;
    const bytes = 4 * hidden;
    tape.js(() => {
      const { copyBytes } = plan.instance.exports;
      for (let row = 0; row < count; row++)
        if (this.#written[row] >= 0)
          copyBytes(this.#sets[set].pool + this.#written[row] * bytes, h + row * bytes, bytes);
    });
  }

  /** What rows make of their states and those that they attend to. */
  attend(set: number, { at, count, width }: Rows): Rows {
    const { tape, products } = this.#context;
    const { packed, pool } = this.#sets[set];
    tape.k.attend({
      out: this.#joined,
      weights: this.#weights,
      x: at,
      keys: pool,
      places: this.#places,
      counts: this.#counts,
      rows: count,
      width,
      stride: this.#stride,
    });
    const joined = { at: this.#joined, stride: 2 * width };
    products.multiply([count, width, 2 * width], joined, packed, { at: this.#out, stride: width });
    tape.k.tanhArray({ out: this.#out, x: this.#out, n: count * width });
    return { at: this.#out, count, width, distinct: false };
  }
}

function listsOf(lists: number, span: number): Lists {
  return {
    slots: new Int32Array(lists * span),
    counts: new Int32Array(lists),
    closed: new Uint8Array(lists),
  };
}
