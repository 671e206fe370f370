/**
 * Blocked matrix products on packed panels.
 *
 * C[m,n] (+)= A·B with B packed once into panels of 12 columns and used for many A, as recurrent weights are.
 * A is packed on the way in blocks of 96 rows. A tile of 3 × 12 keeps nine accumulators, three columns and one
 * splat in registers on every engine; wider tiles spill. Each element of C is one chain of multiply, then add,
 * over k within blocks of 256, so neither the tile nor the split into rows can change a bit.
 *
 * Layouts: n = as the formula has it, t = stored transposed: nn is A[m,k]·B[k,n], nt is A[m,k]·B[n,k]ᵀ,
 * tn is A[k,m]ᵀ·B[k,n]; matrices are row-major, strides (lda, ldb, ldc) are in elements.
 */
const TILE_ROWS: usize = 3;
const TILE_COLUMNS: usize = 12;
/** Depth of one block: a panel of B (256 × 12 floats, 12 kB) stays in the first-level cache. */
const BLOCK_DEPTH: usize = 256;
/** Rows of A packed at a time: 96 × 256 floats, 96 kB, stay in the second-level cache. */
const BLOCK_ROWS: usize = 96;

/** Floats that B[k,n] occupies when packed. */
export function packedSize(n: usize, k: usize): usize {
  return ((n + TILE_COLUMNS - 1) / TILE_COLUMNS) * TILE_COLUMNS * k;
}

/** Bytes of scratch that `gemm` needs: a packed block of A, a tile for the edges, and room to overrun. */
export function gemmScratchSize(): usize {
  return (BLOCK_ROWS * BLOCK_DEPTH + TILE_ROWS * TILE_COLUMNS + 16) << 2;
}

