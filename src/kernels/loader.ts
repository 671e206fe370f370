/** @module The only file that knows @assemblyscript/loader, which is deprecated: instances of a compiled module. */
import { instantiateSync } from "@assemblyscript/loader";
import type { KernelExports } from "./exports.ts";

/** A fresh instance; `memory` where the module imports a shared one. */
export function instantiate(module: WebAssembly.Module, memory?: WebAssembly.Memory): KernelExports {
  const { exports } = instantiateSync(module, memory ? { env: { memory } } : {});
  return exports as unknown as KernelExports;
}
