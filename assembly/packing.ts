/**
 * Copies of matrices in the order in which tiles read them: panels of B, which panels.ts describes, packed once for
 * many products, and groups of five rows of A, packed on the way, each float four times over.
 */
import { packColumnsOfB16, packRowsOfB16 } from "./packing16";
import { BLOCK_DEPTH, blockBytes, PANEL_BYTES, panelBytes, TILE_COLUMNS } from "./panels";
import { GROUP_BYTES, TILE_ROWS } from "./tile";
import { Count, Form, isInt16 } from "./types";

/** Steps of the depth for which all columns are packed before the next: their lines stay in the nearest cache. */
const SHORT_DEPTH: usize = 8;

/**
 * Packs B[k,n], row-major with stride ldb. The columns are those from `first`, a multiple of 8, of a packed B that has
 * `width` of them; 0 for one that has n.
 */
export function packColumns(
  packed: usize,
  b: usize,
  ldb: Count,
  k: Count,
  n: Count,
  form: Form,
  first: Count,
  width: Count,
): void {
  if (width == 0) width = n;
  const stride = ldb << 2;
  for (let k0: usize = 0; k0 < k; k0 += BLOCK_DEPTH) {
    const depth = min(BLOCK_DEPTH, k - k0);
    const from = b + k0 * stride;
    if (form) {
      packColumnsOfB16(packed + (first / TILE_COLUMNS) * panelBytes<i16>(depth), from, stride, depth, n);
      packed += blockBytes<i16>(width, depth);
    } else {
      packColumnsOfB(packed + (first / TILE_COLUMNS) * panelBytes<f32>(depth), from, stride, depth, n);
      packed += blockBytes<f32>(width, depth);
    }
  }
}

/** One block of the depth. */
function packColumnsOfB(packed: usize, from: usize, stride: usize, depth: usize, n: usize): void {
  const bytes = depth * PANEL_BYTES;
  let j: usize = 0;
  for (; j + 4 * TILE_COLUMNS <= n; j += 4 * TILE_COLUMNS) {
    packFour(packed, bytes, from + (j << 2), stride);
    packed += 4 * bytes;
  }
  for (; j < n; j += TILE_COLUMNS) {
    packPanel(packed, bytes, from + (j << 2), stride, min(TILE_COLUMNS, n - j));
    packed += bytes;
  }
}

/** Four whole panels at a time: two cache lines of a row at once. */
function packFour(to: usize, bytes: usize, from: usize, stride: usize): void {
  let t1 = to + bytes;
  let t2 = t1 + bytes;
  let t3 = t2 + bytes;
  for (const end = t1; to < end; to += PANEL_BYTES) {
    v128.store(to, v128.load(from));
    v128.store(to, v128.load(from, 16), 16);
    v128.store(t1, v128.load(from, 32));
    v128.store(t1, v128.load(from, 48), 16);
    v128.store(t2, v128.load(from, 64));
    v128.store(t2, v128.load(from, 80), 16);
    v128.store(t3, v128.load(from, 96));
    v128.store(t3, v128.load(from, 112), 16);
    t1 += PANEL_BYTES;
    t2 += PANEL_BYTES;
    t3 += PANEL_BYTES;
    from += stride;
  }
}

/** One panel of up to eight columns; nothing is read past them. */
function packPanel(to: usize, bytes: usize, from: usize, stride: usize, columns: usize): void {
  for (const end = to + bytes; to < end; to += PANEL_BYTES) {
    for (let j: usize = 0; j < columns << 2; j += 4) store<f32>(to + j, load<f32>(from + j));
    from += stride;
  }
}

/** Packs Bᵀ where B[n,k] is row-major with stride ldb, as weights [outputs, inputs] are; `first` and `width` as above. */
export function packRows(
  packed: usize,
  b: usize,
  ldb: Count,
  k: Count,
  n: Count,
  form: Form,
  first: Count,
  width: Count,
): void {
  if (width == 0) width = n;
  const stride = ldb << 2;
  for (let k0: usize = 0; k0 < k; k0 += BLOCK_DEPTH) {
    const depth = min(BLOCK_DEPTH, k - k0);
    const from = b + (k0 << 2);
    if (isInt16(form)) {
      packRowsOfB16(packed + (first / TILE_COLUMNS) * panelBytes<i16>(depth), from, stride, depth, n);
      packed += blockBytes<i16>(width, depth);
    } else {
      packRowsOfB(packed + (first / TILE_COLUMNS) * panelBytes<f32>(depth), from, stride, depth, n);
      packed += blockBytes<f32>(width, depth);
    }
  }
}

/** One block of the depth. */
function packRowsOfB(packed: usize, from: usize, stride: usize, depth: usize, n: usize): void {
  const last = n - 1;
  for (let j: usize = 0; j < n; j += TILE_COLUMNS) {
    for (let q: usize = 0; q < TILE_COLUMNS; q += 4) {
      const r0 = from + min(j + q, last) * stride;
      const r1 = from + min(j + q + 1, last) * stride;
      const r2 = from + min(j + q + 2, last) * stride;
      const r3 = from + min(j + q + 3, last) * stride;
      transposeFour(packed + (q << 2), r0, r1, r2, r3, depth);
    }
    packed += depth * PANEL_BYTES;
  }
}

