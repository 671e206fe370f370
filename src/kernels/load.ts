/** @module Kernels of a module, or of its bytes, that the caller brings. */
import { type KernelSource, moduleOf } from "./compile.ts";
import { identify } from "./identity.ts";
import { type Kernels, kernelsOf } from "./kernels.ts";

/**
 * Kernels of a module, of its bytes, or of a response that holds them; for `useKernels` or the option `kernels`.
 * @throws SviError `E_KERNELS` where it is not this package's binary (another version, a page in its place);
 *   `E_HOST` where the host does not run it
 */
export async function loadKernels(source: KernelSource | Promise<KernelSource>): Promise<Kernels> {
  const module = await moduleOf(source);
  return kernelsOf(identify(module).build, module);
}
