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
  for (let r: usize = 0; r < count; r++) {
    addRow(out, rows, width);
    rows += stride << 2;
  }
}

/** out[r,:] += x[r,:]. */
export function addRows(out: usize, x: usize, rows: Count, width: Count): void {
  addRow(out, x, rows * width);
}

function addRow(to: usize, from: usize, width: usize): void {
  const whole = to + ((width & ~3) << 2);
  const end = to + (width << 2);
  while (to < whole) {
    v128.store(to, f32x4.add(v128.load(to), v128.load(from)));
    to += 16;
    from += 16;
  }
  while (to < end) {
    store<f32>(to, load<f32>(to) + load<f32>(from));
    to += 4;
    from += 4;
  }
}
