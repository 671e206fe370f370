/** @module A private instance of the kernels: its memory, its exports, and how it is given back. */
import { instantiateSync } from "@assemblyscript/loader";
import { SviError } from "../errors.ts";
import type { KernelExports } from "./exports.ts";
import { simdBase64 } from "./generated/simd.ts";

let compiled: WebAssembly.Module | undefined;

function compile(): WebAssembly.Module {
  if (compiled) return compiled;
  const binary = atob(simdBase64);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  if (!WebAssembly.validate(bytes))
    throw new SviError("E_HOST", "This host does not run WebAssembly SIMD", {
      remedy: "Use a host with simd128: Node 16.4, Chrome 91, Firefox 89, Safari 16.4 or newer",
    });
  compiled = new WebAssembly.Module(bytes);
  return compiled;
}

/** One instance of the kernels with a memory of its own; wasm memory never shrinks, so it is dropped whole. */
export class KernelInstance {
  readonly exports: KernelExports;
  readonly memory: WebAssembly.Memory;

  constructor(module: WebAssembly.Module = compile()) {
    const { exports } = instantiateSync(module, {});
    this.exports = exports as unknown as KernelExports;
    this.memory = this.exports.memory;
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
}
