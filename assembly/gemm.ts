/**
 * Blocked matrix products on packed panels.
 *
 * C[m,n] (+)= A·B with B packed once into panels of 8 columns and used for many A, as recurrent weights are. A is
 * packed on the way, at most forty rows at a time. Each element of C is one chain of multiply, then add, over k
 * within blocks of 256, so that neither the tile nor a split into rows or columns can change a bit. Columns may be
 * split where panels are: column j, a multiple of 8, of a block of the depth begins j / 8 panels after the block.
 *
 * T is what A and B are packed as: f32, or i16, integers with a step for every row and column (packing16.ts).
 *
 * Layouts: n = as the formula has it, t = stored transposed: nn is A[m,k]·B[k,n], nt is A[m,k]·B[n,k]ᵀ,
 * tn is A[k,m]ᵀ·B[k,n]; matrices are row-major, strides (lda, ldb, ldc) are in elements; m, n, k >= 1.
 */
import { Count, Form, isInt16 } from "./types";
import { packColumnsOfA, packRowsOfA } from "./packing";
import { tile2x16 } from "./fewRows";
import { packColumnsOfA16, packRowsOfA16 } from "./packing16";
import {
  BLOCK_DEPTH,
  blockBytes,
  PANEL_BYTES,
  panelBytes,
  rowTimesPanels,
  stepsOf,
  storeColumns,
  TILE_COLUMNS,
} from "./panels";
import {
  GROUP_BYTES,
  groupBytes,
  isWide,
  TILE_ROWS,
  tile5x16,
  tile5x8,
  tile5x8Wide,
} from "./tile";

/** A packed group of five rows, 20 kB: it stays in the first-level cache. */
const GROUP_SIZE: usize = BLOCK_DEPTH * GROUP_BYTES;
/** Columns that all packed rows meet before the next: 256 × 512 floats of B, 512 kB, fit the second-level cache. */
const BLOCK_COLUMNS: usize = 512;
/**
 * Rows that are packed at a time where that is done once for several blocks of columns, or where A is transposed:
 * two or three cache lines of each of its rows. Else five, which the tiles find in the first-level cache.
 */
const SHORT_ROWS: usize = 40;

/** Words of 32 bits that B[k,n] occupies when packed. */
export function packedSize(n: Count, k: Count, form: Form): Count {
  return isInt16(form) ? wordsOf<i16>(n, k) : wordsOf<f32>(n, k);
}

function wordsOf<T>(n: usize, k: usize): usize {
  const left = k % BLOCK_DEPTH;
  const whole = (k / BLOCK_DEPTH) * blockBytes<T>(n, BLOCK_DEPTH);
  return (whole + (left ? blockBytes<T>(n, left) : 0)) >> 2;
}

/** Depth of a block of panels: what comes after lies behind, so that work can be cut at its multiples. */
export function blockDepth(): Count {
  return BLOCK_DEPTH;
}

/** Columns of a panel. */
export function panelColumns(): Count {
  return TILE_COLUMNS;
}

/** What the wide tiles keep their sums in. */
const EDGE_BYTES: usize = 2 * TILE_ROWS * PANEL_BYTES;

/** Bytes of scratch that products need: packed groups of rows, and twice a tile of sixteen columns for C's edges. */
export function gemmScratchSize(): Count {
  return GROUP_SIZE * (SHORT_ROWS / TILE_ROWS) + 2 * EDGE_BYTES;
}

/**
 * C[m,n] (+)= A·B, B packed by `packColumns` or `packRows` in the same form.
 * A is [m,k] with stride lda, or [k,m] where `transposed`; `scratch` holds `gemmScratchSize()` bytes. The columns are
 * those from `first`, a multiple of 8, of a packed B that has `width` of them; 0 for one that has n.
 */
export function gemm(
  m: Count,
  n: Count,
  k: Count,
  a: usize,
  lda: Count,
  transposed: bool,
  packedB: usize,
  c: usize,
  ldc: Count,
  accumulate: bool,
  scratch: usize,
  form: Form,
  first: Count,
  width: Count,
): void {
  if (width == 0) width = n;
  if (isInt16(form)) multiply<i16>(m, n, k, a, lda, transposed, packedB, c, ldc, accumulate, scratch, first, width);
  else multiply<f32>(m, n, k, a, lda, transposed, packedB, c, ldc, accumulate, scratch, first, width);
}

