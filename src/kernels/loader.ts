/*! Includes @assemblyscript/loader, Copyright Daniel Wirtz and contributors, Apache-2.0: apache.org/licenses/LICENSE-2.0 */
/** @module The only file that knows @assemblyscript/loader, which is deprecated: instances of a compiled module. */
import { type Imports, instantiateSync } from "@assemblyscript/loader";
import type { KernelExports } from "./generated/signatures.ts";

/** A fresh instance; `memory` where the module imports a shared one. */
export function instantiate(module: WebAssembly.Module, memory?: WebAssembly.Memory): KernelExports {
  const imports = importsOf(memory);
  // The loader would compile what is not an instance of this realm's class; an edge host's module is another realm's.
  // Its own exports are left aside: each is wrapped in a function that copies its arguments at every call.
  const { exports } =
    module instanceof WebAssembly.Module
      ? instantiateSync(module, imports as Imports).instance
      : new WebAssembly.Instance(module, imports);
  return exports as unknown as KernelExports;
}

/** The same, where a host makes no instance at once. */
export async function instantiateLater(
  module: WebAssembly.Module,
  memory?: WebAssembly.Memory,
): Promise<KernelExports> {
  const { exports } = await WebAssembly.instantiate(module, importsOf(memory));
  return exports as unknown as KernelExports;
}

function importsOf(memory: WebAssembly.Memory | undefined): WebAssembly.Imports {
  return memory ? { env: { memory } } : {};
}
