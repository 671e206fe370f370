/**
 * One vector times weights that stay packed from token to token: y[n] = x[k]·Wᵀ, W[n,k] as weights are stored.
 *
 * A batch of one reads every weight once, so what counts is that memory is read from front to back: panels of 32
 * columns hold their whole depth. Each element of y is the chain of gemm.ts, multiply, then add, over k within
 * blocks of 256, so that one token alone has the bits of a row of a batch.
 *
 * A panel's step is 128 bytes, two cache lines. Eight accumulators hide the latency of the additions; the branch
 * that is never taken keeps V8 from spilling them, as tile.ts explains.
 */
import { Count } from "./types";
import { multiplyAdd } from "./fused";
import { BLOCK_DEPTH } from "./panels";

const COLUMNS: usize = 32;
const STEP_BYTES: usize = COLUMNS * 4;

/** n rounded up to whole panels: the floats that y must have room for. */
export function vectorWidth(n: Count): Count {
  return (n + COLUMNS - 1) & ~(COLUMNS - 1);
}

/** Packs W[n,k], row-major with stride ldw, into `vectorWidth(n)`·k floats; columns past n are zero. */
export function packVector(packed: usize, w: usize, ldw: Count, k: Count, n: Count): void {
  memory.fill(packed, 0, (vectorWidth(n) * k) << 2);
  for (let j: usize = 0; j < n; j++) {
    let to = packed + (j & ~(COLUMNS - 1)) * (k << 2) + ((j & (COLUMNS - 1)) << 2);
    let from = w + j * (ldw << 2);
    for (const end = from + (k << 2); from < end; from += 4) {
      store<f32>(to, load<f32>(from));
      to += STEP_BYTES;
    }
  }
}

/** y = from + x·Wᵀ, or without `from` where that is 0; `from` may be y. Both have whole panels. */
export function timesVector(n: Count, k: Count, x: usize, packed: usize, from: usize, y: usize): void {
  for (const end = y + (n << 2); y < end; y += STEP_BYTES) {
    let before = from;
    for (let k0: usize = 0; k0 < k; k0 += BLOCK_DEPTH) {
      const depth = min(BLOCK_DEPTH, k - k0);
      tile1x32(depth, x + (k0 << 2), packed, before, y);
      packed += depth * STEP_BYTES;
      before = y;
    }
    if (from) from += STEP_BYTES;
  }
}

function tile1x32(depth: usize, x: usize, panel: usize, from: usize, y: usize): void {
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
    c0 = multiplyAdd(s, v128.load(panel, 0), c0);
    c1 = multiplyAdd(s, v128.load(panel, 16), c1);
    c2 = multiplyAdd(s, v128.load(panel, 32), c2);
    c3 = multiplyAdd(s, v128.load(panel, 48), c3);
    if (depth == 1001) break;
    c4 = multiplyAdd(s, v128.load(panel, 64), c4);
    c5 = multiplyAdd(s, v128.load(panel, 80), c5);
    c6 = multiplyAdd(s, v128.load(panel, 96), c6);
    c7 = multiplyAdd(s, v128.load(panel, 112), c7);
    x += 4;
    if (x == end) break;
    s = v128.load_splat<f32>(x);
    c0 = multiplyAdd(s, v128.load(panel, 128), c0);
    c1 = multiplyAdd(s, v128.load(panel, 144), c1);
    c2 = multiplyAdd(s, v128.load(panel, 160), c2);
    c3 = multiplyAdd(s, v128.load(panel, 176), c3);
    if (depth == 1002) break;
    c4 = multiplyAdd(s, v128.load(panel, 192), c4);
    c5 = multiplyAdd(s, v128.load(panel, 208), c5);
    c6 = multiplyAdd(s, v128.load(panel, 224), c6);
    c7 = multiplyAdd(s, v128.load(panel, 240), c7);
    x += 4;
    panel += 2 * STEP_BYTES;
    if (x == end) break;
  }
  if (from) {
    c0 = f32x4.add(v128.load(from), c0);
    c1 = f32x4.add(v128.load(from, 16), c1);
    c2 = f32x4.add(v128.load(from, 32), c2);
    c3 = f32x4.add(v128.load(from, 48), c3);
    c4 = f32x4.add(v128.load(from, 64), c4);
    c5 = f32x4.add(v128.load(from, 80), c5);
    c6 = f32x4.add(v128.load(from, 96), c6);
    c7 = f32x4.add(v128.load(from, 112), c7);
  }
  v128.store(y, c0);
  v128.store(y, c1, 16);
  v128.store(y, c2, 32);
  v128.store(y, c3, 48);
  v128.store(y, c4, 64);
  v128.store(y, c5, 80);
  v128.store(y, c6, 96);
  v128.store(y, c7, 112);
}

/** Adds up `bytes`, a multiple of 128, and leaves 16 bytes at `at`: the rate that weights can be read with. */
export function readPeak(from: usize, bytes: Count, at: usize): void {
  let a = f32x4.splat(0),
    b = a,
    c = a,
    d = a,
    e = a,
    f = a,
    g = a,
    h = a;
  for (const end = from + bytes; from < end; from += 128) {
    a = f32x4.add(a, v128.load(from));
    b = f32x4.add(b, v128.load(from, 16));
    c = f32x4.add(c, v128.load(from, 32));
    d = f32x4.add(d, v128.load(from, 48));
    e = f32x4.add(e, v128.load(from, 64));
    f = f32x4.add(f, v128.load(from, 80));
    g = f32x4.add(g, v128.load(from, 96));
    h = f32x4.add(h, v128.load(from, 112));
  }
  a = f32x4.add(f32x4.add(a, b), f32x4.add(c, d));
  v128.store(at, f32x4.add(a, f32x4.add(f32x4.add(e, f), f32x4.add(g, h))));
}
