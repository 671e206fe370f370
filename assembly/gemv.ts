/**
 * One row times a packed matrix: y[n] (+)= x[k]·B[k,n], B packed as in gemm.ts and summed in the same order,
 * so that a batch of one has the bits of a row in a larger batch.
 */
import { Count } from "./types";
import { BLOCK_DEPTH, panelsWidth, rowTimesPanels } from "./panels";

export function gemv(n: Count, k: Count, x: usize, packedB: usize, y: usize, accumulate: bool): void {
  for (let k0: usize = 0; k0 < k; k0 += BLOCK_DEPTH) {
    const depth = min(BLOCK_DEPTH, k - k0);
    rowTimesPanels(n, depth, x + (k0 << 2), packedB, y, accumulate || k0 > 0);
    packedB += depth * (panelsWidth(n) << 2);
  }
}
