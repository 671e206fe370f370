/**
 * Blocked matrix products on packed panels.
 *
 * C[m,n] (+)= A·B with B packed once into panels of 16 columns and used for many A, as recurrent weights are.
 * A is packed on the way in blocks of 96 rows. Each element of C is one chain of multiply, then add, over k
 * within blocks of 256, so neither the tile nor the split into rows can change a bit.
 *
 * Layouts: n = as the formula has it, t = stored transposed: nn is A[m,k]·B[k,n], nt is A[m,k]·B[n,k]ᵀ,
 * tn is A[k,m]ᵀ·B[k,n]; matrices are row-major, strides (lda, ldb, ldc) are in elements; m, n, k >= 1.
 *
 * Why the loops look odd: they are unrolled, yet ask after every step whether the end is reached. V8 orders the
 * instructions of a basic block as it likes: unrolled without a branch between the steps, it hoists the loads of
 * all of them, runs out of registers and spills accumulators (23 instead of 38 GFLOP/s on Node 20). A compare
 * and branch, fused, is one operation and pins the order, and makes a tail loop needless. Eight accumulators
 * leave room for the products; twelve spill. A's pointer moves at every step, since V8 11 spends an instruction
 * on the offset of a `load_splat`, B's once a round, since the offset of a `v128.load` is free.
 */
import { BLOCK_DEPTH, PANEL_BYTES, TILE_COLUMNS, copyEdge, panelsWidth, rowTimesPanels } from "./panels";

const TILE_ROWS: usize = 2;
/** Rows of A packed at a time: 96 × 256 floats, 96 kB, stay in the second-level cache. */
const BLOCK_ROWS: usize = 96;

/** Floats that B[k,n] occupies when packed. */
export function packedSize(n: usize, k: usize): usize {
  return panelsWidth(n) * k;
}

/** Bytes of scratch that `gemm` needs: a packed block of A and two panel widths for the edges. */
export function gemmScratchSize(): usize {
  return (BLOCK_ROWS * BLOCK_DEPTH + TILE_ROWS * TILE_COLUMNS) << 2;
}

/**
 * Packs B[k,n], row-major with stride ldb. Columns past n are whatever follows in memory, up to 60 bytes past
 * the end of B; they reach no output.
 */
export function packColumns(packed: usize, b: usize, ldb: usize, k: usize, n: usize): void {
  const stride = ldb << 2;
  for (let k0: usize = 0; k0 < k; k0 += BLOCK_DEPTH) {
    const depth = min(BLOCK_DEPTH, k - k0);
    for (let j: usize = 0; j < n; j += TILE_COLUMNS) {
      let from = b + k0 * stride + (j << 2);
      const end = packed + depth * PANEL_BYTES;
      while (packed < end) {
        v128.store(packed, v128.load(from));
        v128.store(packed, v128.load(from, 16), 16);
        v128.store(packed, v128.load(from, 32), 32);
        v128.store(packed, v128.load(from, 48), 48);
        packed += PANEL_BYTES;
        from += stride;
      }
    }
  }
}

