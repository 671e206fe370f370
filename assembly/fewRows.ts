/**
 * [2,16] = A·B of integers, for the one or two rows that five do not divide. As sums of integers are exact and
 * scaled alike, they have the bits of a tile of five. Sums are scaled by way of `edge`, and halves stay side by side, for
 * the reasons that tile5x16 has.
 */
import { PANEL_BYTES } from "./panels";
import { add, GROUP_BYTES, storeWide } from "./tile";

/** Two panels that are `bytes` apart, into rows side by side at `to`. */
export function tile2x16(
  steps: usize,
  a: usize,
  panel: usize,
  bytes: usize,
  to: usize,
  edge: usize,
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
    storeWide<i16>(to, edge, a, panel, false);
    storeWide<i16>(to + PANEL_BYTES, edge + PANEL_BYTES, a, second, false);
    a += 16;
    to += 2 * PANEL_BYTES;
    edge += 2 * PANEL_BYTES;
  }
}