/** Packs B[k,n], row-major with stride ldb. Columns past n are whatever follows in memory; they reach no output. */
export function packColumns(packed: usize, b: usize, ldb: usize, k: usize, n: usize): void {
  const stride = ldb << 2;
  for (let k0: usize = 0; k0 < k; k0 += BLOCK_DEPTH) {
    const depth = min(BLOCK_DEPTH, k - k0);
    for (let j: usize = 0; j < n; j += TILE_COLUMNS) {
      let from = b + k0 * stride + (j << 2);
      const end = packed + depth * (TILE_COLUMNS << 2);
      while (packed < end) {
        v128.store(packed, v128.load(from));
        v128.store(packed, v128.load(from, 16), 16);
        v128.store(packed, v128.load(from, 32), 32);
        packed += TILE_COLUMNS << 2;
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
      packed += depth * (TILE_COLUMNS << 2);
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
    v128.store(to, v128.shuffle<f32>(ab, cd, 2, 3, 6, 7), 48);
    v128.store(to, v128.shuffle<f32>(AB, CD, 0, 1, 4, 5), 96);
    v128.store(to, v128.shuffle<f32>(AB, CD, 2, 3, 6, 7), 144);
    to += 192;
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
    to += 48;
    r0 += 4;
    r1 += 4;
    r2 += 4;
    r3 += 4;
  }
}

/** Three rows of A interleaved, [depth][3]. */
function packThreeRows(to: usize, r0: usize, r1: usize, r2: usize, depth: usize): void {
  const whole = r0 + ((depth & ~3) << 2);
  const end = r0 + (depth << 2);
  while (r0 < whole) {
    const a = v128.load(r0);
    const b = v128.load(r1);
    const c = v128.load(r2);
    v128.store(to, v128.shuffle<f32>(v128.shuffle<f32>(a, b, 0, 4, 1, 5), c, 0, 1, 4, 2));
    v128.store(to, v128.shuffle<f32>(v128.shuffle<f32>(b, c, 1, 5, 2, 2), a, 0, 1, 6, 2), 16);
    v128.store(to, v128.shuffle<f32>(v128.shuffle<f32>(a, b, 3, 7, 3, 7), c, 6, 0, 1, 7), 32);
    to += 48;
    r0 += 16;
    r1 += 16;
    r2 += 16;
  }
  while (r0 < end) {
    store<f32>(to, load<f32>(r0));
    store<f32>(to, load<f32>(r1), 4);
    store<f32>(to, load<f32>(r2), 8);
    to += 12;
    r0 += 4;
    r1 += 4;
    r2 += 4;
  }
}

/** Three columns of a row-major A, [depth][3]: each 16-byte store is overrun by the next one, 12 bytes on. */
function packThreeColumns(to: usize, from: usize, stride: usize, depth: usize): void {
  const end = to + depth * 12;
  while (to < end) {
    v128.store(to, v128.load(from));
    to += 12;
    from += stride;
  }
}

/** Packs rows of A[rows, depth]; rows past the end repeat the last one, and reach no output. */
function packBlock(to: usize, a: usize, stride: usize, rows: usize, depth: usize, transposed: bool): void {
  for (let i: usize = 0; i < rows; i += TILE_ROWS) {
    if (transposed) {
      packThreeColumns(to, a + (i << 2), stride, depth);
    } else {
      const last = rows - 1;
      packThreeRows(to, a + i * stride, a + min(i + 1, last) * stride, a + min(i + 2, last) * stride, depth);
    }
    to += depth * 12;
  }
}

/** C[rows ≤ 3, columns ≤ 12] (+)= Ap[depth][3]ᵀ·Bp[depth][12]. */
function tile3x12(
  depth: usize,
  a: usize,
  b: usize,
  c: usize,
  stride: usize,
  rows: usize,
  columns: usize,
  accumulate: bool,
  edge: usize,
): void {
  let c00 = f32x4.splat(0),
    c01 = c00,
    c02 = c00;
  let c10 = c00,
    c11 = c00,
    c12 = c00;
  let c20 = c00,
    c21 = c00,
    c22 = c00;
  const whole = a + (depth & ~3) * 12;
  const end = a + depth * 12;
  while (a < whole) {
    {
      const b0 = v128.load(b, 0),
        b1 = v128.load(b, 16),
        b2 = v128.load(b, 32);
      let s = v128.load_splat<f32>(a, 0);
      c00 = f32x4.add(c00, f32x4.mul(s, b0));
      c01 = f32x4.add(c01, f32x4.mul(s, b1));
      c02 = f32x4.add(c02, f32x4.mul(s, b2));
      s = v128.load_splat<f32>(a, 4);
      c10 = f32x4.add(c10, f32x4.mul(s, b0));
      c11 = f32x4.add(c11, f32x4.mul(s, b1));
      c12 = f32x4.add(c12, f32x4.mul(s, b2));
      s = v128.load_splat<f32>(a, 8);
      c20 = f32x4.add(c20, f32x4.mul(s, b0));
      c21 = f32x4.add(c21, f32x4.mul(s, b1));
      c22 = f32x4.add(c22, f32x4.mul(s, b2));
    }
    {
      const b0 = v128.load(b, 48),
        b1 = v128.load(b, 64),
        b2 = v128.load(b, 80);
      let s = v128.load_splat<f32>(a, 12);
      c00 = f32x4.add(c00, f32x4.mul(s, b0));
      c01 = f32x4.add(c01, f32x4.mul(s, b1));
      c02 = f32x4.add(c02, f32x4.mul(s, b2));
      s = v128.load_splat<f32>(a, 16);
      c10 = f32x4.add(c10, f32x4.mul(s, b0));
      c11 = f32x4.add(c11, f32x4.mul(s, b1));
      c12 = f32x4.add(c12, f32x4.mul(s, b2));
      s = v128.load_splat<f32>(a, 20);
      c20 = f32x4.add(c20, f32x4.mul(s, b0));
      c21 = f32x4.add(c21, f32x4.mul(s, b1));
      c22 = f32x4.add(c22, f32x4.mul(s, b2));
    }
    {
      const b0 = v128.load(b, 96),
        b1 = v128.load(b, 112),
        b2 = v128.load(b, 128);
      let s = v128.load_splat<f32>(a, 24);
      c00 = f32x4.add(c00, f32x4.mul(s, b0));
      c01 = f32x4.add(c01, f32x4.mul(s, b1));
      c02 = f32x4.add(c02, f32x4.mul(s, b2));
      s = v128.load_splat<f32>(a, 28);
      c10 = f32x4.add(c10, f32x4.mul(s, b0));
      c11 = f32x4.add(c11, f32x4.mul(s, b1));
      c12 = f32x4.add(c12, f32x4.mul(s, b2));
      s = v128.load_splat<f32>(a, 32);
      c20 = f32x4.add(c20, f32x4.mul(s, b0));
      c21 = f32x4.add(c21, f32x4.mul(s, b1));
      c22 = f32x4.add(c22, f32x4.mul(s, b2));
    }
    {
      const b0 = v128.load(b, 144),
        b1 = v128.load(b, 160),
        b2 = v128.load(b, 176);
      let s = v128.load_splat<f32>(a, 36);
      c00 = f32x4.add(c00, f32x4.mul(s, b0));
      c01 = f32x4.add(c01, f32x4.mul(s, b1));
      c02 = f32x4.add(c02, f32x4.mul(s, b2));
      s = v128.load_splat<f32>(a, 40);
      c10 = f32x4.add(c10, f32x4.mul(s, b0));
      c11 = f32x4.add(c11, f32x4.mul(s, b1));
      c12 = f32x4.add(c12, f32x4.mul(s, b2));
      s = v128.load_splat<f32>(a, 44);
      c20 = f32x4.add(c20, f32x4.mul(s, b0));
      c21 = f32x4.add(c21, f32x4.mul(s, b1));
      c22 = f32x4.add(c22, f32x4.mul(s, b2));
    }
    a += 48;
    b += 192;
  }
  while (a < end) {
    const b0 = v128.load(b, 0),
      b1 = v128.load(b, 16),
      b2 = v128.load(b, 32);
    let s = v128.load_splat<f32>(a, 0);
    c00 = f32x4.add(c00, f32x4.mul(s, b0));
    c01 = f32x4.add(c01, f32x4.mul(s, b1));
    c02 = f32x4.add(c02, f32x4.mul(s, b2));
    s = v128.load_splat<f32>(a, 4);
    c10 = f32x4.add(c10, f32x4.mul(s, b0));
    c11 = f32x4.add(c11, f32x4.mul(s, b1));
    c12 = f32x4.add(c12, f32x4.mul(s, b2));
    s = v128.load_splat<f32>(a, 8);
    c20 = f32x4.add(c20, f32x4.mul(s, b0));
    c21 = f32x4.add(c21, f32x4.mul(s, b1));
    c22 = f32x4.add(c22, f32x4.mul(s, b2));
    a += 12;
    b += 48;
  }
  const whole3x12 = rows == TILE_ROWS && columns == TILE_COLUMNS;
  const to = whole3x12 ? c : edge;
  const step = whole3x12 ? stride : TILE_COLUMNS << 2;
  if (accumulate && whole3x12) {
    c00 = f32x4.add(v128.load(to), c00);
    c01 = f32x4.add(v128.load(to, 16), c01);
    c02 = f32x4.add(v128.load(to, 32), c02);
    const to1 = to + step;
    c10 = f32x4.add(v128.load(to1), c10);
    c11 = f32x4.add(v128.load(to1, 16), c11);
    c12 = f32x4.add(v128.load(to1, 32), c12);
    const to2 = to1 + step;
    c20 = f32x4.add(v128.load(to2), c20);
    c21 = f32x4.add(v128.load(to2, 16), c21);
    c22 = f32x4.add(v128.load(to2, 32), c22);
  }
  v128.store(to, c00);
  v128.store(to, c01, 16);
  v128.store(to, c02, 32);
  const row1 = to + step;
  v128.store(row1, c10);
  v128.store(row1, c11, 16);
  v128.store(row1, c12, 32);
  const row2 = row1 + step;
  v128.store(row2, c20);
  v128.store(row2, c21, 16);
  v128.store(row2, c22, 32);
  if (!whole3x12) copyEdge(c, stride, edge, rows, columns, accumulate);
}

/** Brings the part of a tile that lies inside of C over from scratch. */
function copyEdge(c: usize, stride: usize, edge: usize, rows: usize, columns: usize, accumulate: bool): void {
  for (let i: usize = 0; i < rows; i++) {
    for (let j: usize = 0; j < columns << 2; j += 4) {
      const value = load<f32>(edge + i * (TILE_COLUMNS << 2) + j);
      store<f32>(c + j, accumulate ? load<f32>(c + j) + value : value);
    }
    c += stride;
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
  const edge = scratch + ((BLOCK_ROWS * BLOCK_DEPTH + 8) << 2);
  for (let k0: usize = 0; k0 < k; k0 += BLOCK_DEPTH) {
    const depth = min(BLOCK_DEPTH, k - k0);
    const adding = accumulate || k0 > 0;
    for (let i0: usize = 0; i0 < m; i0 += BLOCK_ROWS) {
      const rows = min(BLOCK_ROWS, m - i0);
      const block = transposed ? a + k0 * aStride + (i0 << 2) : a + i0 * aStride + (k0 << 2);
      packBlock(scratch, block, aStride, rows, depth, transposed);
      let panel = packedB;
      for (let j: usize = 0; j < n; j += TILE_COLUMNS) {
        const columns = min(TILE_COLUMNS, n - j);
        let ap = scratch;
        let cp = c + i0 * cStride + (j << 2);
        for (let i: usize = 0; i < rows; i += TILE_ROWS) {
          tile3x12(depth, ap, panel, cp, cStride, min(TILE_ROWS, rows - i), columns, adding, edge);
          ap += depth * 12;
          cp += cStride * TILE_ROWS;
        }
        panel += depth * (TILE_COLUMNS << 2);
      }
    }
    packedB += depth * (((n + TILE_COLUMNS - 1) / TILE_COLUMNS) * (TILE_COLUMNS << 2));
  }
}
