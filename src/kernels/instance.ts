/** @module A private instance of the kernels: its memory, its exports, and how it is given back. */
import { SviError } from "../errors.ts";
import type { KernelSet } from "./calls.ts";
import type { KernelExports } from "./generated/signatures.ts";
import { type Crew, defaultKernels, type Instantiated, type Kernels } from "./kernels.ts";

/** One instance of the kernels with a memory of its own; wasm memory never shrinks, so it is dropped whole. */
export class KernelInstance {
  readonly set: KernelSet;
  readonly exports: KernelExports;
  readonly memory: WebAssembly.Memory;
  readonly threads: number;
  /** Where there are several threads. */
  readonly crew: Crew | undefined;
  readonly #instantiated: Instantiated;

  /** @throws SviError `E_HOST`, `E_KERNELS` */
  constructor(set: KernelSet, kernels: Kernels = defaultKernels()) {
    this.#instantiated = kernels.instantiate(set);
    this.set = set;
    this.threads = kernels.threads;
    this.exports = this.#instantiated.exports;
    this.crew = this.#instantiated.crew;
    this.memory = this.#instantiated.memory;
  }

  /** First byte that no static data of the kernels occupies. */
  get heapBase(): number {
    return this.exports.heapBase();
  }

  /**
   * Grows the memory once so that `bytes` from address 0 exist.
   * @throws SviError `E_MEMORY` where the host refuses.
   */
  reserve(bytes: number): void {
    const missing = Math.ceil(bytes / 65536) - this.memory.buffer.byteLength / 65536;
    if (missing <= 0) return;
    try {
      this.memory.grow(missing);
    } catch (cause) {
      throw new SviError("E_MEMORY", `The host refused ${(bytes / 2 ** 20).toFixed(1)} MiB of memory`, {
        value: bytes,
        remedy: "Use a smaller model, batch or sequence",
        cause,
      });
    }
  }

  /** Ends the work of others on this instance, where there are any; its memory goes when it is collected. */
  release(): void {
    this.#instantiated.release?.();
  }
}
