/** @module The signatures of the compiled kernels: pointers are byte addresses, counts are elements. */

type Memory = WebAssembly.Memory;

/** What assembly/index.ts exports. */
export interface KernelExports extends ElementaryKernels, MatrixKernels, ParameterKernels {
  readonly memory: Memory;
  /** First byte after static data. */
  heapBase(): number;
}

export interface ElementaryKernels {
  /** Each writes the function of `n` floats at `x` to `out`; `out` may be `x`. */
  expArray(out: number, x: number, n: number): void;
  logArray(out: number, x: number, n: number): void;
  sigmoidArray(out: number, x: number, n: number): void;
  tanhArray(out: number, x: number, n: number): void;
  softplusArray(out: number, x: number, n: number): void;
  /** Of an angle in turns, [0, 1). */
  sinTurnArray(out: number, x: number, n: number): void;
  cosTurnArray(out: number, x: number, n: number): void;
  /** Double precision, for figures that feed back into numbers: `Math.exp` differs between engines. */
  exp64(x: number): number;
  log64(x: number): number;
  /** For 0 <= x <= pi. */
  cos64(x: number): number;
}

// biome-ignore lint/suspicious/noEmptyInterface: filled as the kernels arrive
export interface MatrixKernels {}

// biome-ignore lint/suspicious/noEmptyInterface: filled as the kernels arrive
export interface ParameterKernels {}
