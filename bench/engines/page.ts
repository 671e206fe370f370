/** @module Times the products in a page, and the peak between them; sends medians to the server that it came from. */

import type { KernelExports } from "../../src/kernels/generated/signatures.ts";
import { simdText } from "../../src/kernels/generated/simd.ts";
import { bytesOfText } from "../../src/kernels/printable.ts";
import { kernelsOfForm } from "../../test/kernels/forms.ts";
import { PRODUCTS } from "../products.ts";

/** A timed call is long against a page's clock, which may be as coarse as a millisecond. */
const LEAST_MILLISECONDS = 40;
const ROUNDS = 9;

const { instance } = await WebAssembly.instantiate(bytesOfText(simdText) as BufferSource);
const exports = instance.exports as unknown as KernelExports;
/** Of floats, or of int16, as the page's address says. */
const form = location.search === "?int16" ? "int16" : "float32";
const k = kernelsOfForm(exports, form);
const START = (k.heapBase() + 63) & ~63;
k.memory.grow(1024);
const floats = new Float32Array(k.memory.buffer);
for (let i = START / 4; i < floats.length; i++) floats[i] = ((i * 7919) % 1000) / 1000 - 0.5;

interface Case {
  readonly name: string;
  readonly operations: number;
  readonly run: () => void;
  times: number;
  readonly gflops: number[];
}

function product({ name, m, n, k: depth, transposed }: (typeof PRODUCTS)[number]): Case {
  const a = START + k.gemmScratchSize() + 64;
  const b = a + 4 * m * depth + 64;
  const c = b + 4 * k.packedSize(n, depth) + 64;
  const run = () =>
    m === 1 && form === "float32"
      ? k.gemv(n, depth, a, b, c, 0)
      : k.gemm(m, n, depth, a, transposed ? m : depth, Number(transposed ?? false), b, c, n, 0, START);
  return { name, operations: 2 * m * n * depth, run, times: 1, gflops: [] };
}

const at = floats.length * 4 - 64;
floats.set([1, 0.001], at / 4);
const ROUNDS_OF_PEAK = 20_000;
const peak: Case = {
  name: "peak",
  operations: ROUNDS_OF_PEAK * k.peakOperations(),
  run: () => k.multiplyAddPeak(ROUNDS_OF_PEAK, at),
  times: 1,
  gflops: [],
};

function milliseconds({ run, times }: Case): number {
  const started = performance.now();
  for (let i = 0; i < times; i++) run();
  return performance.now() - started;
}

const cases = [peak, ...PRODUCTS.map(product)];
for (const one of cases) while (milliseconds(one) < LEAST_MILLISECONDS) one.times *= 2;
for (let round = 0; round < ROUNDS; round++)
  for (const one of cases) one.gflops.push((one.operations * one.times) / milliseconds(one) / 1e6);
const median = (numbers: readonly number[]) => Float64Array.from(numbers).sort()[numbers.length >> 1];
const result = {
  engine: navigator.userAgent,
  peakGflops: Math.max(...peak.gflops),
  products: cases.slice(1).map(({ name, gflops }) => ({ name, gflops: median(gflops) })),
};
await fetch("/result", { method: "POST", body: JSON.stringify(result) });