/** What both forms share; T is what A and B are packed as. */
function multiply<T>(
  m: usize,
  n: usize,
  k: usize,
  a: usize,
  lda: usize,
  transposed: bool,
  packedB: usize,
  c: usize,
  ldc: usize,
  accumulate: bool,
  scratch: usize,
  first: usize,
  width: usize,
): void {
  const across: usize = transposed ? 4 : lda << 2;
  const along: usize = transposed ? lda << 2 : 4;
  const stride = ldc << 2;
  const step = transposed || n > BLOCK_COLUMNS ? SHORT_ROWS : TILE_ROWS;
  // One or two rows of floats left over are cheaper by themselves than as a tile of five.
  const left = m % TILE_ROWS;
  const tiled = !isFloat<T>() || transposed || left > 2 ? m : m - left;
  for (let k0: usize = 0; k0 < k; k0 += BLOCK_DEPTH) {
    const depth = min(BLOCK_DEPTH, k - k0);
    const adding = accumulate || k0 > 0;
    const from = a + k0 * along;
    const panels = packedB + (first / TILE_COLUMNS) * panelBytes<T>(depth);
    for (let i: usize = 0; i < tiled; i += step) {
      const count = min(step, tiled - i);
      if (transposed) packColumnsFor<T>(scratch, from + (i << 2), along, count, depth);
      else packRowsFor<T>(scratch, from + i * across, across, count, depth);
      groupsTimesPanels<T>(count, n, depth, scratch, panels, c + i * stride, stride, adding);
    }
    if (isFloat<T>())
      for (let i = tiled; i < m; i++)
        rowTimesPanels(n, depth, from + i * across, panels, c + i * stride, adding);
    packedB += blockBytes<T>(width, depth);
  }
}

// @ts-ignore: decorator
@inline
function packRowsFor<T>(to: usize, from: usize, stride: usize, rows: usize, depth: usize): void {
  if (isFloat<T>()) packRowsOfA(to, from, stride, rows, depth);
  else packRowsOfA16(to, from, stride, rows, depth);
}

// @ts-ignore: decorator
@inline
function packColumnsFor<T>(to: usize, from: usize, stride: usize, columns: usize, depth: usize): void {
  if (isFloat<T>()) packColumnsOfA(to, from, stride, columns, depth);
  else packColumnsOfA16(to, from, stride, columns, depth);
}

/**
 * C[m,n] = Aᵀ·B and C2[m,n2] = Aᵀ·B2 of one A[k,m], which is packed once: what gradients of a layer's weights have in
 * common is the gradient of its gates.
 */
export function gemmPair(
  m: Count,
  k: Count,
  a: usize,
  lda: Count,
  n: Count,
  packedB: usize,
  c: usize,
  ldc: Count,
  n2: Count,
  packedB2: usize,
  c2: usize,
  ldc2: Count,
  scratch: usize,
  form: Form,
): void {
  if (isInt16(form)) multiplyPair<i16>(m, k, a, lda, n, packedB, c, ldc, n2, packedB2, c2, ldc2, scratch);
  else multiplyPair<f32>(m, k, a, lda, n, packedB, c, ldc, n2, packedB2, c2, ldc2, scratch);
}

function multiplyPair<T>(
  m: usize,
  k: usize,
  a: usize,
  lda: usize,
  n: usize,
  packedB: usize,
  c: usize,
  ldc: usize,
  n2: usize,
  packedB2: usize,
  c2: usize,
  ldc2: usize,
  scratch: usize,
): void {
  const along = lda << 2;
  const stride = ldc << 2;
  const stride2 = ldc2 << 2;
  for (let k0: usize = 0; k0 < k; k0 += BLOCK_DEPTH) {
    const depth = min(BLOCK_DEPTH, k - k0);
    const from = a + k0 * along;
    for (let i: usize = 0; i < m; i += SHORT_ROWS) {
      const count = min(SHORT_ROWS, m - i);
      packColumnsFor<T>(scratch, from + (i << 2), along, count, depth);
      groupsTimesPanels<T>(count, n, depth, scratch, packedB, c + i * stride, stride, k0 > 0);
      groupsTimesPanels<T>(count, n2, depth, scratch, packedB2, c2 + i * stride2, stride2, k0 > 0);
    }
    packedB += blockBytes<T>(n, depth);
    packedB2 += blockBytes<T>(n2, depth);
  }
}

