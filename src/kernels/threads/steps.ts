/** @module A layer's timesteps one by one, for kernels that are each split over threads: recurrent.ts of assembly/. */
import type { KernelExports } from "../generated/signatures.ts";

const BYTES = 4;

export function stepsForward(k: KernelExports, args: Parameters<KernelExports["recurrentForward"]>): void {
  const [gates, bias, h, c, hBefore, cBefore, places, projected, keep, packed, batch, lanes, steps] = args;
  const [hidden, scratch] = args.slice(13);
  const wide = 4 * hidden;
  for (let t = 0; t < steps; t++) {
    const at = t * batch * hidden * BYTES;
    const after = at + batch * hidden * BYTES;
    const row = t * batch * BYTES;
    const to = gates + 4 * at;
    if (keep) {
      k.keepRows(hBefore + at, h + at, keep + row, lanes, hidden);
      k.keepRows(cBefore + at, c + at, keep + row, lanes, hidden);
    }
    if (places) k.gatherRows(to, projected, places + row, lanes, wide);
    k.gemm(lanes, wide, hidden, hBefore + at, hidden, 0, packed, to, wide, 1, scratch);
    k.lstmForward(to, bias, cBefore + at, c + after, h + after, lanes, hidden);
  }
}

export function stepsBackward(k: KernelExports, args: Parameters<KernelExports["recurrentBackward"]>): void {
  const [gates, cBefore, c, dh, dc, dStep, keep, packedBack, batch, lanes, steps, hidden, begin, scratch] =
    args;
  const wide = 4 * hidden;
  for (let t = steps - 1; t >= 0; t--) {
    const at = t * batch * hidden * BYTES;
    const from = gates + 4 * at;
    const before = dh + at - batch * hidden * BYTES;
    k.lstmBackward(from, cBefore + at, c + at, dh + at, dc, lanes, hidden);
    if (t === 0 && begin) return;
    const to = keep ? dStep : before;
    k.gemm(lanes, hidden, wide, from, wide, 0, packedBack, to, hidden, keep ? 0 : 1, scratch);
    if (!keep) continue;
    const kept = keep + t * batch * BYTES;
    k.keepRows(dStep, dStep, kept, lanes, hidden);
    k.sumRows(before, dStep, 1, lanes * hidden, lanes * hidden, 1);
    k.keepRows(dc, dc, kept, lanes, hidden);
  }
}
