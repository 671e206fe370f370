/** @module Instances of a compiled module: kernels import nothing, or a shared memory. */
import type { KernelExports } from "./generated/signatures.ts";
import { width } from "./width.ts";

/** A fresh instance; `memory` where the module imports a shared one. */
export function instantiate(module: WebAssembly.Module, memory?: WebAssembly.Memory): KernelExports {
  return made(new WebAssembly.Instance(module, importsOf(memory)));
}

/** The same, where a host makes no instance at once. */
export async function instantiateLater(
  module: WebAssembly.Module,
  memory?: WebAssembly.Memory,
): Promise<KernelExports> {
  return made(await WebAssembly.instantiate(module, importsOf(memory)));
}

function made({ exports }: WebAssembly.Instance): KernelExports {
  const kernels = exports as unknown as KernelExports;
  kernels.widen(Number(width.reason === null));
  return kernels;
}

function importsOf(memory: WebAssembly.Memory | undefined): WebAssembly.Imports {
  return memory ? { env: { memory } } : {};
}
