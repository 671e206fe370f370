/** @module Which kernels are split by their units, and which are sums of blocks. */
import type { KernelExports } from "../generated/signatures.ts";

/** A kernel. */
export type Name = Exclude<keyof KernelExports, "memory" | "heapBase">;
export type Arguments = readonly number[];

/** A kernel whose units (elements, rows) are independent of each other. */
export interface Split {
  /** Which argument counts the units. */
  readonly count: number;
  /** Parts begin at multiples of so many units. */
  readonly granule: (args: Arguments) => number;
  /** How much each argument moves from one unit to the next. */
  readonly strides: (args: Arguments) => Arguments;
  /** Nanoseconds a unit, roughly: what is short is not worth a dispatch. */
  readonly cost: (args: Arguments) => number;
}

/** Random numbers are drawn so many at a time; whole cache lines for everything else. */
const ELEMENTS = 1024;
/** Elements whose terms are added in f32: SUM_BLOCK of assembly/norm.ts. */
export const SUM_BLOCK = 4096;

/** Flat arrays at the arguments named; `first` counts their elements. */
function elements(count: number, pointers: Arguments, cost: number, first = -1): Split {
  const strides: number[] = Array.from({ length: count + 1 }, (_, i) => (pointers.includes(i) ? 4 : 0));
  if (first >= 0) strides[first] = 1;
  return {
    count,
    granule: () => ELEMENTS,
    // An address of 0 means that there is no array.
    strides: (args) => args.map((value, i) => (value === 0 && i !== first ? 0 : (strides[i] ?? 0))),
    cost: () => cost,
  };
}

function rows(
  count: number,
  strides: (args: Arguments) => Arguments,
  cost: (args: Arguments) => number,
  granule: (args: Arguments) => number = () => 1,
): Split {
  return { count, granule, strides, cost };
}

export const SPLITS: Partial<Record<Name, Split>> = {
  sampleNatural: elements(3, [0, 1, 2], 3.3, 6),
  sampleMeanField: elements(3, [0, 1, 2], 5, 5),
  precisionArray: elements(2, [0, 1], 0.5),
  deviationArray: elements(2, [0, 1], 2),
  axpby: elements(4, [0, 2], 0.4),
  averageInto: elements(2, [0, 1], 0.4),
  meanFieldGradient: elements(5, [0, 1, 2, 3, 4], 5),
  meanFieldFinish: elements(4, [0, 1, 2, 3], 5),
  meanFieldAccumulate: elements(6, [0, 1, 2, 3, 4, 5], 3),
  sgdStep: elements(3, [0, 1, 2], 0.4),
  adamStep: elements(4, [0, 1, 2, 3], 1.8),
  ivonStep: elements(6, [0, 1, 2, 3, 4, 5], 2.4),
  accumulateParticle: elements(5, [0, 1, 2, 3, 4], 1),
  anchorGradient: elements(4, [0, 1, 2, 3], 0.8),
  addProbabilities: elements(2, [0, 1], 0.4),
  copyBytes: { count: 2, granule: () => 4096, strides: () => [1, 1], cost: () => 0.1 },
  fillZero: { count: 1, granule: () => 4096, strides: () => [1], cost: () => 0.05 },
  gatherRows: rows(
    3,
    ([, , , , width]) => [4 * width, 0, 4],
    ([, , , , width]) => 0.15 * width,
  ),
  // By columns: rows may have an id in common.
  scatterAddColumns: rows(
    4,
    () => [4, 4],
    ([, , , count]) => 0.2 * count,
    () => 16,
  ),
  sumRows: rows(
    3,
    () => [4, 4],
    ([, , count]) => 0.15 * count,
    () => 16,
  ),
  maskRows: rows(
    3,
    ([, , , , , width]) => [4 * width, 4 * width],
    ([, , , , , width]) => 0.4 * width,
    ([, , , , batch]) => batch,
  ),
  keepRows: rows(
    3,
    ([, , , , width]) => [4 * width, 4 * width, 4],
    ([, , , , width]) => 0.1 * width,
  ),
  lstmForward: rows(
    5,
    ([, , , , , , hidden]) => [16 * hidden, 0, 4 * hidden, 4 * hidden, 4 * hidden],
    ([, , , , , , hidden]) => 8.4 * hidden,
  ),
  lstmBackward: rows(
    5,
    ([, , , , , , hidden]) => [16 * hidden, 4 * hidden, 4 * hidden, 4 * hidden, 4 * hidden],
    ([, , , , , , hidden]) => 5 * hidden,
  ),
  crossEntropy: rows(
    4,
    ([, , , , , , stride]) => [4 * stride, 0, 4, 4],
    ([, , , , , vocabulary]) => 2 * vocabulary,
  ),
  probabilities: rows(
    4,
    ([, , , , , , stride]) => [4 * stride, 0, 4, 4],
    ([, , , , , vocabulary]) => 2 * vocabulary,
  ),
  addEntropy: rows(
    2,
    ([, , , stride]) => [4, 4 * stride],
    ([, , , stride]) => 2 * stride,
  ),
  scoreRows: rows(
    3,
    ([, , , , stride]) => [16, 4 * stride, 4],
    ([, , , , stride]) => 0.5 * stride,
  ),
};

/** Kernels that return a sum over a flat array, or its greatest or least element. */
export const SUMS: Partial<Record<Name, Split & { readonly combine: (a: number, b: number) => number }>> = {
  sumSquares: { ...elements(1, [0], 0.15), combine: add },
  klNatural: { ...elements(2, [0, 1], 1.5), combine: add },
  klMeanField: { ...elements(2, [0, 1], 3), combine: add },
  mixtureGradient: { ...elements(2, [0, 1], 6), combine: add },
  entropyMeanField: { ...elements(1, [0], 3), combine: add },
  isFiniteArray: { ...elements(1, [0], 0.15), combine: Math.min },
  maxAbs: { ...elements(1, [0], 0.15), combine: Math.max },
};

function add(a: number, b: number): number {
  return a + b;
}
