/** A kernel instance with a bump allocator, for tests that call kernels directly. */

import { KernelInstance } from "../../src/kernels/instance.ts";
import { TRAINING } from "../../src/kernels/training.ts";
import { loosely } from "./forms.ts";
import { whole } from "./whole.ts";

export class Bench {
  readonly instance = new KernelInstance(TRAINING, whole);
  readonly k = loosely(this.instance.exports);
  private top: number;

  constructor(bytes = 64 * 2 ** 20) {
    this.instance.reserve(bytes);
    this.top = (this.instance.heapBase + 63) & ~63;
  }

  /** Address of `count` floats, 64-byte aligned, filled with `values` or NaN so that unwritten memory shows. */
  floats(count: number, values?: ArrayLike<number>): number {
    const pointer = this.top;
    this.top = (this.top + count * 4 + 63) & ~63;
    const view = new Float32Array(this.instance.memory.buffer, pointer, count);
    view.fill(Number.NaN);
    if (values) view.set(Array.from(values));
    return pointer;
  }

  integers(values: ArrayLike<number>): number {
    const pointer = this.top;
    this.top = (this.top + values.length * 4 + 63) & ~63;
    new Int32Array(this.instance.memory.buffer, pointer, values.length).set(Array.from(values));
    return pointer;
  }

  read(pointer: number, count: number): Float32Array {
    return new Float32Array(this.instance.memory.buffer, pointer, count).slice();
  }
}
