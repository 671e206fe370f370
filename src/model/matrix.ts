/** @module Weights that stay packed while one vector after another is multiplied with them: float32, or 8 bits. */
import type { KernelExports } from "../kernels/generated/signatures.ts";
import type { MemoryPlan } from "../kernels/memory.ts";

/** How weights are kept for prediction: float32 unless said otherwise. */
export type Quantization = "int8";

const BYTES = 4;

/** A vector that products read: `floats` is written, then `settle` called. All zero at first. */
export interface Input {
  readonly floats: number;
  /** What the products read. */
  readonly address: number;
  settle(): void;
}

/** W[n,k]; outputs have room for n rounded up to `OUTPUT_WIDTH` floats. */
export interface Matrix {
  /** Takes over the weights at an address, row-major. */
  pack(weights: number): void;
  /** y = from + x·Wᵀ, or x·Wᵀ where `from` is 0; `from` may be y. */
  times(x: Input, from: number, y: number): void;
}

/** Outputs come in whole panels. */
const OUTPUT_WIDTH = 32;

/** Floats to plan for n outputs. */
export function outputWidth(n: number): number {
  return Math.ceil(n / OUTPUT_WIDTH) * OUTPUT_WIDTH;
}

export function planInput(plan: MemoryPlan, k: number, quantized?: Quantization): Input {
  const { exports } = plan.instance;
  const floats = plan.words(k);
  if (!quantized) return { floats, address: floats, settle() {} };
  const address = plan.words(exports.quantizedVectorSize(k) / BYTES);
  return { floats, address, settle: () => exports.quantizeVector(address, floats, k) };
}

export function planMatrix(plan: MemoryPlan, n: number, k: number, quantized?: Quantization): Matrix {
  return quantized ? new ByteMatrix(plan, n, k) : new FloatMatrix(plan, n, k);
}

class FloatMatrix implements Matrix {
  readonly #k: KernelExports;
  readonly #shape: readonly [n: number, k: number];
  readonly #packed: number;

  constructor(plan: MemoryPlan, n: number, k: number) {
    this.#k = plan.instance.exports;
    this.#shape = [n, k];
    this.#packed = plan.words(outputWidth(n) * k);
  }

  pack(weights: number): void {
    const [n, k] = this.#shape;
    this.#k.packVector(this.#packed, weights, k, k, n);
  }

  times(x: Input, from: number, y: number): void {
    const [n, k] = this.#shape;
    this.#k.timesVector(n, k, x.address, this.#packed, from, y);
  }
}

class ByteMatrix implements Matrix {
  readonly #k: KernelExports;
  readonly #shape: readonly [n: number, k: number];
  readonly #packed: number;
  readonly #scales: number;

  constructor(plan: MemoryPlan, n: number, k: number) {
    this.#k = plan.instance.exports;
    this.#shape = [n, k];
    this.#packed = plan.words(this.#k.quantizedSize(n, k) / BYTES);
    this.#scales = plan.words(outputWidth(n));
  }

  pack(weights: number): void {
    const [n, k] = this.#shape;
    this.#k.quantizeRows(this.#packed, this.#scales, weights, k, k, n);
  }

  times(x: Input, from: number, y: number): void {
    const [n, k] = this.#shape;
    this.#k.timesQuantized(n, k, x.address, this.#packed, this.#scales, from, y);
  }
}
