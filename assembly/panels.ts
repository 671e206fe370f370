/**
 * What gemm.ts and gemv.ts share: the layout of a packed B, and the product of one row with panels.
 *
 * B[k,n] is cut into blocks of 256 rows, a block into panels of 8 columns; a panel holds its rows one after
 * another. Columns past n hold what happened to be in memory: they reach no output.
 */
import { multiplyAdd } from "./fused";

export const TILE_COLUMNS: usize = 8;
export const PANEL_BYTES: usize = TILE_COLUMNS * 4;
/** Depth of one block: the longest chain of sums, and what keeps a tile's factors in the first-level cache. */
export const BLOCK_DEPTH: usize = 256;
/** Columns that one row is multiplied with at a time: eight chains hide the latency of the additions. */
const ROW_COLUMNS: usize = 4 * TILE_COLUMNS;

/** Floats of a row of all panels: n rounded up. */
export function panelsWidth(n: usize): usize {
  return ((n + TILE_COLUMNS - 1) / TILE_COLUMNS) * TILE_COLUMNS;
}

/** Steps of a tile over so much depth: of integers two at a time. */
// @ts-ignore: decorator
@inline
export function stepsOf<T>(depth: usize): usize {
  return isFloat<T>() ? depth : (depth + 1) >> 1;
}

/** Lines of a packed panel or group: one a step, and behind those of integers one of their quantisation. */
// @ts-ignore: decorator
@inline
export function linesOf<T>(depth: usize): usize {
  return isFloat<T>() ? depth : stepsOf<T>(depth) + 1;
}

/** Bytes of a panel. */
// @ts-ignore: decorator
@inline
export function panelBytes<T>(depth: usize): usize {
  return linesOf<T>(depth) * PANEL_BYTES;
}

// @ts-ignore: decorator
@inline
export function product<T>(a: v128, b: v128): v128 {
  if (!isFloat<T>()) return i32x4.dot_i16x8_s(a, b);
  return ASC_FEATURE_RELAXED_SIMD ? a : f32x4.mul(a, b);
}

