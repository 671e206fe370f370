/** Rows by index, their sums, and masks over rows. */
import { describe, expect, it } from "vitest";
import { Arena, random } from "./matrix.ts";

const WIDTHS = [1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 64];
const IDS = [4, 0, 4, 2, 4, 0, 6];
const VOCABULARY = 7;
const arena = new Arena(4 * 2 ** 20);
const k = arena.k;

/** Runs a kernel and fails where anything but `width` words at `at` changed. */
function writing(at: number, width: number, run: () => void): Float32Array {
  const before = arena.snapshot();
  run();
  expect(arena.strayWrite(before, [{ at, rows: 1, width, stride: 0 }])).toBeUndefined();
  return arena.read(at, width);
}

describe("gatherRows", () => {
  it("copies rows by index, repeated ones too", () => {
    for (const width of WIDTHS) {
      arena.reset();
      const values = random(VOCABULARY * width);
      const table = arena.region(values.length, values);
      const ids = arena.indices(IDS);
      const out = arena.region(IDS.length * width);
      const found = writing(out, IDS.length * width, () => k.gatherRows(out, table, ids, IDS.length, width));
      IDS.forEach((id, r) => {
        expect(found.slice(r * width, (r + 1) * width)).toEqual(values.slice(id * width, (id + 1) * width));
      });
    }
  });
});

describe("scatterAddRows", () => {
  it("adds in the order of the rows, to the bit, and leaves other rows alone", () => {
    for (const width of WIDTHS) {
      arena.reset();
      const start = random(VOCABULARY * width, 1, 2);
      // Sizes far apart: another order of additions has other bits.
      const rows = random(IDS.length * width, 1, 3).map((x, i) => x * 1000 ** (Math.floor(i / width) % 3));
      const table = arena.region(start.length, start);
      const rowsAt = arena.region(rows.length, rows);
      const ids = arena.indices(IDS);
      const expected = start.slice();
      IDS.forEach((id, r) => {
        for (let j = 0; j < width; j++) expected[id * width + j] += rows[r * width + j];
      });
      const found = writing(table, start.length, () =>
        k.scatterAddRows(table, rowsAt, ids, IDS.length, width, width),
      );
      expect(found).toEqual(expected);
    }
  });
});

describe("sumRows", () => {
  it("sums in the order of the rows, whatever lies between them", () => {
    for (const width of WIDTHS)
      for (const gap of [0, 3])
        for (const accumulate of [false, true]) {
          arena.reset();
          const [count, stride] = [9, width + gap];
          const rows = random(count * stride, 1, 4).map((x, i) =>
            i % stride < width ? x * 100 ** (Math.floor(i / stride) % 3) : Number.NaN,
          );
          const rowsAt = arena.region(rows.length, rows);
          const start = random(width, 1, 5);
          const out = accumulate ? arena.region(width, start) : arena.region(width);
          const expected = accumulate ? start.slice() : new Float32Array(width);
          for (let r = 0; r < count; r++) for (let j = 0; j < width; j++) expected[j] += rows[r * stride + j];
          const found = writing(out, width, () =>
            k.sumRows(out, rowsAt, count, width, stride, Number(accumulate)),
          );
          expect(found).toEqual(expected);
        }
  });

  it("leaves zeros, or what was there, where there are no rows", () => {
    arena.reset();
    const rows = arena.region(4);
    const out = arena.region(3);
    expect(writing(out, 3, () => k.sumRows(out, rows, 0, 3, 3, 0))).toEqual(new Float32Array(3));
    arena.floats[out / 4] = 5;
    expect(writing(out, 3, () => k.sumRows(out, rows, 0, 3, 3, 1))).toEqual(Float32Array.of(5, 0, 0));
  });
});

describe("maskRows", () => {
  it("holds one mask a lane over all timesteps, in place or not", () => {
    for (const width of WIDTHS)
      for (const [rows, batch] of [
        [1, 1],
        [6, 3],
        [7, 3],
        [2, 5],
      ])
        for (const inPlace of [false, true]) {
          arena.reset();
          const x = random(rows * width, 1, 6);
          const mask = random(batch * width, 1, 7);
          const xAt = arena.region(x.length, x);
          const maskAt = arena.region(mask.length, mask);
          const out = inPlace ? xAt : arena.region(x.length);
          const found = writing(out, x.length, () => k.maskRows(out, xAt, maskAt, rows, batch, width));
          expect(found).toEqual(x.map((value, i) => value * mask[i % (batch * width)]));
        }
  });
});

describe("keepRows", () => {
  it("keeps the rows that are asked for and zeroes the others, NaN too", () => {
    for (const width of WIDTHS)
      for (const inPlace of [false, true]) {
        arena.reset();
        const keep = [1, 0, -1, 0, 7];
        const x = random(keep.length * width, 1, 8);
        x[width] = Number.NaN;
        const xAt = arena.region(x.length, x);
        const keepAt = arena.indices(keep);
        const out = inPlace ? xAt : arena.region(x.length);
        const found = writing(out, x.length, () => k.keepRows(out, xAt, keepAt, keep.length, width));
        expect(found).toEqual(x.map((value, i) => (keep[Math.floor(i / width)] ? value : 0)));
      }
  });
});
