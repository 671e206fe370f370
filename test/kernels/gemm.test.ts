import { describe, expect, it } from "vitest";
import { Arena, random, whole } from "./matrix.ts";

/** Around the tile of 5 rows, forty of them, panels of 8 columns by one and four, a block of 256 in depth. */
const ROWS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 39, 40, 41, 43, 79, 82];
const COLUMNS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 15, 16, 17, 20, 24, 31, 32, 33, 40, 41, 137];
const DEPTHS = [1, 2, 3, 4, 5, 6, 15, 16, 17, 255, 256, 257, 258, 513];

const arena = new Arena();
const k = arena.k;

/** Rows of `width` at a distance of `stride`, NaN between. */
function spread(values: Float32Array, width: number, stride: number): Float32Array {
  const rows = values.length / width;
  const out = new Float32Array((rows - 1) * stride + width).fill(Number.NaN);
  for (let r = 0; r < rows; r++) out.set(values.subarray(r * width, (r + 1) * width), r * stride);
  return out;
}

function transpose(values: Float32Array, rows: number, columns: number): Float32Array {
  const out = new Float32Array(values.length);
  for (let r = 0; r < rows; r++)
    for (let c = 0; c < columns; c++) out[c * rows + r] = values[r * columns + c];
  return out;
}

/** a[m,k]·b[k,n] in double precision. */
function product(m: number, n: number, depth: number, a: Float32Array, b: Float32Array): Float64Array {
  const c = new Float64Array(m * n);
  for (let i = 0; i < m; i++)
    for (let p = 0; p < depth; p++) {
      const factor = a[i * depth + p];
      for (let j = 0; j < n; j++) c[i * n + j] += factor * b[p * n + j];
    }
  return c;
}

/** The order of sums that gemm.ts promises: single precision, chains of 256, blocks added to C in turn. */
function chained(m: number, n: number, depth: number, a: Float32Array, b: Float32Array, c0?: Float32Array) {
  const c = new Float32Array(m * n);
  for (let i = 0; i < m; i++)
    for (let j = 0; j < n; j++) {
      let sum = c0?.[i * n + j];
      for (let p0 = 0; p0 < depth; p0 += 256) {
        let chain = 0;
        for (let p = p0; p < Math.min(depth, p0 + 256); p++)
          chain = Math.fround(chain + Math.fround(a[i * depth + p] * b[p * n + j]));
        sum = sum === undefined ? chain : Math.fround(sum + chain);
      }
      c[i * n + j] = sum ?? 0;
    }
  return c;
}

interface Case {
  m: number;
  n: number;
  depth: number;
  a: Float32Array;
  b: Float32Array;
  c0?: Float32Array;
  layout?: "nn" | "nt" | "tn";
  gap?: number;
}

/** Lays a case out and runs it: C's address and stride, and the memory as it was before. */
function run({ m, n, depth, a, b, c0, layout = "nn", gap = 0 }: Case) {
  arena.reset();
  const lda = (layout === "tn" ? m : depth) + gap;
  const ldb = (layout === "nt" ? depth : n) + 2 * gap;
  const ldc = n + gap;
  const aAt = arena.region(
    ...sized(layout === "tn" ? spread(transpose(a, m, depth), m, lda) : spread(a, depth, lda)),
  );
  const bAt = arena.region(
    ...sized(layout === "nt" ? spread(transpose(b, depth, n), depth, ldb) : spread(b, n, ldb)),
  );
  const packed = arena.region(k.packedSize(n, depth));
  const c = arena.region(m * ldc);
  if (c0) for (let i = 0; i < m; i++) arena.floats.set(c0.subarray(i * n, (i + 1) * n), c / 4 + i * ldc);
  const before = arena.snapshot();
  if (layout === "nt") k.packRows(packed, bAt, ldb, depth, n);
  else k.packColumns(packed, bAt, ldb, depth, n);
  k.gemm(
    m,
    n,
    depth,
    aAt,
    lda,
    Number(layout === "tn"),
    packed,
    c,
    ldc,
    Number(c0 !== undefined),
    arena.scratch,
  );
  const outputs = [
    { at: packed, rows: 1, width: k.packedSize(n, depth), stride: 0 },
    { at: c, rows: m, width: n, stride: ldc },
  ];
  return { aAt, lda, packed, c, ldc, stray: arena.strayWrite(before, outputs) };
}

function sized(values: Float32Array): [number, Float32Array] {
  return [values.length, values];
}

function matrix(at: number, m: number, n: number, ldc: number): Float32Array {
  const out = new Float32Array(m * n);
  for (let i = 0; i < m; i++) out.set(arena.floats.subarray(at / 4 + i * ldc, at / 4 + i * ldc + n), i * n);
  return out;
}

function firstDifference(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  for (let i = 0; i < expected.length; i++) if (!(found[i] === expected[i])) return i;
  return -1;
}

