/** int16 products: exact where the numbers are whole, and near to the product elsewhere. */
import { describe, expect, it } from "vitest";
import { kernelsOfForm } from "./forms.ts";
import { Arena, random } from "./matrix.ts";

/** Around the tile of 5 rows and twenty or forty of them, panels of 8 columns, blocks of 512 columns. */
const ROWS = [1, 2, 4, 5, 6, 19, 20, 21, 39, 40, 41, 47, 60, 83];
const COLUMNS = [1, 3, 4, 5, 7, 8, 9, 16, 21, 33, 513];
const DEPTHS = [1, 2, 3, 7, 8, 9, 255, 256, 257, 513];
const [MOST_A, MOST_B] = [2047, 4095];

const arena = new Arena(32 * 2 ** 20);
const k = kernelsOfForm(arena.k, "int16");

type Layout = "nn" | "nt" | "tn";

/** Integers up to `most`, which every row has in every block of the depth: then every step is 1. */
function whole(rows: number, depth: number, most: number, seed: number): Float32Array {
  const out = random(rows * depth, most, seed).map(Math.trunc);
  for (let r = 0; r < rows; r++)
    for (let p0 = 0; p0 < depth; p0 += 256) {
      const at = p0 + ((r + seed) % Math.min(256, depth - p0));
      out[r * depth + at] = (r + p0) % 3 ? most : -most;
    }
  return out;
}

/** Lays rows of `depth` out with `gap` words of NaN after each, as they are or transposed. */
function lay(rows: Float32Array, depth: number, transposed: boolean, gap: number): [number, number] {
  const count = rows.length / depth;
  const [height, width] = transposed ? [depth, count] : [count, depth];
  const stride = width + gap;
  const out = new Float32Array((height - 1) * stride + width).fill(Number.NaN);
  for (let r = 0; r < count; r++)
    for (let p = 0; p < depth; p++) out[transposed ? p * stride + r : r * stride + p] = rows[r * depth + p];
  return [arena.region(out.length, out), stride];
}

interface Case {
  readonly a: Float32Array;
  /** Columns of B, each [depth]. */
  readonly b: Float32Array;
  readonly depth: number;
  readonly c0?: Float32Array;
  readonly layout?: Layout;
}

function run({ a, b, depth, c0, layout = "nt" }: Case) {
  arena.reset();
  const [m, n] = [a.length / depth, b.length / depth];
  const [aAt, lda] = lay(a, depth, layout === "tn", 3);
  const [bAt, ldb] = lay(b, depth, layout !== "nt", 5);
  const packed = arena.region(k.packedSize(n, depth));
  const ldc = n + 2;
  const c = arena.region(m * ldc);
  if (c0) for (let i = 0; i < m; i++) arena.floats.set(c0.subarray(i * n, (i + 1) * n), c / 4 + i * ldc);
  const before = arena.snapshot();
  (layout === "nt" ? k.packRows : k.packColumns)(packed, bAt, ldb, depth, n);
  k.gemm(m, n, depth, aAt, lda, Number(layout === "tn"), packed, c, ldc, Number(!!c0), arena.scratch);
  const stray = arena.strayWrite(before, [
    { at: packed, rows: 1, width: k.packedSize(n, depth), stride: 0 },
    { at: c, rows: m, width: n, stride: ldc },
  ]);
  return { m, n, aAt, lda, packed, found: matrix(c, m, n, ldc), stray };
}

function matrix(at: number, m: number, n: number, ldc: number): Float32Array {
  const out = new Float32Array(m * n);
  for (let i = 0; i < m; i++) out.set(arena.read(at + 4 * i * ldc, n), i * n);
  return out;
}

