/** @module Attention token by token: the states of before in a ring, each of some rows, and what is attended to. */
import type { KernelExports } from "../kernels/generated/signatures.ts";
import type { MemoryPlan } from "../kernels/memory.ts";
import type { AttentionForm } from "./configuration.ts";
import { logitStrideOf } from "./layers/classifier.ts";
import { Remembered } from "./remembered.ts";

const BYTES = 4;

/** A piece of a state: an address, and how many floats. */
export type Piece = readonly [at: number, size: number];

/** States, the place of the next one in the ring, whether the source has ended; those that are attended to, own or not. */
const NUMBERS = 5;

export class StepAttention {
  readonly #plan: MemoryPlan;
  readonly #k: KernelExports;
  readonly #remembered: Remembered;
  readonly #rows: number;
  readonly #hidden: number;
  /** [ring, rows, hidden]: one more than are attended to, for the state of the position at hand. */
  readonly #states: number;
  readonly #ring: number;
  readonly #numbers: number;
  readonly #places: number;
  readonly #counts: number;
  readonly #weights: number;
  readonly #stride: number;
  #view: Float32Array | undefined;

  constructor(plan: MemoryPlan, form: AttentionForm, rows: number, hidden: number) {
    this.#plan = plan;
    this.#k = plan.instance.exports;
    this.#remembered = new Remembered(form);
    this.#rows = rows;
    this.#hidden = hidden;
    this.#ring = form.span + 1;
    this.#states = plan.words(this.#ring * rows * hidden);
    this.#numbers = plan.words(NUMBERS);
    this.#stride = logitStrideOf(form.span);
    [this.#places, this.#weights] = [plan.words(rows * this.#stride), plan.words(rows * this.#stride)];
    this.#counts = plan.words(rows);
  }

  /** Multiplications for a prediction, at most, without the projection. */
  get work(): number {
    return 2 * this.#rows * this.#stride * this.#hidden;
  }

  get states(): Piece[] {
    return [
      [this.#states, this.#ring * this.#rows * this.#hidden],
      [this.#numbers, NUMBERS],
    ];
  }

  reset(): void {
    for (const [at, size] of this.states) this.#plan.floats(at, size).fill(0);
  }

  /** Takes the states at `h`, [rows, hidden], after `token`. @throws SviError `E_TEXT_LONG` */
  read(token: number, h: number): void {
    this.#view ??= this.#plan.floats(this.#numbers, NUMBERS);
    const numbers = this.#view;
    const remembered = this.#remembered;
    remembered.begin(numbers[0], numbers[2] > 0);
    remembered.read(token);
    const bytes = this.#rows * this.#hidden * BYTES;
    if (remembered.took) {
      this.#k.copyBytes(this.#states + numbers[1] * bytes, h, bytes);
      numbers[1] = (numbers[1] + 1) % this.#ring;
    }
    numbers[0] = remembered.count;
    numbers[2] = Number(remembered.closed);
    numbers[3] = remembered.seen;
    numbers[4] = Number(remembered.took);
  }

  /** Writes [c ; h] of the states at `h`, those that were read last: [rows, 2·hidden]. */
  attend(h: number, joined: number): void {
    const rows = this.#rows;
    const [, next, , seen, took] = this.#plan.floats(this.#numbers, NUMBERS);
    const places = this.#plan.integers(this.#places, rows * this.#stride);
    const counts = this.#plan.integers(this.#counts, rows).fill(seen);
    const oldest = next - took - seen + 2 * this.#ring;
    for (let row = 0; row < rows; row++)
      for (let i = 0; i < counts[row]; i++)
        places[row * this.#stride + i] = ((oldest + i) % this.#ring) * rows + row;
    this.#k.attend(
      joined,
      this.#weights,
      h,
      this.#states,
      this.#places,
      this.#counts,
      rows,
      this.#hidden,
      this.#stride,
    );
  }
}