/** C[rows ≤ 40, n] (+)= packed groups · panels. */
function groupsTimesPanels<T>(
  rows: usize,
  n: usize,
  depth: usize,
  groups: usize,
  panels: usize,
  c: usize,
  stride: usize,
  accumulate: bool,
): void {
  const edge = groups + GROUP_SIZE * (SHORT_ROWS / TILE_ROWS);
  for (let j: usize = 0; j < n; j += BLOCK_COLUMNS) {
    const columns = min(BLOCK_COLUMNS, n - j);
    const block = panels + (j / TILE_COLUMNS) * panelBytes<T>(depth);
    let group = groups;
    for (let i: usize = 0; i < rows; i += TILE_ROWS, group += groupBytes<T>(depth)) {
      const to = c + i * stride + (j << 2);
      const count = min(TILE_ROWS, rows - i);
      if (isWide() || isFew<T>(count))
        wideTimesPanels<T>(count, columns, depth, group, block, to, stride, accumulate, edge);
      else rowsTimesPanels<T>(count, columns, depth, group, block, to, stride, accumulate, edge);
    }
  }
}

/** Integers of which half of a tile of five would be for nothing. */
// @ts-ignore: decorator
@inline
function isFew<T>(rows: usize): bool {
  return !isFloat<T>() && rows < 3;
}

/** C[rows ≤ 5, n] (+)= one packed group · panels. */
function rowsTimesPanels<T>(
  rows: usize,
  n: usize,
  depth: usize,
  group: usize,
  panel: usize,
  c: usize,
  stride: usize,
  accumulate: bool,
  edge: usize,
): void {
  const whole: usize = rows == TILE_ROWS ? n & ~(TILE_COLUMNS - 1) : 0;
  const bytes = panelBytes<T>(depth);
  const steps = stepsOf<T>(depth);
  let j: usize = 0;
  for (; j < whole; j += TILE_COLUMNS) {
    tile5x8<T>(steps, group, panel, c, stride, accumulate);
    panel += bytes;
    c += PANEL_BYTES;
  }
  for (; j < n; j += TILE_COLUMNS) {
    tile5x8<T>(steps, group, panel, edge, PANEL_BYTES, false);
    copyRows(c, stride, edge, PANEL_BYTES, rows, min(TILE_COLUMNS, n - j), accumulate);
    panel += bytes;
    c += PANEL_BYTES;
  }
}

/** The same by the tiles of sixteen columns, two panels at a time. */
function wideTimesPanels<T>(
  rows: usize,
  n: usize,
  depth: usize,
  group: usize,
  panel: usize,
  c: usize,
  stride: usize,
  accumulate: bool,
  edge: usize,
): void {
  const bytes = panelBytes<T>(depth);
  const steps = stepsOf<T>(depth);
  const spare = edge + EDGE_BYTES;
  let left: usize = rows == TILE_ROWS ? n : 0;
  for (; left >= 2 * TILE_COLUMNS; left -= 2 * TILE_COLUMNS, n -= 2 * TILE_COLUMNS) {
    tile5x16<T>(steps, group, panel, bytes, c, stride, accumulate, edge);
    panel += 2 * bytes;
    c += 2 * PANEL_BYTES;
  }
  // Whatever is not whole, by way of scratch. The last panel stands in for the one beside it, too, but for more rows of
  // integers, which have a tile of their own: they are what trains by default.
  for (; n > 0; n -= min(n, 2 * TILE_COLUMNS)) {
    const beside = n > TILE_COLUMNS ? bytes : 0;
    if (isFew<T>(rows)) tile2x16(steps, group, panel, beside, spare, edge);
    else if (isFloat<T>() || beside) tile5x16<T>(steps, group, panel, beside, spare, 2 * PANEL_BYTES, false, edge);
    else tile5x8Wide<T>(steps, group, panel, spare, 2 * PANEL_BYTES, false, edge);
    copyPanels(c, stride, spare, rows, n, accumulate);
    panel += 2 * bytes;
    c += 2 * PANEL_BYTES;
  }
}

/** Of two panels in scratch what lies inside of C. */
function copyPanels(c: usize, stride: usize, from: usize, rows: usize, columns: usize, accumulate: bool): void {
  const pitch = 2 * PANEL_BYTES;
  copyRows(c, stride, from, pitch, rows, min(TILE_COLUMNS, columns), accumulate);
  if (columns <= TILE_COLUMNS) return;
  const second = min(TILE_COLUMNS, columns - TILE_COLUMNS);
  copyRows(c + PANEL_BYTES, stride, from + PANEL_BYTES, pitch, rows, second, accumulate);
}

/** Brings what lies inside of C over from scratch, whose rows are `pitch` apart. */
function copyRows(
  c: usize,
  stride: usize,
  from: usize,
  pitch: usize,
  rows: usize,
  columns: usize,
  accumulate: bool,
): void {
  for (let i: usize = 0; i < rows; i++) {
    storeColumns(c, v128.load(from), v128.load(from, 16), columns, accumulate);
    c += stride;
    from += pitch;
  }
}