/** Sums of integers by blocks of 256, each rounded to a float, one after another. */
function inBlocks({ a, b, depth, c0 }: Case): Float32Array {
  const [m, n] = [a.length / depth, b.length / depth];
  const c = new Float32Array(m * n);
  for (let i = 0; i < m; i++)
    for (let j = 0; j < n; j++) {
      let sum = c0?.[i * n + j];
      for (let p0 = 0; p0 < depth; p0 += 256) {
        let block = 0;
        for (let p = p0; p < Math.min(depth, p0 + 256); p++) block += a[i * depth + p] * b[j * depth + p];
        sum = sum === undefined ? Math.fround(block) : Math.fround(sum + Math.fround(block));
      }
      c[i * n + j] = sum!;
    }
  return c;
}

describe("gemm16", () => {
  for (const depth of DEPTHS)
    it(`is exact on integers, ${depth} deep, at every shape and in every layout`, () => {
      for (const m of ROWS)
        for (const n of COLUMNS) {
          if (m * n * depth > 4e5 && (m + n) % 5) continue;
          const a = whole(m, depth, MOST_A, m);
          const b = whole(n, depth, MOST_B, n);
          for (const [i, layout] of (["nn", "nt", "tn"] as const).entries()) {
            const c0 = (m + n + i) % 2 ? random(m * n, 1000, 3).map(Math.trunc) : undefined;
            const { found, stray } = run({ a, b, depth, c0, layout });
            const what = `${m} × ${n}, ${layout}`;
            expect(stray, what).toBeUndefined();
            expect(
              Buffer.from(found.buffer).equals(Buffer.from(inBlocks({ a, b, depth, c0 }).buffer)),
              what,
            ).toBe(true);
          }
        }
    });

  it("does not overflow where all numbers are as large as they can be", () => {
    const a = new Float32Array(6 * 256).fill(-3);
    const b = new Float32Array(9 * 256).fill(0.5);
    const { found } = run({ a, b, depth: 256 });
    for (const value of found) expect(Math.abs(value / (256 * -1.5) - 1)).toBeLessThan(1e-6);
  });

  it("stays within half a step of every factor, whatever the sizes of rows and columns", () => {
    const [m, n, depth] = [13, 45, 513];
    const a = random(m * depth, 1, 3).map((x, i) => x * 10 ** ((Math.floor(i / depth) % 7) - 3));
    const b = random(n * depth, 1, 4).map((x, i) => x * 10 ** ((Math.floor(i / depth) % 9) - 4));
    const { found } = run({ a, b, depth });
    const most = (row: Float32Array, p0: number) =>
      row.subarray(p0, Math.min(p0 + 256, depth)).reduce((x, y) => Math.max(x, Math.abs(y)), 0);
    for (let i = 0; i < m; i++)
      for (let j = 0; j < n; j++) {
        const [x, y] = [a.subarray(i * depth, (i + 1) * depth), b.subarray(j * depth, (j + 1) * depth)];
        let [sum, bound] = [0, 0];
        for (let p = 0; p < depth; p++) {
          const p0 = p - (p % 256);
          const [dx, dy] = [(0.5001 * most(x, p0)) / MOST_A, (0.5001 * most(y, p0)) / MOST_B];
          sum += x[p] * y[p];
          bound += dx * Math.abs(y[p]) + dy * Math.abs(x[p]) + dx * dy + 1e-7 * Math.abs(x[p] * y[p]);
        }
        expect(Math.abs(found[i * n + j] - sum)).toBeLessThan(bound);
      }
  });

  it("takes rows and columns of nothing, or next to it, for 0", () => {
    const [m, n, depth] = [7, 11, 40];
    const a = random(m * depth, 1, 1);
    const b = random(n * depth, 1, 2);
    a.fill(0, 2 * depth, 3 * depth);
    b.fill(1e-38, 5 * depth, 6 * depth);
    for (const layout of ["nn", "nt", "tn"] as const) {
      const { found } = run({ a, b, depth, layout });
      for (let j = 0; j < n; j++) expect(found[2 * n + j]).toBe(0);
      for (let i = 0; i < m; i++) expect(found[i * n + 5]).toBe(0);
      expect(found.filter((x) => x === 0)).toHaveLength(m + n - 1);
    }
  });

  it("lets nothing that is not finite pass for a number", () => {
    const [m, n, depth] = [27, 13, 300];
    for (const wrong of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])
      for (const layout of ["nn", "nt", "tn"] as const)
        for (const [row, column] of [
          [3, -1],
          [22, -1],
          [-1, 2],
          [-1, 12],
        ]) {
          const a = random(m * depth, 1, 1);
          const b = random(n * depth, 1, 2);
          if (row >= 0) a[row * depth + 299] = wrong;
          else b[column * depth + 7] = wrong;
          const { found } = run({ a, b, depth, layout });
          found.forEach((x, at) => {
            expect(Number.isFinite(x)).toBe(row >= 0 ? Math.floor(at / n) !== row : at % n !== column);
          });
        }
  });

  it("gives the same bits however its rows are split, and its columns between panels", () => {
    const [m, n, depth] = [97, 150, 300];
    const a = random(m * depth, 1, 5);
    const b = random(n * depth, 1, 6);
    const { found, aAt, lda, packed } = run({ a, b, depth });
    const parts = arena.region(m * n);
    for (const cut of [1, 2, 4, 40, 42, 96]) {
      k.gemm(cut, n, depth, aAt, lda, 0, packed, parts, n, 0, arena.scratch);
      const rest = [aAt + 4 * cut * lda, lda, 0, packed, parts + 4 * cut * n] as const;
      k.gemm(m - cut, n, depth, ...rest, n, 0, arena.scratch);
      expect(arena.read(parts, m * n)).toEqual(found);
    }
    const panel = 4 * k.packedSize(1, 256);
    for (const cut of [8, 40, 144]) {
      // One block of the depth, as work is cut.
      k.gemm(m, n, 256, aAt, lda, 0, packed, parts, n, 0, arena.scratch);
      const expected = arena.read(parts, m * n);
      k.gemm(m, cut, 256, aAt, lda, 0, packed, parts, n, 0, arena.scratch);
      const rest = [packed + (cut / 8) * panel, parts + 4 * cut] as const;
      k.gemm(m, n - cut, 256, aAt, lda, 0, ...rest, n, 0, arena.scratch);
      expect(arena.read(parts, m * n)).toEqual(expected);
    }
  });
});

