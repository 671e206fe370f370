/** @module Which ranges of a segment belong to rows that a window reads, and which to none. */
import type { Segment } from "../model/layout.ts";
import { PART } from "../model/work.ts";

/** Sixteen elements are drawn together: ranges consist of whole groups. */
const GROUP = 16;

export interface Range {
  /** Counted from the segment's beginning, a multiple of 16. */
  readonly from: number;
  /** At most a part. */
  readonly size: number;
  /** Whether a row that is read has a share in it. */
  readonly read: boolean;
}

/** A segment of which few rows are read. */
export interface Sparse {
  readonly segment: Segment;
  readonly ranges: readonly Range[];
}

/** The ranges of a segment in their order; null where there are too many rows for it to pay. */
export function sparse(segment: Segment, rows: Int32Array): Sparse | null {
  const { size, shape } = segment;
  const width = shape[1];
  if (2 * rows.length * (width + 2 * GROUP) > size) return null;
  const ranges: Range[] = [];
  let end = 0;
  const extend = (to: number, read: boolean) => {
    for (; end < to; end = ranges.at(-1)!.from + ranges.at(-1)!.size)
      ranges.push({ from: end, size: Math.min(to - end, PART), read });
  };
  for (const row of rows.slice().sort()) {
    extend(Math.floor((row * width) / GROUP) * GROUP, false);
    extend(Math.min(Math.ceil(((row + 1) * width) / GROUP) * GROUP, size), true);
  }
  extend(size, false);
  return { segment, ranges };
}
