/**
 * Blocked matrix products on packed panels.
 *
 * C[m,n] (+)= A·B with B packed once into panels of 8 columns and used for many A, as recurrent weights are. A is
 * packed on the way, five rows at a time, or forty columns where it is transposed. Each element of C is one chain of multiply, then add, over k within
 * blocks of 256, so that neither the tile nor a split into rows or columns can change a bit. Columns may be split
 * where panels are: columns j to j + w, j a multiple of 8, of a block of the depth d begin at packedB + 4 d j.
 *
 * Layouts: n = as the formula has it, t = stored transposed: nn is A[m,k]·B[k,n], nt is A[m,k]·B[n,k]ᵀ,
 * tn is A[k,m]ᵀ·B[k,n]; matrices are row-major, strides (lda, ldb, ldc) are in elements; m, n, k >= 1.
 *
 * Why tile5x8 looks odd. It has the order of operations that fills the machine, and everything that is needless
 * in it keeps an engine from another one:
 * - Two products, then their two sums: processors with two multipliers and two adders hand out operations in
 *   pairs, and with product, sum, product, sum one of each idles a fifth of the time. Optimisers undo that order,
 *   for a product that is used once is moved to its use. So each product has two uses: a sum takes it by a shuffle
 *   that selects all of it and nothing of the other, which engines drop.
 * - The V8 of Node 20 and 22 orders a basic block by its uses, and moves loads to the front where a later block
 *   loads: of fifteen registers ten hold sums, so that this spills. A branch after each step ends its block; that
 *   the branch comes together again with the way past it, and could have written to memory, keeps the loads of one
 *   step independent of those of the next; rows are taken last first, as they are emitted in reverse.
 * - The factors are stored four times over: `load_splat` costs the V8 of Node 20 an instruction for its offset and
 *   JavaScriptCore a shuffle, while copying is one part in n of the work.
 */
import {
  BLOCK_DEPTH,
  PANEL_BYTES,
  TILE_COLUMNS,
  multiplyAdd,
  panelsWidth,
  product,
  rowTimesPanels,
  storeColumns,
  storeRow,
  sum,
} from "./panels";

const TILE_ROWS: usize = 5;
/** Bytes of one step's five factors, four times each. */
const GROUP_BYTES: usize = TILE_ROWS * 16;
/** A packed group of rows, 20 kB: it stays in the first-level cache. */
const GROUP_SIZE: usize = BLOCK_DEPTH * GROUP_BYTES;
/** Columns that all rows meet before the next: 256 × 512 floats of B, 512 kB, stay in the second-level cache. */
const BLOCK_COLUMNS: usize = 512;
/** Columns of a transposed A that are packed at a time: two or three cache lines of each of its rows. */
const SHORT_COLUMNS: usize = 40;
/** Steps of the depth for which all of them are packed before the next: their lines stay in the nearest cache. */
const SHORT_DEPTH: usize = 8;

/** Floats that B[k,n] occupies when packed. */
export function packedSize(n: usize, k: usize): usize {
  return panelsWidth(n) * k;
}

/** Depth of a block of panels: what comes after lies behind, so that work can be cut at its multiples. */
export function blockDepth(): usize {
  return BLOCK_DEPTH;
}

/** Bytes of scratch that `gemm` needs: packed groups of rows, and a tile for C's edges. */
export function gemmScratchSize(): usize {
  return GROUP_SIZE * (SHORT_COLUMNS / TILE_ROWS) + TILE_ROWS * PANEL_BYTES;
}