/** Four rows become four columns of a panel. */
function transposeFour(to: usize, r0: usize, r1: usize, r2: usize, r3: usize, depth: usize): void {
  const whole = r0 + ((depth & ~3) << 2);
  const end = r0 + (depth << 2);
  while (r0 < whole) {
    const a = v128.load(r0);
    const b = v128.load(r1);
    const c = v128.load(r2);
    const d = v128.load(r3);
    const ab = v128.shuffle<f32>(a, b, 0, 4, 1, 5);
    const cd = v128.shuffle<f32>(c, d, 0, 4, 1, 5);
    const AB = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
    const CD = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
    v128.store(to, v128.shuffle<f32>(ab, cd, 0, 1, 4, 5));
    v128.store(to, v128.shuffle<f32>(ab, cd, 2, 3, 6, 7), PANEL_BYTES);
    v128.store(to, v128.shuffle<f32>(AB, CD, 0, 1, 4, 5), 2 * PANEL_BYTES);
    v128.store(to, v128.shuffle<f32>(AB, CD, 2, 3, 6, 7), 3 * PANEL_BYTES);
    to += 4 * PANEL_BYTES;
    r0 += 16;
    r1 += 16;
    r2 += 16;
    r3 += 16;
  }
  while (r0 < end) {
    store<f32>(to, load<f32>(r0));
    store<f32>(to, load<f32>(r1), 4);
    store<f32>(to, load<f32>(r2), 8);
    store<f32>(to, load<f32>(r3), 12);
    to += PANEL_BYTES;
    r0 += 4;
    r1 += 4;
    r2 += 4;
    r3 += 4;
  }
}

/**
 * Reads a word of every cache line of a matrix, many at a time, so that the packing, whose stores leave room for
 * few reads in flight, finds it near. What was read goes where packing writes next, or it would be optimised away.
 */
function touch(to: usize, from: usize, stride: usize, rows: usize, bytes: usize): void {
  let seen: i32 = 0;
  for (let i: usize = 0; i < rows; i++) {
    for (let j: usize = 0; j < bytes; j += 64) seen |= load<i32>(from + j);
    from += stride;
  }
  store<i32>(to, seen);
}

/** Up to 40 rows of A in groups of five, [depth][5]; where a group is not full, its last row stands in for the rest. */
export function packRowsOfA(to: usize, from: usize, stride: usize, rows: usize, depth: usize): void {
  for (; rows > 0; to += depth * GROUP_BYTES) {
    const count = min(TILE_ROWS, rows);
    touch(to, from, stride, count, depth << 2);
    const last = (count - 1) * stride;
    for (let i: usize = 0; i < TILE_ROWS; i++) splatRow(to + i * 16, from + min(i * stride, last), depth);
    from += count * stride;
    rows -= count;
  }
}

function splatRow(to: usize, from: usize, depth: usize): void {
  const end = from + (depth << 2);
  for (const whole = from + ((depth & ~3) << 2); from < whole; from += 16) {
    const x = v128.load(from);
    v128.store(to, v128.shuffle<i32>(x, x, 0, 0, 0, 0));
    v128.store(to, v128.shuffle<i32>(x, x, 1, 1, 1, 1), GROUP_BYTES);
    v128.store(to, v128.shuffle<i32>(x, x, 2, 2, 2, 2), 2 * GROUP_BYTES);
    v128.store(to, v128.shuffle<i32>(x, x, 3, 3, 3, 3), 3 * GROUP_BYTES);
    to += 4 * GROUP_BYTES;
  }
  for (; from < end; from += 4) {
    v128.store(to, v128.load_splat<f32>(from));
    to += GROUP_BYTES;
  }
}

/** Up to 40 columns of A, whose rows are `stride` apart, in groups of five of the same form. */
export function packColumnsOfA(to: usize, from: usize, stride: usize, columns: usize, depth: usize): void {
  touch(to, from, stride, depth, columns << 2);
  for (let p: usize = 0; p < depth; p += SHORT_DEPTH)
    for (let i: usize = 0; i < columns; i += TILE_ROWS) {
      const at = to + (i * depth + p * TILE_ROWS) * 16;
      splatColumns(at, from + p * stride + (i << 2), stride, min(TILE_ROWS, columns - i), min(SHORT_DEPTH, depth - p));
    }
}

function splatColumns(to: usize, from: usize, stride: usize, columns: usize, depth: usize): void {
  const last = columns - 1;
  const c1 = min(1, last) << 2;
  const c2 = min(2, last) << 2;
  const c3 = min(3, last) << 2;
  const c4 = last << 2;
  for (const end = to + depth * GROUP_BYTES; to < end; to += GROUP_BYTES) {
    v128.store(to, v128.load_splat<f32>(from));
    v128.store(to, v128.load_splat<f32>(from + c1), 16);
    v128.store(to, v128.load_splat<f32>(from + c2), 32);
    v128.store(to, v128.load_splat<f32>(from + c3), 48);
    v128.store(to, v128.load_splat<f32>(from + c4), 64);
    from += stride;
  }
}
