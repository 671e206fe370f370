/** @module The memory plan: what a network, a guide and an optimiser need is known before memory grows, once. */
import { SviError } from "../errors.ts";
import type { KernelInstance } from "./instance.ts";

/** wasm32 addresses 4 GiB; the last page stays free so that loads past the end of a region stay inside. */
const MOST_BYTES = 2 ** 32 - 65536;
/** Kernels may read, never write, up to a panel past the end of a region. */
const SLACK_BYTES = 65536;

/** Hands out addresses first, grows the memory when `commit` is called; views are valid from then on. */
export class MemoryPlan {
  readonly instance: KernelInstance;
  readonly limit: number;
  #top: number;

  /** @param limit bytes that must not be exceeded, 4 GiB by default */
  constructor(instance: KernelInstance, limit: number = MOST_BYTES) {
    this.instance = instance;
    this.limit = Math.min(limit, MOST_BYTES);
    this.#top = (instance.exports.heapBase() + 63) & ~63;
  }

  /** Bytes planned so far, static data of the kernels included. */
  get bytes(): number {
    return this.#top + SLACK_BYTES;
  }

  /** Address of `count` 32-bit numbers, 64-byte aligned, zero at first. */
  words(count: number): number {
    const address = this.#top;
    this.#top = Math.ceil((this.#top + count * 4) / 64) * 64;
    return address;
  }

  /** @throws SviError `E_MEMORY` with the figure where the plan exceeds the limit or the host refuses. */
  commit(): void {
    if (!(this.bytes <= this.limit))
      throw new SviError(
        "E_MEMORY",
        `This needs ${(this.bytes / 2 ** 20).toFixed(1)} MiB and the limit is ${(this.limit / 2 ** 20).toFixed(1)} MiB`,
        { value: this.bytes, remedy: "Use a smaller model, batch or sequence, or raise the limit" },
      );
    this.instance.reserve(this.bytes);
  }

  floats(address: number, count: number): Float32Array {
    return new Float32Array(this.instance.memory.buffer, address, count);
  }

  doubles(address: number, count: number): Float64Array {
    return new Float64Array(this.instance.memory.buffer, address, count);
  }

  integers(address: number, count: number): Int32Array {
    return new Int32Array(this.instance.memory.buffer, address, count);
  }
}