describe("gemm", () => {
  // Integers make every sum exact, so any wrong, missing or doubled term shows.
  for (const depth of DEPTHS)
    it(`is exact on integers, ${depth} deep, at every shape`, () => {
      const faults: string[] = [];
      for (const n of COLUMNS) {
        const b = whole(depth * n, 8, n);
        for (const m of ROWS) {
          // Every layout with and without accumulation on small shapes; by turns on larger ones.
          const turn = m + n;
          const a = whole(m * depth, 8, turn);
          const expected = product(m, n, depth, a, b);
          for (const [i, layout] of (["nn", "nt", "tn"] as const).entries())
            for (const accumulate of [false, true]) {
              if (m * n * depth > 2e4 && (turn + 2 * i + Number(accumulate)) % 6) continue;
              const c0 = accumulate ? whole(m * n, 1000, turn + 2) : undefined;
              const { c, ldc, stray } = run({ m, n, depth, a, b, c0, layout, gap: 3 });
              const wanted = c0 ? expected.map((x, j) => x + c0[j]) : expected;
              const at = firstDifference(matrix(c, m, n, ldc), wanted);
              const what = `${m}x${n} ${layout}${accumulate ? " accumulating" : ""}`;
              if (at >= 0) faults.push(`${what}: element ${at}`);
              if (stray !== undefined)
                faults.push(`${what}: wrote outside of C at ${stray - c} bytes from it`);
            }
        }
      }
      expect(faults).toEqual([]);
    });

  it("is exact on integers across blocks of 512 columns", () => {
    for (const n of [511, 512, 513, 521])
      for (const m of [2, 5, 43])
        for (const layout of ["nn", "nt", "tn"] as const) {
          const [a, b] = [whole(m * 300, 8, m), whole(300 * n, 8, n)];
          const { c, ldc, stray } = run({ m, n, depth: 300, a, b, layout });
          expect(firstDifference(matrix(c, m, n, ldc), product(m, n, 300, a, b))).toBe(-1);
          expect(stray).toBeUndefined();
        }
  });

  it("sums every element in chains of 256, to the bit, in every layout", () => {
    for (const depth of [1, 3, 255, 256, 257, 513])
      for (const [m, n] of [
        [1, 1],
        [3, 21],
        [49, 20],
        [42, 140],
        [5, 47],
      ])
        for (const layout of ["nn", "nt", "tn"] as const)
          for (const c0 of [undefined, random(m * n, 1, 9)]) {
            const a = random(m * depth, 1, depth);
            const b = random(depth * n, 1, depth + 1);
            const { c, ldc } = run({ m, n, depth, a, b, c0, layout });
            expect(matrix(c, m, n, ldc)).toEqual(chained(m, n, depth, a, b, c0));
          }
  });

  it("stays within rounding of the product in double precision", () => {
    const [m, n, depth] = [13, 45, 513];
    const a = random(m * depth, 1, 3);
    const b = random(depth * n, 1, 4);
    const { c, ldc } = run({ m, n, depth, a, b });
    const bound = product(m, n, depth, a.map(Math.abs), b.map(Math.abs));
    const expected = product(m, n, depth, a, b);
    matrix(c, m, n, ldc).forEach((x, i) => {
      expect(Math.abs(x - expected[i])).toBeLessThan((257 + 3) * 2 ** -24 * bound[i]);
    });
  });

  it("gives the same bits however its rows are split", () => {
    const [m, n, depth] = [97, 46, 300];
    const a = random(m * depth, 1, 5);
    const b = random(depth * n, 1, 6);
    const { aAt, lda, packed, c, ldc } = run({ m, n, depth, a, b });
    const whole = matrix(c, m, n, ldc);
    const parts = arena.region(m * n);
    for (const cut of [1, 2, 3, 4, 39, 40, 42, 96]) {
      k.gemm(cut, n, depth, aAt, lda, 0, packed, parts, n, 0, arena.scratch);
      k.gemm(
        m - cut,
        n,
        depth,
        aAt + 4 * cut * lda,
        lda,
        0,
        packed,
        parts + 4 * cut * n,
        n,
        0,
        arena.scratch,
      );
      expect(arena.read(parts, m * n)).toEqual(whole);
    }
  });

  it("gives the same bits however its columns are split between panels", () => {
    const [m, n, depth] = [43, 150, 300];
    const a = random(m * depth, 1, 5);
    const b = random(depth * n, 1, 6);
    const c0 = random(m * n, 1, 7);
    const { aAt, lda, packed, c, ldc } = run({ m, n, depth, a, b, c0 });
    const whole = matrix(c, m, n, ldc);
    const second = packed + 4 * 256 * k.packedSize(n, 1);
    for (const cut of [8, 16, 64, 128, 144]) {
      const parts = arena.region(m * n, c0);
      for (const [from, columns] of [
        [0, cut],
        [cut, n - cut],
      ])
        for (const [block, panels, start] of [
          [256, packed, 0],
          [depth - 256, second, 256],
        ])
          k.gemm(
            m,
            columns,
            block,
            aAt + 4 * start,
            lda,
            0,
            panels + 4 * block * from,
            parts + 4 * from,
            n,
            1,
            arena.scratch,
          );
      expect(arena.read(parts, m * n)).toEqual(whole);
    }
  });

  it("reads a matrix that ends where the memory ends", () => {
    arena.reset();
    const [n, depth] = [23, 5];
    const b = random(depth * n);
    const packed = arena.region(k.packedSize(n, depth));
    const end = arena.floats.byteLength - 4 * depth * n;
    arena.floats.set(b, end / 4);
    k.packColumns(packed, end, n, depth, n);
    expect(arena.read(packed, 8)).toEqual(b.subarray(0, 8));
    k.packRows(packed, end, depth, depth, n);
    expect(arena.floats[packed / 4 + 1]).toBe(b[depth]);
    k.gemm(n, 1, depth, end, depth, 0, packed, arena.region(n), 1, 0, arena.scratch);
  });

  it("lets a NaN or an infinity through", () => {
    const a = random(3 * 5);
    a[7] = Number.NaN;
    const b = random(5 * 21, 1, 2);
    const { c, ldc } = run({ m: 3, n: 21, depth: 5, a, b });
    const found = matrix(c, 3, 21, ldc);
    expect(found.subarray(21, 42).every(Number.isNaN)).toBe(true);
    expect(found.subarray(0, 21).every(Number.isFinite)).toBe(true);
    expect(found.subarray(42).every(Number.isFinite)).toBe(true);
  });
});