/** Packs B[k,n], row-major with stride ldb. */
export function packColumns(packed: usize, b: usize, ldb: usize, k: usize, n: usize): void {
  const stride = ldb << 2;
  for (let k0: usize = 0; k0 < k; k0 += BLOCK_DEPTH) {
    const depth = min(BLOCK_DEPTH, k - k0);
    const bytes = depth * PANEL_BYTES;
    const from = b + k0 * stride;
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

/** Packs Bᵀ where B[n,k] is row-major with stride ldb, as weights [outputs, inputs] are. */
export function packRows(packed: usize, b: usize, ldb: usize, k: usize, n: usize): void {
  const stride = ldb << 2;
  const last = n - 1;
  for (let k0: usize = 0; k0 < k; k0 += BLOCK_DEPTH) {
    const depth = min(BLOCK_DEPTH, k - k0);
    for (let j: usize = 0; j < n; j += TILE_COLUMNS) {
      for (let q: usize = 0; q < TILE_COLUMNS; q += 4) {
        const r0 = b + min(j + q, last) * stride + (k0 << 2);
        const r1 = b + min(j + q + 1, last) * stride + (k0 << 2);
        const r2 = b + min(j + q + 2, last) * stride + (k0 << 2);
        const r3 = b + min(j + q + 3, last) * stride + (k0 << 2);
        transposeFour(packed + (q << 2), r0, r1, r2, r3, depth);
      }
      packed += depth * PANEL_BYTES;
    }
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

/**
 * Five rows of A, [depth][5], each float four times over; where there are fewer, the last stands in for the rest.
 */
function packRowsOfA(to: usize, from: usize, stride: usize, rows: usize, depth: usize): void {
  touch(to, from, stride, rows, depth << 2);
  const last = rows - 1;
  for (let i: usize = 0; i < TILE_ROWS; i++) splatRow(to + i * 16, from + min(i, last) * stride, depth);
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
function packColumnsOfA(to: usize, from: usize, stride: usize, columns: usize, depth: usize): void {
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

/** C[5,8] (+)= Ap[depth][5]ᵀ·Bp[depth][8]. */
function tile5x8(depth: usize, a: usize, panel: usize, c: usize, stride: usize, accumulate: bool): void {
  let c00 = f32x4.splat(0),
    c01 = c00,
    c10 = c00,
    c11 = c00,
    c20 = c00,
    c21 = c00,
    c30 = c00,
    c31 = c00,
    c40 = c00,
    c41 = c00;
  let left = depth;
  let s: v128, b0: v128, b1: v128, p: v128, q: v128;
  while (true) {
    b0 = v128.load(panel, 0);
    b1 = v128.load(panel, 16);
    s = v128.load(a, 64);
    p = product(s, b0);
    q = product(s, b1);
    c40 = sum(c40, p, q, s, b0);
    c41 = sum(c41, q, p, s, b1);
    s = v128.load(a, 48);
    p = product(s, b0);
    q = product(s, b1);
    c30 = sum(c30, p, q, s, b0);
    c31 = sum(c31, q, p, s, b1);
    s = v128.load(a, 32);
    p = product(s, b0);
    q = product(s, b1);
    c20 = sum(c20, p, q, s, b0);
    c21 = sum(c21, q, p, s, b1);
    s = v128.load(a, 16);
    p = product(s, b0);
    q = product(s, b1);
    c10 = sum(c10, p, q, s, b0);
    c11 = sum(c11, q, p, s, b1);
    s = v128.load(a, 0);
    p = product(s, b0);
    q = product(s, b1);
    c00 = sum(c00, p, q, s, b0);
    c01 = sum(c01, q, p, s, b1);
    if (left == 1) {
      if (stride > 0) break;
      store<i32>(c, 0);
    }
    b0 = v128.load(panel, 32);
    b1 = v128.load(panel, 48);
    s = v128.load(a, 144);
    p = product(s, b0);
    q = product(s, b1);
    c40 = sum(c40, p, q, s, b0);
    c41 = sum(c41, q, p, s, b1);
    s = v128.load(a, 128);
    p = product(s, b0);
    q = product(s, b1);
    c30 = sum(c30, p, q, s, b0);
    c31 = sum(c31, q, p, s, b1);
    s = v128.load(a, 112);
    p = product(s, b0);
    q = product(s, b1);
    c20 = sum(c20, p, q, s, b0);
    c21 = sum(c21, q, p, s, b1);
    s = v128.load(a, 96);
    p = product(s, b0);
    q = product(s, b1);
    c10 = sum(c10, p, q, s, b0);
    c11 = sum(c11, q, p, s, b1);
    s = v128.load(a, 80);
    p = product(s, b0);
    q = product(s, b1);
    c00 = sum(c00, p, q, s, b0);
    c01 = sum(c01, q, p, s, b1);
    if (left == 2) {
      if (stride > 0) break;
      store<i32>(c, 0);
    }
    b0 = v128.load(panel, 64);
    b1 = v128.load(panel, 80);
    s = v128.load(a, 224);
    p = product(s, b0);
    q = product(s, b1);
    c40 = sum(c40, p, q, s, b0);
    c41 = sum(c41, q, p, s, b1);
    s = v128.load(a, 208);
    p = product(s, b0);
    q = product(s, b1);
    c30 = sum(c30, p, q, s, b0);
    c31 = sum(c31, q, p, s, b1);
    s = v128.load(a, 192);
    p = product(s, b0);
    q = product(s, b1);
    c20 = sum(c20, p, q, s, b0);
    c21 = sum(c21, q, p, s, b1);
    s = v128.load(a, 176);
    p = product(s, b0);
    q = product(s, b1);
    c10 = sum(c10, p, q, s, b0);
    c11 = sum(c11, q, p, s, b1);
    s = v128.load(a, 160);
    p = product(s, b0);
    q = product(s, b1);
    c00 = sum(c00, p, q, s, b0);
    c01 = sum(c01, q, p, s, b1);
    if (left == 3) {
      if (stride > 0) break;
      store<i32>(c, 0);
    }
    b0 = v128.load(panel, 96);
    b1 = v128.load(panel, 112);
    s = v128.load(a, 304);
    p = product(s, b0);
    q = product(s, b1);
    c40 = sum(c40, p, q, s, b0);
    c41 = sum(c41, q, p, s, b1);
    s = v128.load(a, 288);
    p = product(s, b0);
    q = product(s, b1);
    c30 = sum(c30, p, q, s, b0);
    c31 = sum(c31, q, p, s, b1);
    s = v128.load(a, 272);
    p = product(s, b0);
    q = product(s, b1);
    c20 = sum(c20, p, q, s, b0);
    c21 = sum(c21, q, p, s, b1);
    s = v128.load(a, 256);
    p = product(s, b0);
    q = product(s, b1);
    c10 = sum(c10, p, q, s, b0);
    c11 = sum(c11, q, p, s, b1);
    s = v128.load(a, 240);
    p = product(s, b0);
    q = product(s, b1);
    c00 = sum(c00, p, q, s, b0);
    c01 = sum(c01, q, p, s, b1);
    left -= 4;
    if (left == 0) break;
    a += 320;
    panel += 128;
  }
  const r1 = c + stride;
  const r2 = r1 + stride;
  const r3 = r2 + stride;
  const r4 = r3 + stride;
  storeRow(c, c00, c01, accumulate);
  storeRow(r1, c10, c11, accumulate);
  storeRow(r2, c20, c21, accumulate);
  storeRow(r3, c30, c31, accumulate);
  storeRow(r4, c40, c41, accumulate);
}

/**
 * C[m,n] (+)= A·B, B packed by `packColumns` or `packRows`.
 * A is [m,k] with stride lda, or [k,m] where `transposed`; `scratch` holds `gemmScratchSize()` bytes.
 */
export function gemm(
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
): void {
  const across: usize = transposed ? 4 : lda << 2;
  const along: usize = transposed ? lda << 2 : 4;
  const stride = ldc << 2;
  const edge = scratch + GROUP_SIZE * (SHORT_COLUMNS / TILE_ROWS);
  const step = transposed ? SHORT_COLUMNS : TILE_ROWS;
  // One or two rows left over are cheaper by themselves than as a tile of five.
  const left = m % TILE_ROWS;
  const tiled = transposed || left > 2 ? m : m - left;
  for (let k0: usize = 0; k0 < k; k0 += BLOCK_DEPTH) {
    const depth = min(BLOCK_DEPTH, k - k0);
    const adding = accumulate || k0 > 0;
    const from = a + k0 * along;
    for (let j: usize = 0; j < n; j += BLOCK_COLUMNS) {
      const columns = min(BLOCK_COLUMNS, n - j);
      const panels = packedB + (depth << 2) * j;
      for (let i: usize = 0; i < tiled; i += step) {
        const count = min(step, tiled - i);
        if (transposed) packColumnsOfA(scratch, from + (i << 2), along, count, depth);
        else packRowsOfA(scratch, from + i * across, across, count, depth);
        for (let g: usize = 0; g < count; g += TILE_ROWS) {
          const group = scratch + g * depth * 16;
          const to = c + (i + g) * stride + (j << 2);
          rowsTimesPanels(min(TILE_ROWS, count - g), columns, depth, group, panels, to, stride, adding, edge);
        }
      }
    }
    for (let i = tiled; i < m; i++)
      rowTimesPanels(n, depth, from + i * across, packedB, c + i * stride, adding);
    packedB += depth * (panelsWidth(n) << 2);
  }
}

/** C[rows ≤ 5, n] (+)= one packed group · panels. */
function rowsTimesPanels(
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
  const bytes = depth * PANEL_BYTES;
  let j: usize = 0;
  for (; j < whole; j += TILE_COLUMNS) {
    tile5x8(depth, group, panel, c, stride, accumulate);
    panel += bytes;
    c += PANEL_BYTES;
  }
  for (; j < n; j += TILE_COLUMNS) {
    tile5x8(depth, group, panel, edge, PANEL_BYTES, false);
    copyRows(c, stride, edge, rows, min(TILE_COLUMNS, n - j), accumulate);
    panel += bytes;
    c += PANEL_BYTES;
  }
}

/** Brings what lies inside of C over from scratch. */
function copyRows(c: usize, stride: usize, edge: usize, rows: usize, columns: usize, accumulate: bool): void {
  for (let i: usize = 0; i < rows; i++) {
    storeColumns(c, v128.load(edge), v128.load(edge, 16), columns, accumulate);
    c += stride;
    edge += PANEL_BYTES;
  }
}

/**
 * The machine's peak, multiplications and additions: `n` rounds of seven chains of products beside seven of sums,
 * 56 operations a round; in the `relaxed` build twelve fused chains, 96 operations. Starts from two floats at `at`;
 * the 16 bytes at `at` + 16 receive the sum. Products and sums of chains of their own, the products first: chains
 * in which each sum waits for its product leave processors with two multipliers and two adders idle by turns.
 */
export function multiplyAddPeak(n: usize, at: usize): void {
  const s = v128.load_splat<f32>(at);
  const t = v128.load_splat<f32>(at, 4);
  v128.store(at, ASC_FEATURE_RELAXED_SIMD ? fusedChains(n, s, t) : chains(n, s, t), 16);
}

/** Operations of a round of `multiplyAddPeak`. */
export function peakOperations(): i32 {
  return ASC_FEATURE_RELAXED_SIMD ? 96 : 56;
}

function chains(n: usize, s: v128, t: v128): v128 {
  let a0 = s,
    a1 = s,
    a2 = s,
    a3 = s,
    a4 = s,
    a5 = s,
    a6 = s;
  let b0 = t,
    b1 = t,
    b2 = t,
    b3 = t,
    b4 = t,
    b5 = t,
    b6 = t;
  for (; n > 0; n--) {
    a0 = f32x4.mul(a0, s);
    a1 = f32x4.mul(a1, s);
    a2 = f32x4.mul(a2, s);
    a3 = f32x4.mul(a3, s);
    a4 = f32x4.mul(a4, s);
    a5 = f32x4.mul(a5, s);
    a6 = f32x4.mul(a6, s);
    b0 = f32x4.add(b0, s);
    b1 = f32x4.add(b1, s);
    b2 = f32x4.add(b2, s);
    b3 = f32x4.add(b3, s);
    b4 = f32x4.add(b4, s);
    b5 = f32x4.add(b5, s);
    b6 = f32x4.add(b6, s);
  }
  const products = f32x4.add(f32x4.add(f32x4.add(a0, a1), f32x4.add(a2, a3)), f32x4.add(f32x4.add(a4, a5), a6));
  const sums = f32x4.add(f32x4.add(f32x4.add(b0, b1), f32x4.add(b2, b3)), f32x4.add(f32x4.add(b4, b5), b6));
  return f32x4.add(products, sums);
}

function fusedChains(n: usize, s: v128, t: v128): v128 {
  let c0 = s,
    c1 = f32x4.add(c0, t),
    c2 = f32x4.add(c1, t),
    c3 = f32x4.add(c2, t),
    c4 = f32x4.add(c3, t),
    c5 = f32x4.add(c4, t),
    c6 = f32x4.add(c5, t),
    c7 = f32x4.add(c6, t),
    c8 = f32x4.add(c7, t),
    c9 = f32x4.add(c8, t),
    c10 = f32x4.add(c9, t),
    c11 = f32x4.add(c10, t);
  for (; n > 0; n--) {
    c0 = multiplyAdd(t, c0, s);
    c1 = multiplyAdd(t, c1, s);
    c2 = multiplyAdd(t, c2, s);
    c3 = multiplyAdd(t, c3, s);
    c4 = multiplyAdd(t, c4, s);
    c5 = multiplyAdd(t, c5, s);
    c6 = multiplyAdd(t, c6, s);
    c7 = multiplyAdd(t, c7, s);
    c8 = multiplyAdd(t, c8, s);
    c9 = multiplyAdd(t, c9, s);
    c10 = multiplyAdd(t, c10, s);
    c11 = multiplyAdd(t, c11, s);
  }
  c0 = f32x4.add(f32x4.add(c0, c6), f32x4.add(c1, c7));
  c2 = f32x4.add(f32x4.add(c2, c8), f32x4.add(c3, c9));
  c4 = f32x4.add(f32x4.add(c4, c10), f32x4.add(c5, c11));
  return f32x4.add(f32x4.add(c0, c2), c4);
}
