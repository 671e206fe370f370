/**
 * What gemm.ts and gemv.ts share: the layout of a packed B and the product of one row with it.
 *
 * B[k,n] is cut into blocks of 256 rows, a block into panels of 20 columns; a panel holds its rows one after
 * another. Columns past n hold what happened to be in memory: they reach no output.
 */
export const TILE_COLUMNS: usize = 20;
export const PANEL_BYTES: usize = TILE_COLUMNS * 4;
/** Depth of one block: a panel of B (256 × 20 floats, 20 kB) stays in the first-level cache. */
export const BLOCK_DEPTH: usize = 256;

/** Floats of a row of all panels: n rounded up. */
export function panelsWidth(n: usize): usize {
  return ((n + TILE_COLUMNS - 1) / TILE_COLUMNS) * TILE_COLUMNS;
}

/** One block of the depth: y[n] (+)= x[depth]·panels. */
export function rowTimesPanels(
  n: usize,
  depth: usize,
  x: usize,
  panel: usize,
  y: usize,
  accumulate: bool,
  edge: usize,
): void {
  for (let j: usize = 0; j < n; j += TILE_COLUMNS) {
    tile1x20(depth, x, panel, y, min(TILE_COLUMNS, n - j), accumulate, edge);
    panel += depth * PANEL_BYTES;
    y += PANEL_BYTES;
  }
}

/** Five accumulators hide the latency of the additions; the branch within the round is explained in gemm.ts. */
function tile1x20(
  depth: usize,
  x: usize,
  panel: usize,
  y: usize,
  columns: usize,
  accumulate: bool,
  edge: usize,
): void {
  let c0 = f32x4.splat(0),
    c1 = c0,
    c2 = c0,
    c3 = c0,
    c4 = c0;
  const end = x + (depth << 2);
  let s: v128;
  while (true) {
    s = v128.load_splat<f32>(x);
    c0 = f32x4.add(c0, f32x4.mul(s, v128.load(panel, 0)));
    c1 = f32x4.add(c1, f32x4.mul(s, v128.load(panel, 16)));
    c2 = f32x4.add(c2, f32x4.mul(s, v128.load(panel, 32)));
    c3 = f32x4.add(c3, f32x4.mul(s, v128.load(panel, 48)));
    c4 = f32x4.add(c4, f32x4.mul(s, v128.load(panel, 64)));
    x += 4;
    if (x == end) break;
    s = v128.load_splat<f32>(x);
    c0 = f32x4.add(c0, f32x4.mul(s, v128.load(panel, 80)));
    c1 = f32x4.add(c1, f32x4.mul(s, v128.load(panel, 96)));
    c2 = f32x4.add(c2, f32x4.mul(s, v128.load(panel, 112)));
    c3 = f32x4.add(c3, f32x4.mul(s, v128.load(panel, 128)));
    c4 = f32x4.add(c4, f32x4.mul(s, v128.load(panel, 144)));
    x += 4;
    panel += 2 * PANEL_BYTES;
    if (x == end) break;
  }
  const whole = columns == TILE_COLUMNS;
  storeRow(whole ? y : edge, c0, c1, c2, c3, c4, accumulate && whole);
  if (!whole) copyEdge(y, edge, columns, accumulate);
}

// @ts-ignore: decorator
@inline
export function storeRow(to: usize, c0: v128, c1: v128, c2: v128, c3: v128, c4: v128, accumulate: bool): void {
  if (accumulate) {
    c0 = f32x4.add(v128.load(to), c0);
    c1 = f32x4.add(v128.load(to, 16), c1);
    c2 = f32x4.add(v128.load(to, 32), c2);
    c3 = f32x4.add(v128.load(to, 48), c3);
    c4 = f32x4.add(v128.load(to, 64), c4);
  }
  v128.store(to, c0);
  v128.store(to, c1, 16);
  v128.store(to, c2, 32);
  v128.store(to, c3, 48);
  v128.store(to, c4, 64);
}

/** Brings what lies inside of C over from scratch. */
export function copyEdge(c: usize, edge: usize, columns: usize, accumulate: bool): void {
  for (const end = c + (columns << 2); c < end; c += 4) {
    const value = load<f32>(edge);
    store<f32>(c, accumulate ? load<f32>(c) + value : value);
    edge += 4;
  }
}
