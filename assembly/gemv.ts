/**
 * One row times a packed matrix: y[n] (+)= x[k]·B[k,n], B packed as in gemm.ts and summed in the same order,
 * so that a batch of one has the bits of a row in a larger batch.
 */
const PANEL_BYTES: usize = 48;
const BLOCK_DEPTH: usize = 256;

/** `edge` is 96 bytes of scratch. */
export function gemv(
  n: usize,
  k: usize,
  x: usize,
  packedB: usize,
  y: usize,
  accumulate: bool,
  edge: usize,
): void {
  const panels = (n + 11) / 12;
  for (let k0: usize = 0; k0 < k; k0 += BLOCK_DEPTH) {
    const depth = min(BLOCK_DEPTH, k - k0);
    const panelBytes = depth * PANEL_BYTES;
    const adding = accumulate || k0 > 0;
    for (let p: usize = 0; p < panels; p += 2) {
      const first = packedB + p * panelBytes;
      // An odd last panel is read twice rather than given a loop of its own.
      const second = p + 1 < panels ? first + panelBytes : first;
      twoPanels(depth, x + (k0 << 2), first, second, edge);
      addEdge(y + p * PANEL_BYTES, edge, min(24, n - p * 12), adding);
    }
    packedB += panels * panelBytes;
  }
}

/** Six accumulators hide the latency of the additions. */
function twoPanels(depth: usize, x: usize, first: usize, second: usize, edge: usize): void {
  let c0 = f32x4.splat(0),
    c1 = c0,
    c2 = c0,
    c3 = c0,
    c4 = c0,
    c5 = c0;
  const whole = x + ((depth & ~1) << 2);
  while (x < whole) {
    let s = v128.load_splat<f32>(x);
    c0 = f32x4.add(c0, f32x4.mul(s, v128.load(first)));
    c1 = f32x4.add(c1, f32x4.mul(s, v128.load(first, 16)));
    c2 = f32x4.add(c2, f32x4.mul(s, v128.load(first, 32)));
    c3 = f32x4.add(c3, f32x4.mul(s, v128.load(second)));
    c4 = f32x4.add(c4, f32x4.mul(s, v128.load(second, 16)));
    c5 = f32x4.add(c5, f32x4.mul(s, v128.load(second, 32)));
    s = v128.load_splat<f32>(x, 4);
    c0 = f32x4.add(c0, f32x4.mul(s, v128.load(first, 48)));
    c1 = f32x4.add(c1, f32x4.mul(s, v128.load(first, 64)));
    c2 = f32x4.add(c2, f32x4.mul(s, v128.load(first, 80)));
    c3 = f32x4.add(c3, f32x4.mul(s, v128.load(second, 48)));
    c4 = f32x4.add(c4, f32x4.mul(s, v128.load(second, 64)));
    c5 = f32x4.add(c5, f32x4.mul(s, v128.load(second, 80)));
    x += 8;
    first += 96;
    second += 96;
  }
  if (depth & 1) {
    const s = v128.load_splat<f32>(x);
    c0 = f32x4.add(c0, f32x4.mul(s, v128.load(first)));
    c1 = f32x4.add(c1, f32x4.mul(s, v128.load(first, 16)));
    c2 = f32x4.add(c2, f32x4.mul(s, v128.load(first, 32)));
    c3 = f32x4.add(c3, f32x4.mul(s, v128.load(second)));
    c4 = f32x4.add(c4, f32x4.mul(s, v128.load(second, 16)));
    c5 = f32x4.add(c5, f32x4.mul(s, v128.load(second, 32)));
  }
  v128.store(edge, c0);
  v128.store(edge, c1, 16);
  v128.store(edge, c2, 32);
  v128.store(edge, c3, 48);
  v128.store(edge, c4, 64);
  v128.store(edge, c5, 80);
}

function addEdge(y: usize, edge: usize, columns: usize, adding: bool): void {
  const whole = y + ((columns & ~3) << 2);
  const end = y + (columns << 2);
  while (y < whole) {
    const value = v128.load(edge);
    v128.store(y, adding ? f32x4.add(v128.load(y), value) : value);
    y += 16;
    edge += 16;
  }
  while (y < end) {
    const value = load<f32>(edge);
    store<f32>(y, adding ? load<f32>(y) + value : value);
    y += 4;
    edge += 4;
  }
}
