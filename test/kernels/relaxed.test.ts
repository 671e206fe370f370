/**
 * The relaxed build: the same source with fused products. Its products are right at every odd shape and agree with
 * each other to the bit; everything outside of products has the bits of the simd build.
 */
import v8 from "node:v8";
import { describe, expect, it } from "vitest";
import { relaxedText } from "../../src/kernels/generated/relaxed.ts";
import { kernelsOf } from "../../src/kernels/kernels.ts";
import { bytesOfText } from "../../src/kernels/printable.ts";
import { Arena, random, whole } from "./matrix.ts";

// V8 has relaxed SIMD behind a flag until 11.4, the one of Node 20.
if (!WebAssembly.validate(bytesOfText(relaxedText)))
  v8.setFlagsFromString("--experimental-wasm-relaxed-simd");

const relaxed = new Arena(
  24 * 2 ** 20,
  kernelsOf("relaxed", () => bytesOfText(relaxedText)),
);
const simd = new Arena();

function product(m: number, n: number, depth: number, a: Float32Array, b: Float32Array): Float64Array {
  const c = new Float64Array(m * n);
  for (let i = 0; i < m; i++)
    for (let p = 0; p < depth; p++)
      for (let j = 0; j < n; j++) c[i * n + j] += a[i * depth + p] * b[p * n + j];
  return c;
}

function multiply(arena: Arena, m: number, n: number, depth: number, a: Float32Array, b: Float32Array) {
  arena.reset();
  const { k } = arena;
  const [aAt, bAt] = [arena.region(m * depth, a), arena.region(depth * n, b)];
  const packed = arena.region(k.packedSize(n, depth));
  const c = arena.region(m * n);
  k.packColumns(packed, bAt, n, depth, n);
  k.gemm(m, n, depth, aAt, depth, 0, packed, c, n, 0, arena.scratch);
  return { aAt, packed, c };
}

describe("relaxed products", () => {
  it("are exact on integers at odd shapes", () => {
    const faults: string[] = [];
    for (const depth of [1, 2, 3, 4, 5, 255, 256, 257])
      for (const n of [1, 3, 4, 7, 8, 9, 31, 33, 129])
        for (const m of [1, 2, 3, 4, 5, 6, 8, 41, 43]) {
          const [a, b] = [whole(m * depth, 8, m), whole(depth * n, 8, n)];
          const { c } = multiply(relaxed, m, n, depth, a, b);
          const expected = product(m, n, depth, a, b);
          const found = relaxed.read(c, m * n);
          if (!expected.every((x, i) => x === found[i])) faults.push(`${m}x${n}x${depth}`);
        }
    expect(faults).toEqual([]);
  });

  it("stay within rounding of the product in double precision", () => {
    const [m, n, depth] = [13, 45, 513];
    const [a, b] = [random(m * depth, 1, 3), random(depth * n, 1, 4)];
    const { c } = multiply(relaxed, m, n, depth, a, b);
    const bound = product(m, n, depth, a.map(Math.abs), b.map(Math.abs));
    const expected = product(m, n, depth, a, b);
    relaxed.read(c, m * n).forEach((x, i) => {
      expect(Math.abs(x - expected[i])).toBeLessThan((257 + 3) * 2 ** -24 * bound[i]);
    });
  });

  it("have the same bits row by row, by gemv, and however rows are split", () => {
    const [m, n, depth] = [43, 46, 300];
    const [a, b] = [random(m * depth, 1, 5), random(depth * n, 1, 6)];
    const { aAt, packed, c } = multiply(relaxed, m, n, depth, a, b);
    const [parts, y] = [relaxed.region(m * n), relaxed.region(n)];
    for (let i = 0; i < m; i++) {
      relaxed.k.gemv(n, depth, aAt + 4 * i * depth, packed, y, 0);
      expect(relaxed.bits(y, n)).toEqual(relaxed.bits(c + 4 * i * n, n));
    }
    for (const cut of [1, 3, 5, 39, 41]) {
      const rows = [
        [0, cut],
        [cut, m - cut],
      ];
      for (const [from, count] of rows)
        relaxed.k.gemm(
          count,
          n,
          depth,
          aAt + 4 * from * depth,
          depth,
          0,
          packed,
          parts + 4 * from * n,
          n,
          0,
          relaxed.scratch,
        );
      expect(relaxed.bits(parts, m * n)).toEqual(relaxed.bits(c, m * n));
    }
  });
});

describe("the rest of the relaxed build", () => {
  /** Runs on both builds; returns the bits of what it wrote. */
  function both(run: (arena: Arena) => number[]): [Uint32Array[], Uint32Array[]] {
    const bits = (arena: Arena) => {
      arena.reset();
      return run(arena).map((at) => arena.bits(at, 300));
    };
    return [bits(relaxed), bits(simd)];
  }

  it("has the bits of the simd build: elementary functions, cells, losses, draws, optimisers", () => {
    const n = 300;
    const fill = (arena: Arena, count: number) =>
      Array.from({ length: count }, (_, i) => arena.region(4 * n, random(4 * n, 2, i + 1)));
    const runs: ((arena: Arena) => number[])[] = [
      (r) => {
        const [x, ...out] = fill(r, 5);
        r.k.expArray(out[0], x, n);
        r.k.tanhArray(out[1], x, n);
        r.k.sigmoidArray(out[2], x, n);
        r.k.softplusArray(out[3], x, n);
        return out;
      },
      (r) => {
        const [gates, bias, before, c, h, dh, dc] = fill(r, 7);
        r.k.lstmForward(gates, bias, before, c, h, 4, 75);
        r.k.lstmBackward(gates, before, c, dh, dc, 4, 75);
        return [gates, c, h, dc];
      },
      (r) => {
        const [logits, bias, nll] = fill(r, 3);
        const targets = r.indices([1, 2, 3]);
        r.k.crossEntropy(logits, bias, targets, nll, 3, 97, 100, 0.3);
        return [logits];
      },
      (r) => {
        const [theta, mean, spread, u, g] = fill(r, 5);
        r.k.expArray(spread, spread, n);
        r.k.sampleNatural(theta, mean, spread, n, 1e-3, 0.1, 0, 1, 2, 3, 4, 5);
        r.k.ivonStep(mean, spread, u, theta, g, 0, n, 0.1, 0.9, 1, 1, 0.01, 1, 0, 4, 1e-3, 1e-3, 1);
        r.k.adamStep(theta, u, spread, g, n, 0.1, 0.9, 0.999, 1e-8, 1, 1, 1, 0);
        return [theta, mean, spread, u];
      },
    ];
    for (const run of runs) {
      const [found, expected] = both(run);
      expect(found).toEqual(expected);
    }
  });
});
