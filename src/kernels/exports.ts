/** @module The signatures of the compiled kernels: pointers are byte addresses, counts are elements. */

type Memory = WebAssembly.Memory;

/** What assembly/index.ts exports. */
export interface KernelExports extends ElementaryKernels, MatrixKernels, ParameterKernels {
  readonly memory: Memory;
  /** First byte after static data. */
  heapBase(): number;
}

export interface ElementaryKernels {
  // filled by elementary.ts and random.ts
  probe(x: number): number;
}

// biome-ignore lint/suspicious/noEmptyInterface: filled as the kernels arrive
export interface MatrixKernels {}

// biome-ignore lint/suspicious/noEmptyInterface: filled as the kernels arrive
export interface ParameterKernels {}
