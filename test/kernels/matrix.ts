/** What the tests of the matrix kernels share: memory that is laid out anew for every case, and its guards. */

import { KernelInstance } from "../../src/kernels/instance.ts";
import type { Kernels } from "../../src/kernels/kernels.ts";
import { TRAINING } from "../../src/kernels/training.ts";
import { loosely } from "./forms.ts";
import { whole as all } from "./whole.ts";

/** A NaN no arithmetic makes: what still has these bits was not written. */
const UNTOUCHED = 0x7fc0dead;

/** Kernels with one memory whose regions, each between guards, are forgotten by `reset`. */
export class Arena {
  readonly k;
  readonly floats: Float32Array;
  readonly words: Uint32Array;
  readonly integers: Int32Array;
  /** For `gemm`; it lies right before what is laid out, so that an overrun shows. */
  readonly scratch: number;
  readonly #base: number;
  #top: number;

  constructor(bytes = 24 * 2 ** 20, kernels: Kernels = all) {
    const instance = new KernelInstance(TRAINING, kernels);
    instance.reserve(bytes);
    this.k = loosely(instance.exports);
    this.scratch = (this.k.heapBase() + 63) & ~63;
    this.floats = new Float32Array(instance.memory.buffer);
    this.words = new Uint32Array(instance.memory.buffer);
    this.integers = new Int32Array(instance.memory.buffer);
    this.#base = this.scratch + this.k.gemmScratchSize();
    this.#top = this.#base;
    this.floats.fill(Number.NaN, this.scratch / 4, this.#base / 4);
  }

  reset(): void {
    this.#top = this.#base;
  }

  /** Address of `count` floats, unaligned for vectors on purpose, marked as unwritten, with guards around. */
  region(count: number, values?: ArrayLike<number>): number {
    const first = this.#top / 4;
    this.words.fill(UNTOUCHED, first, first + count + 16);
    const at = this.#top + 20;
    this.#top += 4 * (count + 16);
    if (this.#top > this.words.byteLength) throw new Error("The arena is too small for this case");
    if (values) this.floats.set(values, at / 4);
    return at;
  }

  indices(values: ArrayLike<number>): number {
    const at = this.region(values.length);
    this.integers.set(values, at / 4);
    return at;
  }

  read(at: number, count: number): Float32Array {
    return this.floats.slice(at / 4, at / 4 + count);
  }

  bits(at: number, count: number): Uint32Array {
    return this.words.slice(at / 4, at / 4 + count);
  }

  /** The whole of the memory laid out so far: what changes besides the outputs shows in a comparison. */
  snapshot(): Uint32Array {
    return this.words.slice(this.#base / 4, this.#top / 4);
  }

  /**
   * First address whose word differs from the snapshot outside of the given outputs, or undefined.
   * @param outputs rows of `width` words at `at`, `stride` words apart
   */
  strayWrite(
    before: Uint32Array,
    outputs: { at: number; rows: number; width: number; stride: number }[],
  ): number | undefined {
    const after = this.words.subarray(this.#base / 4, this.#top / 4);
    const allowed = outputs
      .flatMap((o) =>
        Array.from({ length: o.rows }, (_, r) => ({
          from: (o.at - this.#base) / 4 + r * o.stride,
          width: o.width,
        })),
      )
      .sort((a, b) => a.from - b.from);
    let i = 0;
    const same = (to: number): number | undefined => {
      if (Buffer.compare(bytesOf(before, i, to), bytesOf(after, i, to)) === 0) return undefined;
      while (before[i] === after[i]) i++;
      return this.#base + 4 * i;
    };
    for (const { from, width } of allowed) {
      const stray = same(from);
      if (stray !== undefined) return stray;
      i = from + width;
    }
    return same(after.length);
  }
}

function bytesOf(words: Uint32Array, from: number, to: number): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset + 4 * from, 4 * (to - from));
}

/** Numbers in [-scale, scale), the same on every machine. */
export function random(count: number, scale = 1, seed = 1): Float32Array {
  const out = new Float32Array(count);
  let state = seed * 2654435761;
  for (let i = 0; i < count; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    out[i] = (state / 2 ** 31) * scale;
  }
  return out;
}

/** Integers from -most to most: sums of their products are exact in 32 bits, in any order. */
export function whole(count: number, most: number, seed = 1): Float32Array {
  const out = random(count, most + 0.999, seed);
  for (let i = 0; i < count; i++) out[i] = Math.trunc(out[i]);
  return out;
}

/** Largest |found - expected| / (1 + |expected|). */
export function largestError(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (found.length !== expected.length)
    throw new Error(`${found.length} numbers, ${expected.length} expected`);
  let most = 0;
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs(found[i] - expected[i]) / (1 + Math.abs(expected[i]));
    if (!(error <= most)) most = error;
  }
  return most;
}

/** (f(x + e) - f(x - e)) / 2e for every element of x. */
export function centralDifferences(
  f: (x: Float64Array) => number,
  x: ArrayLike<number>,
  e = 1e-5,
): Float64Array {
  const at = Float64Array.from(x);
  return at.map((value, i) => {
    at[i] = value + e;
    const above = f(at);
    at[i] = value - e;
    const below = f(at);
    at[i] = value;
    return (above - below) / (2 * e);
  });
}
