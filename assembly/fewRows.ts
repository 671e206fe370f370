/**
 * C[1,32] and C[2,16] (+)= A·B of whole numbers: the one or two rows that five do not divide. As sums of whole numbers
 * are exact and scaled alike, they have the bits of a tile of five. Sums go to C by way of `edge`, and halves stay side
 * by side, for the reasons that tile5x16 has.
 */
import { PANEL_BYTES, TILE_COLUMNS } from "./panels";
import { add, GROUP_BYTES, storeWide } from "./tile";

/** Columns of the tiles of one row and of two. */
const ONE: usize = 4 * TILE_COLUMNS;
const TWO: usize = 2 * TILE_COLUMNS;

/** Columns that a tile of so few rows has. */
// @ts-ignore: decorator
@inline
export function columnsOf(rows: usize): usize {
  return rows == 1 ? ONE : TWO;
}

/** C[1,32], four panels that are `bytes` apart. */
export function tile1x32(
  steps: usize,
  a: usize,
  panel: usize,
  bytes: usize,
  c: usize,
  edge: usize,
  accumulate: bool,
): void {
  let c0 = i32x4.splat(0),
    c1 = c0,
    c2 = c0,
    c3 = c0,
    c4 = c0,
    c5 = c0,
    c6 = c0,
    c7 = c0;
  let p1 = panel + bytes;
  let p2 = p1 + bytes;
  let p3 = p2 + bytes;
  for (const end = panel + steps * PANEL_BYTES; panel < end; panel += PANEL_BYTES) {
    const s = v128.load_splat<i32>(a);
    c0 = add<i16>(c0, s, v128.load(panel));
    c1 = add<i16>(c1, s, v128.load(panel, 16));
    c2 = add<i16>(c2, s, v128.load(p1));
    c3 = add<i16>(c3, s, v128.load(p1, 16));
    c4 = add<i16>(c4, s, v128.load(p2));
    c5 = add<i16>(c5, s, v128.load(p2, 16));
    c6 = add<i16>(c6, s, v128.load(p3));
    c7 = add<i16>(c7, s, v128.load(p3, 16));
    a += GROUP_BYTES;
    p1 += PANEL_BYTES;
    p2 += PANEL_BYTES;
    p3 += PANEL_BYTES;
  }
  v128.store(edge, c0);
  v128.store(edge, c1, 16);
  v128.store(edge, c2, 32);
  v128.store(edge, c3, 48);
  v128.store(edge, c4, 64);
  v128.store(edge, c5, 80);
  v128.store(edge, c6, 96);
  v128.store(edge, c7, 112);
  storeWide<i16>(c, edge, a, panel, accumulate);
  storeWide<i16>(c + PANEL_BYTES, edge + PANEL_BYTES, a, p1, accumulate);
  storeWide<i16>(c + 2 * PANEL_BYTES, edge + 2 * PANEL_BYTES, a, p2, accumulate);
  storeWide<i16>(c + 3 * PANEL_BYTES, edge + 3 * PANEL_BYTES, a, p3, accumulate);
}

/** C[2,16], two panels that are `bytes` apart. */
export function tile2x16(
  steps: usize,
  a: usize,
  panel: usize,
  bytes: usize,
  c: usize,
  stride: usize,
  edge: usize,
  accumulate: bool,
): void {
  let c00 = i32x4.splat(0),
    c01 = c00,
    c02 = c00,
    c03 = c00,
    c10 = c00,
    c11 = c00,
    c12 = c00,
    c13 = c00;
  let second = panel + bytes;
  for (const end = panel + steps * PANEL_BYTES; panel < end; panel += PANEL_BYTES) {
    const b0 = v128.load(panel);
    const b1 = v128.load(panel, 16);
    const b2 = v128.load(second);
    const b3 = v128.load(second, 16);
    const s = v128.load_splat<i32>(a);
    c00 = add<i16>(c00, s, b0);
    c01 = add<i16>(c01, s, b1);
    c02 = add<i16>(c02, s, b2);
    c03 = add<i16>(c03, s, b3);
    const t = v128.load_splat<i32>(a, 16);
    c10 = add<i16>(c10, t, b0);
    c11 = add<i16>(c11, t, b1);
    c12 = add<i16>(c12, t, b2);
    c13 = add<i16>(c13, t, b3);
    a += GROUP_BYTES;
    second += PANEL_BYTES;
  }
  v128.store(edge, c00);
  v128.store(edge, c01, 16);
  v128.store(edge, c02, 32);
  v128.store(edge, c03, 48);
  v128.store(edge, c10, 64);
  v128.store(edge, c11, 80);
  v128.store(edge, c12, 96);
  v128.store(edge, c13, 112);
  for (let r: usize = 0; r < 2; r++) {
    storeWide<i16>(c, edge, a, panel, accumulate);
    storeWide<i16>(c + PANEL_BYTES, edge + PANEL_BYTES, a, second, accumulate);
    a += 16;
    c += stride;
    edge += 2 * PANEL_BYTES;
  }
}
