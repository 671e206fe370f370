/** Kernels at awkward lengths: arrays between NaN, as the padded segments of the flat block are. */
import type { Bench } from "./harness.ts";

/** Shorter than a vector, around a draw's sixteen elements, around a block of a sum, several blocks. */
export const LENGTHS = [1, 3, 15, 16, 17, 4095, 4096, 4097, 10001];

/** An array of `values` with NaN in its padding and around it. */
export function padded(bench: Bench, values: ArrayLike<number>): number {
  const rounded = Math.ceil(values.length / 16) * 16;
  const pointer = bench.floats(rounded + 32) + 64;
  new Float32Array(bench.instance.memory.buffer, pointer, values.length).set(Array.from(values));
  return pointer;
}

/** Whether the sixteen floats before and after the padded array still are NaN. */
export function untouched(bench: Bench, pointer: number, count: number): boolean {
  const before = bench.read(pointer - 64, 16);
  const after = bench.read(pointer + Math.ceil(count / 16) * 64, 16);
  return [...before, ...after].every(Number.isNaN);
}

/** Reproducible uniform numbers in [0, 1), independent of the kernels. */
export function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** `count` floats from lowest to highest, rounded to f32. */
export function between(count: number, lowest: number, highest: number, seed: number): Float32Array {
  const next = generator(seed);
  return Float32Array.from({ length: count }, () => lowest + (highest - lowest) * next());
}

/** `count` floats of many sizes: 10 to a power from lowest to highest. */
export function powers(count: number, lowest: number, highest: number, seed: number): Float32Array {
  return between(count, lowest, highest, seed).map((x) => 10 ** x);
}

/** Largest |a - b| / max(|b|, floor). */
export function largestError(a: ArrayLike<number>, b: ArrayLike<number>, floor: number): number {
  let most = 0;
  for (let i = 0; i < b.length; i++) {
    const error = Math.abs(a[i] - b[i]) / Math.max(Math.abs(b[i]), floor);
    if (!(error <= most)) most = Number.isNaN(error) ? Number.POSITIVE_INFINITY : error;
  }
  return most;
}
