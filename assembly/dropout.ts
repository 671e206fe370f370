/**
 * Masks over rows: one mask a lane held over time (Gal and Ghahramani 2016, section 4), and lanes whose state is
 * reset at the start of a document.
 */
import { Count } from "./types";

/** out[r,:] = x[r,:] · mask[r mod batch,:]; out may be x. Forward and backward are the same product. */
export function maskRows(out: usize, x: usize, mask: usize, rows: Count, batch: Count, width: Count): void {
  const block = batch * width;
  let left = rows * width;
  while (left > 0) {
    const count = min(block, left);
    multiply(out, x, mask, count);
    out += count << 2;
    x += count << 2;
    left -= count;
  }
}

/** out[r,:] = x[r,:] where keep[r] is not 0, else 0; out may be x. */
export function keepRows(out: usize, x: usize, keep: usize, rows: Count, width: Count): void {
  const bytes = width << 2;
  for (const end = keep + (rows << 2); keep < end; keep += 4) {
    if (load<i32>(keep)) {
      if (out != x) memory.copy(out, x, bytes);
    } else memory.fill(out, 0, bytes);
    out += bytes;
    x += bytes;
  }
}

function multiply(out: usize, x: usize, y: usize, count: usize): void {
  const whole = out + ((count & ~3) << 2);
  const end = out + (count << 2);
  while (out < whole) {
    v128.store(out, f32x4.mul(v128.load(x), v128.load(y)));
    out += 16;
    x += 16;
    y += 16;
  }
  while (out < end) {
    store<f32>(out, load<f32>(x) * load<f32>(y));
    out += 4;
    x += 4;
    y += 4;
  }
}