describe("gemv", () => {
  it("has the bits of gemm with one row, and writes y alone", () => {
    for (const depth of DEPTHS)
      for (const n of COLUMNS)
        for (const accumulate of [false, true]) {
          const a = random(depth, 1, depth);
          const b = random(depth * n, 1, n);
          const c0 = accumulate ? random(n, 1, 7) : undefined;
          const { aAt, packed, c } = run({ m: 1, n, depth, a, b, c0 });
          const y = arena.region(n, c0);
          const before = arena.snapshot();
          k.gemv(n, depth, aAt, packed, y, Number(accumulate));
          expect(arena.bits(y, n), `${depth}x${n}`).toEqual(arena.bits(c, n));
          const outputs = [{ at: y, rows: 1, width: n, stride: 0 }];
          expect(arena.strayWrite(before, outputs)).toBeUndefined();
        }
  });

  it("has the bits of every row of a larger product", () => {
    for (const m of [2, 5, 49]) {
      const [n, depth] = [46, 513];
      const { aAt, lda, packed, c, ldc } = run({
        m,
        n,
        depth,
        a: random(m * depth, 1, 8),
        b: random(depth * n, 1, 9),
      });
      const y = arena.region(n);
      for (let i = 0; i < m; i++) {
        k.gemv(n, depth, aAt + 4 * i * lda, packed, y, 0);
        expect(arena.bits(y, n)).toEqual(arena.bits(c + 4 * i * ldc, n));
      }
    }
  });
});

describe("multiplyAddPeak", () => {
  it("does the operations it is counted for", () => {
    arena.reset();
    const at = arena.region(8, [0.5, 0.25]);
    k.multiplyAddPeak(3, at);
    expect(k.peakOperations()).toBe(7 * 2 * 4);
    expect(arena.floats[at / 4 + 4]).toBe(7 * 0.5 ** 4 + 7 * (0.25 + 3 * 0.5));
    expect(arena.read(at, 2)).toEqual(Float32Array.of(0.5, 0.25));
  });
});

describe("gemmPair", () => {
  it("has the bits of two products, and writes nothing beside them", () => {
    for (const [m, n, n2, depth] of [
      [1, 1, 9, 3],
      [83, 24, 13, 257],
      [40, 520, 5, 256],
      [7, 16, 150, 513],
    ]) {
      arena.reset();
      const lda = m + 3;
      const a = arena.region(...sized(spread(random(m * depth, 1, 1), m, lda)));
      const factors = [n, n2].map((columns, i) => {
        const b = arena.region(...sized(random(depth * columns, 1, 2 + i)));
        const packed = arena.region(k.packedSize(columns, depth));
        k.packColumns(packed, b, columns, depth, columns);
        const [ldc, size] = [columns + 2 + i, m * (columns + 2 + i)];
        return { columns, packed, ldc, to: arena.region(size), alone: arena.region(size) };
      });
      for (const { columns, packed, ldc, alone } of factors)
        k.gemm(m, columns, depth, a, lda, 1, packed, alone, ldc, 0, arena.scratch);
      const before = arena.snapshot();
      const of = ({ columns, packed, ldc, to }: (typeof factors)[0]) => [columns, packed, to, ldc] as const;
      k.gemmPair(m, depth, a, lda, ...of(factors[0]), ...of(factors[1]), arena.scratch);
      const outputs = factors.map(({ to, columns, ldc }) => ({
        at: to,
        rows: m,
        width: columns,
        stride: ldc,
      }));
      expect(arena.strayWrite(before, outputs)).toBeUndefined();
      for (const { columns, ldc, to, alone } of factors)
        expect(matrix(to, m, columns, ldc)).toEqual(matrix(alone, m, columns, ldc));
    }
  });
});
