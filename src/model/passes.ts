/** @module Passes over rows of memory in slices of bounded work, each in the order of the rows. */
import type { KernelExports } from "../kernels/generated/signatures.ts";
import { PART, type Slices, unitsOfPart, type Work } from "./work.ts";

const BYTES = 4;
/** Operations that take as long as copying or adding one element. */
export const COPY = 10;

/** out[count, width] = the rows of a table that `ids` names. */
export function* gatherRows(
  work: Work,
  k: KernelExports,
  out: number,
  table: number,
  ids: number,
  count: number,
  width: number,
): Slices {
  yield* work.parts(count, unitsOfPart(width), COPY * width, (from, part) => {
    k.gatherRows(out + from * width * BYTES, table, ids + from * BYTES, part, width);
  });
}

/** Adds rows, [count, width], to those of a table that `ids` names. */
export function* scatterRows(
  work: Work,
  k: KernelExports,
  table: number,
  rows: number,
  ids: number,
  count: number,
  width: number,
): Slices {
  yield* work.parts(count, unitsOfPart(width), COPY * width, (from, part) => {
    k.scatterAddRows(table, rows + from * width * BYTES, ids + from * BYTES, part, width);
  });
}

/** out[width] (+)= the sum of rows. */
export function* sumRows(
  work: Work,
  k: KernelExports,
  out: number,
  rows: number,
  count: number,
  width: number,
  stride: number,
  accumulate: boolean,
): Slices {
  yield* work.parts(count, unitsOfPart(width), COPY * width, (from, part) => {
    k.sumRows(out, rows + from * stride * BYTES, part, width, stride, Number(accumulate || from > 0));
  });
}

export function* zero(work: Work, k: KernelExports, at: number, count: number): Slices {
  yield* work.parts(count, PART, COPY, (from, part) => {
    k.fillZero(at + from * BYTES, part * BYTES);
  });
}
