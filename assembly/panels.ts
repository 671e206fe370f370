/**
 * What gemm.ts and gemv.ts share: the layout of a packed B and the product of one row with it.
 *
 * B[k,n] is cut into blocks of 256 rows, a block into panels of 16 columns; a panel holds its rows one after
 * another. Columns past n hold what happened to be in memory: they reach no output.
 */
export const TILE_COLUMNS: usize = 16;
export const PANEL_BYTES: usize = TILE_COLUMNS << 2;
/** Depth of one block: a panel of B (256 × 16 floats, 16 kB) stays in the first-level cache. */
export const BLOCK_DEPTH: usize = 256;

/** Floats of a row of all panels: n rounded up. */
export function panelsWidth(n: usize): usize {
  return (n + TILE_COLUMNS - 1) & ~(TILE_COLUMNS - 1);
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
  const bytes = depth * PANEL_BYTES;
  for (let j: usize = 0; j < n; j += 2 * TILE_COLUMNS) {
    // An odd last panel is read twice rather than given a loop of its own.
    const second = j + TILE_COLUMNS < n ? panel + bytes : panel;
    tile1x32(depth, x, panel, second, y, min(2 * TILE_COLUMNS, n - j), accumulate, edge);
    panel += 2 * bytes;
    y += 2 * PANEL_BYTES;
  }
}

/** Eight accumulators hide the latency of the additions; the branch within the round is explained in gemm.ts. */
function tile1x32(
  depth: usize,
  x: usize,
  first: usize,
  second: usize,
  y: usize,
  columns: usize,
  accumulate: bool,
  edge: usize,
): void {
  let c0 = f32x4.splat(0),
    c1 = c0,
    c2 = c0,
    c3 = c0,
    c4 = c0,
    c5 = c0,
    c6 = c0,
    c7 = c0;
  const end = x + (depth << 2);
  let s: v128;
  while (true) {
    s = v128.load_splat<f32>(x);
    c0 = f32x4.add(c0, f32x4.mul(s, v128.load(first, 0)));
    c1 = f32x4.add(c1, f32x4.mul(s, v128.load(first, 16)));
    c2 = f32x4.add(c2, f32x4.mul(s, v128.load(first, 32)));
    c3 = f32x4.add(c3, f32x4.mul(s, v128.load(first, 48)));
    c4 = f32x4.add(c4, f32x4.mul(s, v128.load(second, 0)));
    c5 = f32x4.add(c5, f32x4.mul(s, v128.load(second, 16)));
    c6 = f32x4.add(c6, f32x4.mul(s, v128.load(second, 32)));
    c7 = f32x4.add(c7, f32x4.mul(s, v128.load(second, 48)));
    x += 4;
    if (x == end) break;
    s = v128.load_splat<f32>(x);
    c0 = f32x4.add(c0, f32x4.mul(s, v128.load(first, 64)));
    c1 = f32x4.add(c1, f32x4.mul(s, v128.load(first, 80)));
    c2 = f32x4.add(c2, f32x4.mul(s, v128.load(first, 96)));
    c3 = f32x4.add(c3, f32x4.mul(s, v128.load(first, 112)));
    c4 = f32x4.add(c4, f32x4.mul(s, v128.load(second, 64)));
    c5 = f32x4.add(c5, f32x4.mul(s, v128.load(second, 80)));
    c6 = f32x4.add(c6, f32x4.mul(s, v128.load(second, 96)));
    c7 = f32x4.add(c7, f32x4.mul(s, v128.load(second, 112)));
    x += 4;
    first += 2 * PANEL_BYTES;
    second += 2 * PANEL_BYTES;
    if (x == end) break;
  }
  const whole = columns == 2 * TILE_COLUMNS;
  const to = whole ? y : edge;
  if (accumulate && whole) {
    c0 = f32x4.add(v128.load(to), c0);
    c1 = f32x4.add(v128.load(to, 16), c1);
    c2 = f32x4.add(v128.load(to, 32), c2);
    c3 = f32x4.add(v128.load(to, 48), c3);
    c4 = f32x4.add(v128.load(to, 64), c4);
    c5 = f32x4.add(v128.load(to, 80), c5);
    c6 = f32x4.add(v128.load(to, 96), c6);
    c7 = f32x4.add(v128.load(to, 112), c7);
  }
  v128.store(to, c0);
  v128.store(to, c1, 16);
  v128.store(to, c2, 32);
  v128.store(to, c3, 48);
  v128.store(to, c4, 64);
  v128.store(to, c5, 80);
  v128.store(to, c6, 96);
  v128.store(to, c7, 112);
  if (!whole) copyEdge(y, edge, columns, accumulate);
}

/** Brings what lies inside of C over from scratch. */
export function copyEdge(c: usize, edge: usize, columns: usize, accumulate: bool): void {
  for (const end = c + (columns << 2); c < end; c += 4) {
    const value = load<f32>(edge);
    store<f32>(c, accumulate ? load<f32>(c) + value : value);
    edge += 4;
  }
}