describe("gemmPair16", () => {
  it("has the bits of two products", () => {
    for (const [m, n, n2, depth] of [
      [83, 24, 13, 257],
      [40, 520, 5, 256],
      [3, 16, 150, 513],
    ]) {
      arena.reset();
      const [a, lda] = lay(random(m * depth, 1, 1), depth, true, 3);
      const factors = [n, n2].map((columns, i) => {
        const [b, ldb] = lay(random(columns * depth, 1, 2 + i), depth, true, 0);
        const packed = arena.region(k.packedSize(columns, depth));
        k.packColumns(packed, b, ldb, depth, columns);
        const [to, alone] = [arena.region(m * columns), arena.region(m * columns)];
        k.gemm(m, columns, depth, a, lda, 1, packed, alone, columns, 0, arena.scratch);
        return { columns, packed, to, alone };
      });
      const before = arena.snapshot();
      const of = ({ columns, packed, to }: (typeof factors)[0]) => [columns, packed, to, columns] as const;
      k.gemmPair(m, depth, a, lda, ...of(factors[0]), ...of(factors[1]), arena.scratch);
      const outputs = factors.map(({ to, columns }) => ({
        at: to,
        rows: m,
        width: columns,
        stride: columns,
      }));
      expect(arena.strayWrite(before, outputs)).toBeUndefined();
      for (const { to, alone, columns } of factors)
        expect(arena.bits(to, m * columns)).toEqual(arena.bits(alone, m * columns));
    }
  });
});