/** Packs Bᵀ where B[n,k] is row-major with stride ldb, as weights [outputs, inputs] are. */
export function packRows(packed: usize, b: usize, ldb: usize, k: usize, n: usize): void {
  const stride = ldb << 2;
  for (let k0: usize = 0; k0 < k; k0 += BLOCK_DEPTH) {
    const depth = min(BLOCK_DEPTH, k - k0);
    for (let j: usize = 0; j < n; j += TILE_COLUMNS) {
      for (let q: usize = 0; q < TILE_COLUMNS; q += 4) {
        const last = n - 1;
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
    v128.store(to, v128.shuffle<f32>(ab, cd, 2, 3, 6, 7), 64);
    v128.store(to, v128.shuffle<f32>(AB, CD, 0, 1, 4, 5), 128);
    v128.store(to, v128.shuffle<f32>(AB, CD, 2, 3, 6, 7), 192);
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

/** Two rows of A interleaved, [depth][2]. */
function packTwoRows(to: usize, r0: usize, r1: usize, depth: usize): void {
  const whole = r0 + ((depth & ~3) << 2);
  const end = r0 + (depth << 2);
  while (r0 < whole) {
    const a = v128.load(r0);
    const b = v128.load(r1);
    v128.store(to, v128.shuffle<f32>(a, b, 0, 4, 1, 5));
    v128.store(to, v128.shuffle<f32>(a, b, 2, 6, 3, 7), 16);
    to += 32;
    r0 += 16;
    r1 += 16;
  }
  while (r0 < end) {
    store<f32>(to, load<f32>(r0));
    store<f32>(to, load<f32>(r1), 4);
    to += 8;
    r0 += 4;
    r1 += 4;
  }
}

/** Two columns of a row-major A, [depth][2]. */
function packTwoColumns(to: usize, from: usize, stride: usize, depth: usize): void {
  for (const end = to + (depth << 3); to < end; to += 8) {
    store<u64>(to, load<u64>(from));
    from += stride;
  }
}

/** One row or, where `step` is a row's length, one column of A. */
function packOne(to: usize, from: usize, step: usize, depth: usize): void {
  for (const end = to + (depth << 2); to < end; to += 4) {
    store<f32>(to, load<f32>(from));
    from += step;
  }
}

/** Packs A[rows, depth] in pairs of rows; an odd last row follows alone. */
function packBlock(to: usize, a: usize, stride: usize, rows: usize, depth: usize, transposed: bool): void {
  const across = transposed ? 4 : stride;
  for (let i: usize = 1; i < rows; i += TILE_ROWS) {
    if (transposed) packTwoColumns(to, a, stride, depth);
    else packTwoRows(to, a, a + stride, depth);
    a += across << 1;
    to += depth << 3;
  }
  if (rows & 1) packOne(to, a, transposed ? stride : 4, depth);
}

/** C[2, columns ≤ 16] (+)= Ap[depth][2]ᵀ·Bp[depth][16]. */
function tile2x16(
  depth: usize,
  a: usize,
  b: usize,
  c: usize,
  stride: usize,
  columns: usize,
  accumulate: bool,
  edge: usize,
): void {
  let c00 = f32x4.splat(0),
    c01 = c00,
    c02 = c00,
    c03 = c00,
    c10 = c00,
    c11 = c00,
    c12 = c00,
    c13 = c00;
  const end = a + (depth << 3);
  let s: v128, b0: v128, b1: v128, b2: v128, b3: v128;
  while (true) {
    b0 = v128.load(b, 0);
    b1 = v128.load(b, 16);
    b2 = v128.load(b, 32);
    b3 = v128.load(b, 48);
    s = v128.load_splat<f32>(a);
    c00 = f32x4.add(c00, f32x4.mul(s, b0));
    c01 = f32x4.add(c01, f32x4.mul(s, b1));
    c02 = f32x4.add(c02, f32x4.mul(s, b2));
    c03 = f32x4.add(c03, f32x4.mul(s, b3));
    s = v128.load_splat<f32>(a, 4);
    c10 = f32x4.add(c10, f32x4.mul(s, b0));
    c11 = f32x4.add(c11, f32x4.mul(s, b1));
    c12 = f32x4.add(c12, f32x4.mul(s, b2));
    c13 = f32x4.add(c13, f32x4.mul(s, b3));
    a += 8;
    if (a == end) break;
    b0 = v128.load(b, 64);
    b1 = v128.load(b, 80);
    b2 = v128.load(b, 96);
    b3 = v128.load(b, 112);
    s = v128.load_splat<f32>(a);
    c00 = f32x4.add(c00, f32x4.mul(s, b0));
    c01 = f32x4.add(c01, f32x4.mul(s, b1));
    c02 = f32x4.add(c02, f32x4.mul(s, b2));
    c03 = f32x4.add(c03, f32x4.mul(s, b3));
    s = v128.load_splat<f32>(a, 4);
    c10 = f32x4.add(c10, f32x4.mul(s, b0));
    c11 = f32x4.add(c11, f32x4.mul(s, b1));
    c12 = f32x4.add(c12, f32x4.mul(s, b2));
    c13 = f32x4.add(c13, f32x4.mul(s, b3));
    a += 8;
    if (a == end) break;
    b0 = v128.load(b, 128);
    b1 = v128.load(b, 144);
    b2 = v128.load(b, 160);
    b3 = v128.load(b, 176);
    s = v128.load_splat<f32>(a);
    c00 = f32x4.add(c00, f32x4.mul(s, b0));
    c01 = f32x4.add(c01, f32x4.mul(s, b1));
    c02 = f32x4.add(c02, f32x4.mul(s, b2));
    c03 = f32x4.add(c03, f32x4.mul(s, b3));
    s = v128.load_splat<f32>(a, 4);
    c10 = f32x4.add(c10, f32x4.mul(s, b0));
    c11 = f32x4.add(c11, f32x4.mul(s, b1));
    c12 = f32x4.add(c12, f32x4.mul(s, b2));
    c13 = f32x4.add(c13, f32x4.mul(s, b3));
    a += 8;
    b += 3 * PANEL_BYTES;
    if (a == end) break;
  }
  const whole = columns == TILE_COLUMNS;
  const to = whole ? c : edge;
  const next = whole ? c + stride : edge + PANEL_BYTES;
  if (accumulate && whole) {
    c00 = f32x4.add(v128.load(to), c00);
    c01 = f32x4.add(v128.load(to, 16), c01);
    c02 = f32x4.add(v128.load(to, 32), c02);
    c03 = f32x4.add(v128.load(to, 48), c03);
    c10 = f32x4.add(v128.load(next), c10);
    c11 = f32x4.add(v128.load(next, 16), c11);
    c12 = f32x4.add(v128.load(next, 32), c12);
    c13 = f32x4.add(v128.load(next, 48), c13);
  }
  v128.store(to, c00);
  v128.store(to, c01, 16);
  v128.store(to, c02, 32);
  v128.store(to, c03, 48);
  v128.store(next, c10);
  v128.store(next, c11, 16);
  v128.store(next, c12, 32);
  v128.store(next, c13, 48);
  if (!whole) {
    copyEdge(c, edge, columns, accumulate);
    copyEdge(c + stride, next, columns, accumulate);
  }
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
  const aStride = lda << 2;
  const cStride = ldc << 2;
  const edge = scratch + ((BLOCK_ROWS * BLOCK_DEPTH) << 2);
  for (let k0: usize = 0; k0 < k; k0 += BLOCK_DEPTH) {
    const depth = min(BLOCK_DEPTH, k - k0);
    const adding = accumulate || k0 > 0;
    for (let i0: usize = 0; i0 < m; i0 += BLOCK_ROWS) {
      const rows = min(BLOCK_ROWS, m - i0);
      const block = transposed ? a + k0 * aStride + (i0 << 2) : a + i0 * aStride + (k0 << 2);
      packBlock(scratch, block, aStride, rows, depth, transposed);
      const to = c + i0 * cStride;
      const pairs = scratch + (rows >> 1) * (depth << 3);
      let panel = packedB;
      for (let j: usize = 0; j < n; j += TILE_COLUMNS) {
        const columns = min(TILE_COLUMNS, n - j);
        let cp = to + (j << 2);
        for (let ap = scratch; ap < pairs; ap += depth << 3) {
          tile2x16(depth, ap, panel, cp, cStride, columns, adding, edge);
          cp += cStride << 1;
        }
        panel += depth * PANEL_BYTES;
      }
      if (rows & 1) rowTimesPanels(n, depth, pairs, packedB, to + (rows - 1) * cStride, adding, edge);
    }
    packedB += depth * (panelsWidth(n) << 2);
  }
}
