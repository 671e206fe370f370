/** Several timesteps in one call, against the kernels that it is made of: the same bits, and nothing else written. */
import { describe, expect, test } from "vitest";
import { kernelsOfForm } from "../../src/kernels/forms.ts";
import type { KernelExports } from "../../src/kernels/generated/signatures.ts";
import { randomNumbers } from "../model/reference.ts";
import { Arena } from "./matrix.ts";

const arena = new Arena(8 * 2 ** 20);
const BATCH = 9;
const STEPS = 4;

/** A layer of random numbers, twice: one for the call, one for the steps. */
function layout(k: KernelExports, hidden: number, seed: number) {
  const size = BATCH * hidden;
  const number = randomNumbers(seed);
  const numbers = (count: number) => Float32Array.from({ length: count }, () => number() - 0.5);
  const twice = (count: number) => {
    const values = numbers(count);
    return [arena.region(count, values), arena.region(count, values)] as const;
  };
  const packed = k.packedSize(4 * hidden, hidden);
  const packedBack = k.packedSize(hidden, 4 * hidden);
  const packedOf = (words: number, pack: (to: number, from: number) => void) => {
    const to = arena.region(words);
    pack(to, arena.region(4 * hidden * hidden, numbers(4 * hidden * hidden)));
    return to;
  };
  return {
    size,
    gates: twice(STEPS * 4 * size),
    bias: arena.region(4 * hidden, numbers(4 * hidden)),
    h: twice((STEPS + 1) * size),
    c: twice((STEPS + 1) * size),
    hBefore: twice(STEPS * size),
    cBefore: twice(STEPS * size),
    // One step more before the first: that is where the first step's share goes.
    dh: twice((STEPS + 1) * size),
    dc: twice(size),
    dStep: twice(size),
    projected: arena.region(5 * 4 * hidden, numbers(5 * 4 * hidden)),
    places: arena.indices(Array.from({ length: STEPS * BATCH }, (_, r) => (r * 7) % 5)),
    keep: arena.indices(Array.from({ length: STEPS * BATCH }, (_, r) => Number(r % 4 > 0))),
    packed: packedOf(packed, (to, from) => k.packRows(to, from, hidden, hidden, 4 * hidden)),
    packedBack: packedOf(packedBack, (to, from) => k.packColumns(to, from, hidden, 4 * hidden, hidden)),
  };
}

const cases = [3, 8, 37].flatMap((hidden) =>
  [1, 2, 5, 9].flatMap((lanes) =>
    [false, true].flatMap((resets) =>
      (["float32", "int16"] as const).map((form) => ({ hidden, lanes, resets, form })),
    ),
  ),
);
const named = "hidden $hidden, $lanes of 9 lanes, resets $resets, products of $form";

describe.each(cases)(named, ({ hidden, lanes, resets, form }) => {
  const k = kernelsOfForm(arena.k, form);

  test("recurrentForward", () => {
    for (const placed of [false, true]) {
      arena.reset();
      const a = layout(k, hidden, hidden + lanes);
      const wide = 4 * hidden;
      const before = (i: 0 | 1) =>
        resets ? ([a.hBefore[i], a.cBefore[i]] as const) : ([a.h[i], a.c[i]] as const);
      const [h, c] = before(0);
      k.recurrentForward(
        a.gates[0],
        a.bias,
        a.h[0],
        a.c[0],
        h,
        c,
        placed ? a.places : 0,
        a.projected,
        resets ? a.keep : 0,
        a.packed,
        BATCH,
        lanes,
        STEPS,
        hidden,
        arena.scratch,
      );
      const [hRead, cRead] = before(1);
      for (let t = 0; t < STEPS; t++) {
        const at = 4 * t * a.size;
        const after = at + 4 * a.size;
        const row = 4 * t * BATCH;
        const gates = a.gates[1] + 4 * at;
        if (resets) {
          k.keepRows(hRead + at, a.h[1] + at, a.keep + row, lanes, hidden);
          k.keepRows(cRead + at, a.c[1] + at, a.keep + row, lanes, hidden);
        }
        if (placed) k.gatherRows(gates, a.projected, a.places + row, lanes, wide);
        k.gemm(lanes, wide, hidden, hRead + at, hidden, 0, a.packed, gates, wide, 1, arena.scratch);
        k.lstmForward(gates, a.bias, cRead + at, a.c[1] + after, a.h[1] + after, lanes, hidden);
      }
      for (const [name, count] of [
        ["gates", STEPS * 4 * a.size],
        ["h", (STEPS + 1) * a.size],
        ["c", (STEPS + 1) * a.size],
        ["hBefore", STEPS * a.size],
        ["cBefore", STEPS * a.size],
      ] as const)
        expect(arena.bits(a[name][0], count), name).toEqual(arena.bits(a[name][1], count));
    }
  });

  test("recurrentBackward", () => {
    for (const begin of [false, true]) {
      arena.reset();
      const a = layout(k, hidden, hidden + lanes);
      const wide = 4 * hidden;
      const step = 4 * a.size;
      k.recurrentBackward(
        a.gates[0],
        a.cBefore[0],
        a.c[0] + step,
        a.dh[0] + step,
        a.dc[0],
        a.dStep[0],
        resets ? a.keep : 0,
        a.packedBack,
        BATCH,
        lanes,
        STEPS,
        hidden,
        Number(begin),
        arena.scratch,
      );
      for (let t = STEPS - 1; t >= 0; t--) {
        const at = t * step;
        const gates = a.gates[1] + 4 * at;
        const dh = a.dh[1] + step + at;
        k.lstmBackward(gates, a.cBefore[1] + at, a.c[1] + step + at, dh, a.dc[1], lanes, hidden);
        if (t === 0 && begin) break;
        const to = resets ? a.dStep[1] : dh - step;
        k.gemm(lanes, hidden, wide, gates, wide, 0, a.packedBack, to, hidden, Number(!resets), arena.scratch);
        if (!resets) continue;
        const kept = a.keep + 4 * t * BATCH;
        k.keepRows(to, to, kept, lanes, hidden);
        k.sumRows(dh - step, to, 1, lanes * hidden, lanes * hidden, 1);
        k.keepRows(a.dc[1], a.dc[1], kept, lanes, hidden);
      }
      for (const [name, count] of [
        ["gates", STEPS * 4 * a.size],
        ["dh", (STEPS + 1) * a.size],
        ["dc", a.size],
        ["dStep", a.size],
      ] as const)
        expect(arena.bits(a[name][0], count), name).toEqual(arena.bits(a[name][1], count));
    }
  });
});
