/**
 * Rows by index: embedding lookup, its gradient, and the projection of distinct tokens spread over positions.
 * Indices are checked by the caller before they come here.
 */
import { Count } from "./types";

/** out[r,:] = table[ids[r],:] for `rows` rows of `width` floats. */
export function gatherRows(out: usize, table: usize, ids: usize, rows: Count, width: Count): void {
  const bytes = width << 2;
  for (const end = ids + (rows << 2); ids < end; ids += 4) {
    const id = load<i32>(ids);
    if (id < 0) memory.fill(out, 0, bytes);
    else memory.copy(out, table + <usize>id * bytes, bytes);
    out += bytes;
  }
}

/** table[ids[r],:] += rows[r,:] where ids[r] is not negative, in the order of r; the first `width` columns of rows of `stride` floats. */
export function scatterAddRows(
  table: usize,
  rows: usize,
  ids: usize,
  count: Count,
  width: Count,
  stride: Count,
): void {
  const bytes = stride << 2;
  for (const end = ids + (count << 2); ids < end; ids += 4) {
    const id = load<i32>(ids);
    if (id >= 0) addRow(table + <usize>id * bytes, rows, width);
    rows += bytes;
  }
}

/** out[:] (+)= sum over r of rows[r,:], in the order of r. */
export function sumRows(
  out: usize,
  rows: Count,
  count: Count,
  width: Count,
  stride: Count,
  accumulate: bool,
): void {
  if (!accumulate) memory.fill(out, 0, width << 2);
  const bytes = stride << 2;
  for (; count >= 4; count -= 4, rows += 4 * bytes) addFour(out, rows, bytes, width);
  for (; count > 0; count--, rows += bytes) addRow(out, rows, width);
}

/** out[r,:] += x[r,:]. */
export function addRows(out: usize, x: usize, rows: Count, width: Count): void {
  addRow(out, x, rows * width);
}

/** out[:] += four rows, one after the other, so that `out` is read and written once for all of them. */
function addFour(to: usize, from: usize, bytes: usize, width: usize): void {
  const pairs = to + ((width & ~7) << 2);
  let r1 = from + bytes;
  let r2 = r1 + bytes;
  let r3 = r2 + bytes;
  for (; to < pairs; to += 32, from += 32, r1 += 32, r2 += 32, r3 += 32) {
    const a = sumOfFour(v128.load(to), v128.load(from), v128.load(r1), v128.load(r2), v128.load(r3));
    const b = sumOfFour(
      v128.load(to, 16),
      v128.load(from, 16),
      v128.load(r1, 16),
      v128.load(r2, 16),
      v128.load(r3, 16),
    );
    v128.store(to, a);
    v128.store(to, b, 16);
  }
  width &= 7;
  addRow(to, from, width);
  addRow(to, r1, width);
  addRow(to, r2, width);
  addRow(to, r3, width);
}

// @ts-ignore: decorator
@inline
function sumOfFour(x: v128, a: v128, b: v128, c: v128, d: v128): v128 {
  return f32x4.add(f32x4.add(f32x4.add(f32x4.add(x, a), b), c), d);
}

/** Two vectors at a time, both read before either store: engines may make one of 256 bits of them. */
function addRow(to: usize, from: usize, width: usize): void {
  const pairs = to + ((width & ~7) << 2);
  const end = to + (width << 2);
  for (; to < pairs; to += 32, from += 32) {
    const a = f32x4.add(v128.load(to), v128.load(from));
    const b = f32x4.add(v128.load(to, 16), v128.load(from, 16));
    v128.store(to, a);
    v128.store(to, b, 16);
  }
  for (; to < end; to += 4, from += 4) store<f32>(to, load<f32>(to) + load<f32>(from));
}