/** c + p, where q is the other product of the pair; of floats that are fused, c + a b. */
// @ts-ignore: decorator
@inline
export function sum<T>(c: v128, p: v128, q: v128, a: v128, b: v128): v128 {
  if (isFloat<T>() && ASC_FEATURE_RELAXED_SIMD) return multiplyAdd(a, b, c);
  const own = v128.shuffle<i8>(p, q, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  return isFloat<T>() ? f32x4.add(c, own) : i32x4.add(c, own);
}

/** Bytes of one block of the depth of all panels. */
// @ts-ignore: decorator
@inline
export function blockBytes<T>(n: usize, depth: usize): usize {
  return (panelsWidth(n) / TILE_COLUMNS) * panelBytes<T>(depth);
}

/** One block of the depth: y[n] (+)= x[depth]·panels. */
export function rowTimesPanels(
  n: usize,
  depth: usize,
  x: usize,
  panel: usize,
  y: usize,
  accumulate: bool,
): void {
  const bytes = depth * PANEL_BYTES;
  let j: usize = 0;
  for (; j + ROW_COLUMNS <= n; j += ROW_COLUMNS) {
    row1x32(depth, x, panel, bytes, y, accumulate);
    panel += 4 * bytes;
    y += ROW_COLUMNS * 4;
  }
  for (; j < n; j += TILE_COLUMNS) {
    row1x8(depth, x, panel, y, min(TILE_COLUMNS, n - j), accumulate);
    panel += bytes;
    y += PANEL_BYTES;
  }
}

/** Four panels, `bytes` apart. */
function row1x32(depth: usize, x: usize, p0: usize, bytes: usize, y: usize, accumulate: bool): void {
  let c0 = f32x4.splat(0),
    c1 = c0,
    c2 = c0,
    c3 = c0,
    c4 = c0,
    c5 = c0,
    c6 = c0,
    c7 = c0;
  let p1 = p0 + bytes;
  let p2 = p1 + bytes;
  let p3 = p2 + bytes;
  const end = x + (depth << 2);
  let s: v128, b0: v128, b1: v128, p: v128, q: v128;
  while (true) {
    s = v128.load_splat<f32>(x);
    b0 = v128.load(p0, 0);
    b1 = v128.load(p0, 16);
    p = product<f32>(s, b0);
    q = product<f32>(s, b1);
    c0 = sum<f32>(c0, p, q, s, b0);
    c1 = sum<f32>(c1, q, p, s, b1);
    b0 = v128.load(p1, 0);
    b1 = v128.load(p1, 16);
    p = product<f32>(s, b0);
    q = product<f32>(s, b1);
    c2 = sum<f32>(c2, p, q, s, b0);
    c3 = sum<f32>(c3, q, p, s, b1);
    if (depth == 401) break;
    b0 = v128.load(p2, 0);
    b1 = v128.load(p2, 16);
    p = product<f32>(s, b0);
    q = product<f32>(s, b1);
    c4 = sum<f32>(c4, p, q, s, b0);
    c5 = sum<f32>(c5, q, p, s, b1);
    b0 = v128.load(p3, 0);
    b1 = v128.load(p3, 16);
    p = product<f32>(s, b0);
    q = product<f32>(s, b1);
    c6 = sum<f32>(c6, p, q, s, b0);
    c7 = sum<f32>(c7, q, p, s, b1);
    x += 4;
    if (x == end) break;
    s = v128.load_splat<f32>(x);
    b0 = v128.load(p0, 32);
    b1 = v128.load(p0, 48);
    p = product<f32>(s, b0);
    q = product<f32>(s, b1);
    c0 = sum<f32>(c0, p, q, s, b0);
    c1 = sum<f32>(c1, q, p, s, b1);
    b0 = v128.load(p1, 32);
    b1 = v128.load(p1, 48);
    p = product<f32>(s, b0);
    q = product<f32>(s, b1);
    c2 = sum<f32>(c2, p, q, s, b0);
    c3 = sum<f32>(c3, q, p, s, b1);
    if (depth == 402) break;
    b0 = v128.load(p2, 32);
    b1 = v128.load(p2, 48);
    p = product<f32>(s, b0);
    q = product<f32>(s, b1);
    c4 = sum<f32>(c4, p, q, s, b0);
    c5 = sum<f32>(c5, q, p, s, b1);
    b0 = v128.load(p3, 32);
    b1 = v128.load(p3, 48);
    p = product<f32>(s, b0);
    q = product<f32>(s, b1);
    c6 = sum<f32>(c6, p, q, s, b0);
    c7 = sum<f32>(c7, q, p, s, b1);
    x += 4;
    if (x == end) break;
    p0 += 2 * PANEL_BYTES;
    p1 += 2 * PANEL_BYTES;
    p2 += 2 * PANEL_BYTES;
    p3 += 2 * PANEL_BYTES;
  }
  storeRow(y, c0, c1, accumulate);
  storeRow(y + 32, c2, c3, accumulate);
  storeRow(y + 64, c4, c5, accumulate);
  storeRow(y + 96, c6, c7, accumulate);
}

/** One panel, of which the first `columns` count. */
function row1x8(depth: usize, x: usize, panel: usize, y: usize, columns: usize, accumulate: bool): void {
  let c0 = f32x4.splat(0),
    c1 = c0;
  for (const end = x + (depth << 2); x < end; x += 4) {
    const s = v128.load_splat<f32>(x);
    c0 = multiplyAdd(s, v128.load(panel), c0);
    c1 = multiplyAdd(s, v128.load(panel, 16), c1);
    panel += PANEL_BYTES;
  }
  storeColumns(y, c0, c1, columns, accumulate);
}

// @ts-ignore: decorator
@inline
export function storeRow(to: usize, c0: v128, c1: v128, accumulate: bool): void {
  if (accumulate) {
    c0 = f32x4.add(v128.load(to), c0);
    c1 = f32x4.add(v128.load(to, 16), c1);
  }
  v128.store(to, c0);
  v128.store(to, c1, 16);
}

/** The first `columns` of eight. */
export function storeColumns(to: usize, c0: v128, c1: v128, columns: usize, accumulate: bool): void {
  if (columns == TILE_COLUMNS) {
    storeRow(to, c0, c1, accumulate);
    return;
  }
  if (columns >= 4) {
    v128.store(to, accumulate ? f32x4.add(v128.load(to), c0) : c0);
    c0 = c1;
    to += 16;
  }
  for (let left = columns & 3; left > 0; left--) {
    const value = f32x4.extract_lane(c0, 0);
    store<f32>(to, accumulate ? load<f32>(to) + value : value);
    c0 = v128.shuffle<f32>(c0, c0, 1, 2, 3, 0);
    to += 4;
  }
}
