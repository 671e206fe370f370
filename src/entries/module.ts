/** @module svi-lm without kernels, for whoever brings a WebAssembly.Module: of svi-lm/kernels.wasm, in whatever way. */
export type { KernelSource } from "../kernels/compile.ts";
export { useKernels } from "../kernels/kernels.ts";
export { loadKernels } from "../kernels/load.ts";
export * from "../public.ts";
