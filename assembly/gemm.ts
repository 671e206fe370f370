/**
 * Blocked matrix products on packed panels.
 *
 * C[m,n] (+)= A·B with B packed once into panels of 20 columns and used for many A, as recurrent weights are.
 * A is packed on the way in blocks of 48 rows. Each element of C is one chain of multiply, then add, over k
 * within blocks of 256, so neither the tile nor the split into rows can change a bit.
 *
 * Layouts: n = as the formula has it, t = stored transposed: nn is A[m,k]·B[k,n], nt is A[m,k]·B[n,k]ᵀ,
 * tn is A[k,m]ᵀ·B[k,n]; matrices are row-major, strides (lda, ldb, ldc) are in elements; m, n, k >= 1.
 *
 * Why tile2x20 looks odd. V8 orders the instructions of a basic block as it likes, and puts loads first: an
 * unrolled body runs out of its fifteen registers and spills accumulators, which halves the speed. So branches
 * that are never taken, each a fused compare and jump of one operation, cut every step into blocks that need no
 * more than fifteen: ten accumulators, two factors, two columns and a product. They compare with numbers that
 * differ, since the second of two equal tests would be dropped, and the last of a step asks for the end, so that
 * no tail loop is needed. The factors are stored four times over: `load_splat` costs V8 11 an instruction for
 * its offset and JavaScriptCore a shuffle, while copying is one part in n of the work.
 */
import { BLOCK_DEPTH, PANEL_BYTES, TILE_COLUMNS, copyEdge, panelsWidth, rowTimesPanels, storeRow } from "./panels";

const TILE_ROWS: usize = 2;
/** Bytes of a pair of factors, four times each. */
const PAIR_BYTES: usize = 32;
/** Rows of A packed at a time: 48 × 256 floats, four times each, 192 kB, stay in the second-level cache. */
const BLOCK_ROWS: usize = 48;
/** Steps of the depth for which all pairs are packed before the next. */
const PACK_DEPTH: usize = 16;
const BLOCK_BYTES: usize = (BLOCK_ROWS / TILE_ROWS) * BLOCK_DEPTH * PAIR_BYTES;

/** Floats that B[k,n] occupies when packed. */
export function packedSize(n: usize, k: usize): usize {
  return panelsWidth(n) * k;
}

/** Bytes of scratch that `gemm` needs: a packed block of A and two panel widths for the edges. */
export function gemmScratchSize(): usize {
  return BLOCK_BYTES + TILE_ROWS * PANEL_BYTES;
}

