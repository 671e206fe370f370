/** @module svi-lm without kernels, for whoever brings a WebAssembly.Module: of svi-lm/kernels.wasm, in whatever way. */
import { type KernelSource, moduleOf } from "./kernels/compile.ts";
import { identify } from "./kernels/identity.ts";
import { type Kernels, kernelsOf } from "./kernels/kernels.ts";

export type { KernelSource } from "./kernels/compile.ts";
export { useKernels } from "./kernels/kernels.ts";
export * from "./public.ts";

/**
 * Kernels of a module, of its bytes, or of a response that holds them; for `useKernels` or the option `kernels`.
 * @throws SviError `E_KERNELS` where it is not this package's binary (another version, a page in its place);
 *   `E_HOST` where the host does not run it
 */
export async function loadKernels(source: KernelSource | Promise<KernelSource>): Promise<Kernels> {
  const module = await moduleOf(source);
  return kernelsOf(identify(module).build, module);
}
