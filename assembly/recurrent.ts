/**
 * An LSTM layer over several time steps: the recurrent product and the cells of lstm.ts, again and again.
 *
 * A lane's state depends on no other lane's, so that lanes can be split over threads which never wait for each other.
 * Rows are time-major, `batch` of them a step, of which the first `lanes` are done: pointers are to a stretch's first
 * step and first lane, whatever the direction. `keep`, [steps, batch], is 0 where a lane starts anew, and an address
 * of 0 where none does; `scratch` is gemm's.
 */
import { Count } from "./types";
import { keepRows } from "./dropout";
import { gatherRows, sumRows } from "./embedding";
import { multiply } from "./gemm";
import { lstmBackward, lstmForward } from "./lstm";

/**
 * `gates`, [steps, batch, 4·hidden], hold the products of the inputs, or receive the rows of `projected` that
 * `places`, [steps, batch], names (0: they hold them). `h` and `c`, [steps + 1, batch, hidden], hold the state before
 * the first step; `hBefore` and `cBefore` receive what each step reads where `keep` is given, and else are h and c.
 */
export function recurrentForward(
  gates: usize,
  bias: usize,
  h: usize,
  c: usize,
  hBefore: usize,
  cBefore: usize,
  places: usize,
  projected: usize,
  keep: usize,
  packed: usize,
  batch: Count,
  lanes: Count,
  steps: Count,
  hidden: Count,
  scratch: usize,
): void {
  forward<f32>(gates, bias, h, c, hBefore, cBefore, places, projected, keep, packed, batch, lanes, steps, hidden, scratch);
}

/** The same with products of whole numbers of 16 bits. */
export function recurrentForward16(
  gates: usize,
  bias: usize,
  h: usize,
  c: usize,
  hBefore: usize,
  cBefore: usize,
  places: usize,
  projected: usize,
  keep: usize,
  packed: usize,
  batch: Count,
  lanes: Count,
  steps: Count,
  hidden: Count,
  scratch: usize,
): void {
  forward<i16>(gates, bias, h, c, hBefore, cBefore, places, projected, keep, packed, batch, lanes, steps, hidden, scratch);
}

function forward<T>(
  gates: usize,
  bias: usize,
  h: usize,
  c: usize,
  hBefore: usize,
  cBefore: usize,
  places: usize,
  projected: usize,
  keep: usize,
  packed: usize,
  batch: usize,
  lanes: usize,
  steps: usize,
  hidden: usize,
  scratch: usize,
): void {
  const size = (batch * hidden) << 2;
  for (let t: usize = 0; t < steps; t++) {
    if (keep) {
      keepRows(hBefore, h, keep, lanes, hidden);
      keepRows(cBefore, c, keep, lanes, hidden);
      keep += batch << 2;
    }
    if (places) {
      gatherRows(gates, projected, places, lanes, hidden << 2);
      places += batch << 2;
    }
    multiply<T>(lanes, hidden << 2, hidden, hBefore, hidden, false, packed, gates, hidden << 2, true, scratch);
    h += size;
    c += size;
    lstmForward(gates, bias, cBefore, c, h, lanes, hidden);
    hBefore += size;
    cBefore += size;
    gates += size << 2;
  }
}

/**
 * From the last step to the first: `gates` become their gradients, `dc`, [batch, hidden], that of the cells before
 * the first step, and `dh`, [steps, batch, hidden], receives each step's share for the step before it, which for the
 * first lies before `dh`, unless it is `begin`, the first of all. `c` is the state after each step, `cBefore` the one
 * that it read; `dStep` is [batch, hidden] of scratch, used with `keep`.
 */
export function recurrentBackward(
  gates: usize,
  cBefore: usize,
  c: usize,
  dh: usize,
  dc: usize,
  dStep: usize,
  keep: usize,
  packedBack: usize,
  batch: Count,
  lanes: Count,
  steps: Count,
  hidden: Count,
  begin: bool,
  scratch: usize,
): void {
  backward<f32>(gates, cBefore, c, dh, dc, dStep, keep, packedBack, batch, lanes, steps, hidden, begin, scratch);
}

/** The same with products of whole numbers of 16 bits. */
export function recurrentBackward16(
  gates: usize,
  cBefore: usize,
  c: usize,
  dh: usize,
  dc: usize,
  dStep: usize,
  keep: usize,
  packedBack: usize,
  batch: Count,
  lanes: Count,
  steps: Count,
  hidden: Count,
  begin: bool,
  scratch: usize,
): void {
  backward<i16>(gates, cBefore, c, dh, dc, dStep, keep, packedBack, batch, lanes, steps, hidden, begin, scratch);
}

function backward<T>(
  gates: usize,
  cBefore: usize,
  c: usize,
  dh: usize,
  dc: usize,
  dStep: usize,
  keep: usize,
  packedBack: usize,
  batch: usize,
  lanes: usize,
  steps: usize,
  hidden: usize,
  begin: bool,
  scratch: usize,
): void {
  const size = (batch * hidden) << 2;
  const width = hidden << 2;
  for (let t = steps; t-- > 0; ) {
    const at = t * size;
    const from = gates + (at << 2);
    const before = dh + at - size;
    lstmBackward(from, cBefore + at, c + at, dh + at, dc, lanes, hidden);
    if (t == 0 && begin) return;
    if (!keep) {
      multiply<T>(lanes, hidden, width, from, width, false, packedBack, before, hidden, true, scratch);
      continue;
    }
    const kept = keep + ((t * batch) << 2);
    multiply<T>(lanes, hidden, width, from, width, false, packedBack, dStep, hidden, false, scratch);
    keepRows(dStep, dStep, kept, lanes, hidden);
    sumRows(before, dStep, 1, lanes * hidden, lanes * hidden, true);
    keepRows(dc, dc, kept, lanes, hidden);
  }
}