/** Packs B[k,n], row-major with stride ldb. */
export function packColumns(packed: usize, b: usize, ldb: usize, k: usize, n: usize): void {
  const stride = ldb << 2;
  for (let k0: usize = 0; k0 < k; k0 += BLOCK_DEPTH) {
    const depth = min(BLOCK_DEPTH, k - k0);
    for (let j: usize = 0; j < n; j += TILE_COLUMNS) {
      const columns = min(TILE_COLUMNS, n - j);
      let from = b + k0 * stride + (j << 2);
      for (const end = packed + depth * PANEL_BYTES; packed < end; packed += PANEL_BYTES) {
        if (columns == TILE_COLUMNS) {
          v128.store(packed, v128.load(from));
          v128.store(packed, v128.load(from, 16), 16);
          v128.store(packed, v128.load(from, 32), 32);
          v128.store(packed, v128.load(from, 48), 48);
          v128.store(packed, v128.load(from, 64), 64);
        } else copyEdge(packed, from, columns, false);
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
    v128.store(to, v128.shuffle<f32>(ab, cd, 2, 3, 6, 7), 80);
    v128.store(to, v128.shuffle<f32>(AB, CD, 0, 1, 4, 5), 160);
    v128.store(to, v128.shuffle<f32>(AB, CD, 2, 3, 6, 7), 240);
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

/** Two rows of A or, where `step` is a row's length, two columns: [depth][2], each float four times over. */
function packTwo(to: usize, r0: usize, r1: usize, step: usize, depth: usize): void {
  for (const end = to + depth * PAIR_BYTES; to < end; to += PAIR_BYTES) {
    v128.store(to, v128.load_splat<f32>(r0));
    v128.store(to, v128.load_splat<f32>(r1), 16);
    r0 += step;
    r1 += step;
  }
}

/** One row or one column of A, plain. */
function packOne(to: usize, from: usize, step: usize, depth: usize): void {
  for (const end = to + (depth << 2); to < end; to += 4) {
    store<f32>(to, load<f32>(from));
    from += step;
  }
}

/**
 * Packs A[rows, depth] in pairs of rows; an odd last row follows alone. Sixteen steps of the depth at a time: a
 * transposed A is read by short columns, whose cache lines the next pairs find again.
 */
function packBlock(to: usize, a: usize, stride: usize, rows: usize, depth: usize, transposed: bool): void {
  const across = transposed ? 4 : stride;
  const along = transposed ? stride : 4;
  const pairs = rows >> 1;
  for (let p: usize = 0; p < depth; p += PACK_DEPTH) {
    let from = a + p * along;
    let at = to + p * PAIR_BYTES;
    for (let i: usize = 0; i < pairs; i++) {
      packTwo(at, from, from + across, along, min(PACK_DEPTH, depth - p));
      from += across << 1;
      at += depth * PAIR_BYTES;
    }
  }
  if (rows & 1) packOne(to + pairs * depth * PAIR_BYTES, a + (rows - 1) * across, along, depth);
}

/** C[2, columns ≤ 20] (+)= Ap[depth][2]ᵀ·Bp[depth][20]. */
function tile2x20(
  depth: usize,
  a: usize,
  panel: usize,
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
    c04 = c00,
    c10 = c00,
    c11 = c00,
    c12 = c00,
    c13 = c00,
    c14 = c00;
  const end = a + depth * PAIR_BYTES;
  let s0: v128, s1: v128, b: v128;
  while (true) {
    s0 = v128.load(a, 0);
    s1 = v128.load(a, 16);
    b = v128.load(panel, 0);
    c00 = f32x4.add(c00, f32x4.mul(s0, b));
    c10 = f32x4.add(c10, f32x4.mul(s1, b));
    b = v128.load(panel, 16);
    c01 = f32x4.add(c01, f32x4.mul(s0, b));
    c11 = f32x4.add(c11, f32x4.mul(s1, b));
    if (columns == 31) break;
    b = v128.load(panel, 32);
    c02 = f32x4.add(c02, f32x4.mul(s0, b));
    c12 = f32x4.add(c12, f32x4.mul(s1, b));
    b = v128.load(panel, 48);
    c03 = f32x4.add(c03, f32x4.mul(s0, b));
    c13 = f32x4.add(c13, f32x4.mul(s1, b));
    if (columns == 32) break;
    b = v128.load(panel, 64);
    c04 = f32x4.add(c04, f32x4.mul(s0, b));
    c14 = f32x4.add(c14, f32x4.mul(s1, b));
    a += PAIR_BYTES;
    if (a == end) break;
    s0 = v128.load(a, 0);
    s1 = v128.load(a, 16);
    b = v128.load(panel, 80);
    c00 = f32x4.add(c00, f32x4.mul(s0, b));
    c10 = f32x4.add(c10, f32x4.mul(s1, b));
    b = v128.load(panel, 96);
    c01 = f32x4.add(c01, f32x4.mul(s0, b));
    c11 = f32x4.add(c11, f32x4.mul(s1, b));
    if (columns == 33) break;
    b = v128.load(panel, 112);
    c02 = f32x4.add(c02, f32x4.mul(s0, b));
    c12 = f32x4.add(c12, f32x4.mul(s1, b));
    b = v128.load(panel, 128);
    c03 = f32x4.add(c03, f32x4.mul(s0, b));
    c13 = f32x4.add(c13, f32x4.mul(s1, b));
    if (columns == 34) break;
    b = v128.load(panel, 144);
    c04 = f32x4.add(c04, f32x4.mul(s0, b));
    c14 = f32x4.add(c14, f32x4.mul(s1, b));
    a += PAIR_BYTES;
    if (a == end) break;
    s0 = v128.load(a, 0);
    s1 = v128.load(a, 16);
    b = v128.load(panel, 160);
    c00 = f32x4.add(c00, f32x4.mul(s0, b));
    c10 = f32x4.add(c10, f32x4.mul(s1, b));
    b = v128.load(panel, 176);
    c01 = f32x4.add(c01, f32x4.mul(s0, b));
    c11 = f32x4.add(c11, f32x4.mul(s1, b));
    if (columns == 35) break;
    b = v128.load(panel, 192);
    c02 = f32x4.add(c02, f32x4.mul(s0, b));
    c12 = f32x4.add(c12, f32x4.mul(s1, b));
    b = v128.load(panel, 208);
    c03 = f32x4.add(c03, f32x4.mul(s0, b));
    c13 = f32x4.add(c13, f32x4.mul(s1, b));
    if (columns == 36) break;
    b = v128.load(panel, 224);
    c04 = f32x4.add(c04, f32x4.mul(s0, b));
    c14 = f32x4.add(c14, f32x4.mul(s1, b));
    a += PAIR_BYTES;
    if (a == end) break;
    s0 = v128.load(a, 0);
    s1 = v128.load(a, 16);
    b = v128.load(panel, 240);
    c00 = f32x4.add(c00, f32x4.mul(s0, b));
    c10 = f32x4.add(c10, f32x4.mul(s1, b));
    b = v128.load(panel, 256);
    c01 = f32x4.add(c01, f32x4.mul(s0, b));
    c11 = f32x4.add(c11, f32x4.mul(s1, b));
    if (columns == 37) break;
    b = v128.load(panel, 272);
    c02 = f32x4.add(c02, f32x4.mul(s0, b));
    c12 = f32x4.add(c12, f32x4.mul(s1, b));
    b = v128.load(panel, 288);
    c03 = f32x4.add(c03, f32x4.mul(s0, b));
    c13 = f32x4.add(c13, f32x4.mul(s1, b));
    if (columns == 38) break;
    b = v128.load(panel, 304);
    c04 = f32x4.add(c04, f32x4.mul(s0, b));
    c14 = f32x4.add(c14, f32x4.mul(s1, b));
    a += PAIR_BYTES;
    panel += 4 * PANEL_BYTES;
    if (a == end) break;
  }
  const whole = columns == TILE_COLUMNS;
  const adding = accumulate && whole;
  const next = c + stride;
  storeRow(whole ? c : edge, c00, c01, c02, c03, c04, adding);
  storeRow(whole ? next : edge + PANEL_BYTES, c10, c11, c12, c13, c14, adding);
  if (!whole) {
    copyEdge(c, edge, columns, accumulate);
    copyEdge(next, edge + PANEL_BYTES, columns, accumulate);
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
  const edge = scratch + BLOCK_BYTES;
  for (let k0: usize = 0; k0 < k; k0 += BLOCK_DEPTH) {
    const depth = min(BLOCK_DEPTH, k - k0);
    const adding = accumulate || k0 > 0;
    for (let i0: usize = 0; i0 < m; i0 += BLOCK_ROWS) {
      const rows = min(BLOCK_ROWS, m - i0);
      const block = transposed ? a + k0 * aStride + (i0 << 2) : a + i0 * aStride + (k0 << 2);
      packBlock(scratch, block, aStride, rows, depth, transposed);
      const to = c + i0 * cStride;
      const pairs = scratch + (rows >> 1) * depth * PAIR_BYTES;
      let panel = packedB;
      for (let j: usize = 0; j < n; j += TILE_COLUMNS) {
        const columns = min(TILE_COLUMNS, n - j);
        let cp = to + (j << 2);
        for (let ap = scratch; ap < pairs; ap += depth * PAIR_BYTES) {
          tile2x20(depth, ap, panel, cp, cStride, columns, adding, edge);
          cp += cStride << 1;
        }
        panel += depth * PANEL_BYTES;
      }
      if (rows & 1) rowTimesPanels(n, depth, pairs, packedB, to + (rows - 1) * cStride, adding, edge);
    }
    packedB += depth * (panelsWidth(n) << 2);
  }
}

/**
 * The machine's multiply-then-add peak: `n` rounds of twelve chains, 96 operations a round, on numbers at `at`
 * (two floats; the 16 bytes at `at` + 16 receive the sum). Twelve chains of two dependent operations are what two
 * multipliers and two adders of three cycles each can hold.
 */
export function multiplyAddPeak(n: usize, at: usize): void {
  const s = v128.load_splat<f32>(at);
  const t = v128.load_splat<f32>(at, 4);
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
  while (n > 0) {
    c0 = f32x4.add(f32x4.mul(c0, s), t);
    c1 = f32x4.add(f32x4.mul(c1, s), t);
    c2 = f32x4.add(f32x4.mul(c2, s), t);
    c3 = f32x4.add(f32x4.mul(c3, s), t);
    c4 = f32x4.add(f32x4.mul(c4, s), t);
    c5 = f32x4.add(f32x4.mul(c5, s), t);
    c6 = f32x4.add(f32x4.mul(c6, s), t);
    c7 = f32x4.add(f32x4.mul(c7, s), t);
    c8 = f32x4.add(f32x4.mul(c8, s), t);
    c9 = f32x4.add(f32x4.mul(c9, s), t);
    c10 = f32x4.add(f32x4.mul(c10, s), t);
    c11 = f32x4.add(f32x4.mul(c11, s), t);
    n--;
  }
  c0 = f32x4.add(c0, c6);
  c1 = f32x4.add(c1, c7);
  c2 = f32x4.add(c2, c8);
  c3 = f32x4.add(c3, c9);
  c4 = f32x4.add(c4, c10);
  c5 = f32x4.add(c5, c11);
  c0 = f32x4.add(c0, c3);
  c1 = f32x4.add(c1, c4);
  c2 = f32x4.add(c2, c5);
  v128.store(at, f32x4.add(f32x4.add(c0, c1), c2), 16);
}
