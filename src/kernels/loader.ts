/** @module Instances of a compiled module: kernels import nothing, or a shared memory. */
import type { KernelExports } from "./generated/signatures.ts";

/** A fresh instance; `memory` where the module imports a shared one. */
export function instantiate(module: WebAssembly.Module, memory?: WebAssembly.Memory): KernelExports {
  return new WebAssembly.Instance(module, importsOf(memory)).exports as unknown as KernelExports;
}

/** The same, where a host makes no instance at once. */
export async function instantiateLater(
  module: WebAssembly.Module,
  memory?: WebAssembly.Memory,
): Promise<KernelExports> {
  return (await WebAssembly.instantiate(module, importsOf(memory))).exports as unknown as KernelExports;
}

function importsOf(memory: WebAssembly.Memory | undefined): WebAssembly.Imports {
  return memory ? { env: { memory } } : {};
}
