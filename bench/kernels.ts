/**
 * The kernels at the shapes of LSTM language models, on one core: GFLOP/s of the products, and the share of the
 * peak measured between them, in the same run: multiply, then add, or fused where the build is `relaxed`. Rates of
 * everything else. Medians, in rounds, for a shared machine.
 *
 *   npm run bench -- [--kernels simd|relaxed] [--products float32|int16] [--milliseconds 400] [--rounds 8] [--json]
 *
 * Of int16 a vector holds twice as many: their share is that of twice the peak of multiply, then add.
 */

import { parseArgs } from "node:util";
import { Bench } from "tinybench";
import { compile } from "../src/kernels/compile.ts";
import { relaxedText } from "../src/kernels/generated/relaxed.ts";
import { simdText } from "../src/kernels/generated/simd.ts";
import { KernelInstance } from "../src/kernels/instance.ts";
import { kernelsOf } from "../src/kernels/kernels.ts";
import { bytesOfText } from "../src/kernels/printable.ts";
import { TRAINING } from "../src/kernels/training.ts";
import { kernelsOfForm } from "../test/kernels/forms.ts";
import { PRODUCTS, type Product } from "./products.ts";

const { values } = parseArgs({
  options: {
    milliseconds: { type: "string", default: "400" },
    rounds: { type: "string", default: "8" },
    kernels: { type: "string", default: "simd" },
    products: { type: "string", default: "float32" },
    json: { type: "boolean", default: false },
  },
});
const BUILDS: Record<string, string> = { simd: simdText, relaxed: relaxedText };
const build = values.kernels === "relaxed" ? "relaxed" : "simd";
if (!BUILDS[values.kernels]) throw new Error(`There is no build ${values.kernels}: simd or relaxed`);

/** Floats for the largest case, twice over. */
const MEMORY = 128 * 2 ** 20;
const ROUNDS_OF_PEAK = 20_000;
/** Operations a measured call holds at least, so that the clock's own cost does not show. */
const OPERATIONS = 4e6;

interface Task {
  name: string;
  shape: string;
  /** What a call does: operations, bytes, or items, whose time in ns is shown. */
  count: number;
  unit: "GFLOP/s" | "GB/s" | "ns";
  run: () => void;
  /** Seconds of every call measured. */
  times: number[];
}

const instance = new KernelInstance(
  TRAINING,
  kernelsOf(build, () => compile(bytesOfText(BUILDS[build]))),
);
instance.reserve(MEMORY);
const form = values.products === "int16" ? "int16" : "float32";
const k = kernelsOfForm(instance.exports, form);
const floats = new Float32Array(instance.memory.buffer);
let state = 1;
for (let i = Math.ceil(k.heapBase() / 4); i < floats.length; i++) {
  state = (Math.imul(state, 1664525) + 1013904223) | 0;
  floats[i] = state / 2 ** 31;
}

function layOut(...counts: number[]): number[] {
  let top = (k.heapBase() + 63) & ~63;
  return counts.map((count) => {
    const at = top;
    top = Math.ceil((top + 4 * count) / 64) * 64 + 64;
    return at;
  });
}

/** Repeats a call until it holds enough operations; returns how often. */
function repeated(operations: number, run: () => void): { times: number; run: () => void } {
  const times = Math.ceil(OPERATIONS / operations);
  return {
    times,
    run: () => {
      for (let i = 0; i < times; i++) run();
    },
  };
}

function product({ name, m, n, k: depth, transposed }: Product): Task {
  const [scratch, a, b, c] = layOut(k.gemmScratchSize() / 4, m * depth, k.packedSize(n, depth), m * n);
  const { times, run } = repeated(
    2 * m * n * depth,
    m === 1 && form === "float32"
      ? () => k.gemv(n, depth, a, b, c, 0)
      : () =>
          k.gemm(m, n, depth, a, transposed ? m : depth, Number(transposed ?? false), b, c, n, 0, scratch),
  );
  const shape = `${m} × ${n} × ${depth}${transposed ? ", A transposed" : ""}`;
  return {
    name,
    shape,
    count: times * 2 * m * n * depth,
    unit: "GFLOP/s",
    run,
    times: [],
  };
}

function others(): Task[] {
  const [batch, hidden, vocabulary, rows] = [20, 256, 96, 700];
  const at = layOut(
    4 * batch * hidden,
    4 * hidden,
    ...Array(5).fill(batch * hidden),
    rows * vocabulary,
    rows,
    rows,
  );
  const [gates, bias, cPrev, c, h, dh, dc, logits, targets, nll] = at;
  const ids = new Int32Array(instance.memory.buffer, targets, rows);
  const weights = layOut(1024 * 256, k.packedSize(1024, 256));
  const task = (name: string, shape: string, count: number, unit: Task["unit"], run: () => void): Task => {
    const again = repeated(50 * count, run);
    return { name, shape, count: again.times * count, unit, run: again.run, times: [] };
  };
  const units = batch * hidden;
  return [
    task("pack weights, transposed", "1024 × 256", 4 * 1024 * 256, "GB/s", () =>
      k.packRows(weights[1], weights[0], 256, 256, 1024),
    ),
    task("pack weights", "256 × 1024", 4 * 1024 * 256, "GB/s", () =>
      k.packColumns(weights[1], weights[0], 1024, 256, 1024),
    ),
    task("LSTM cell, a unit", `${batch} × ${hidden}`, units, "ns", () =>
      k.lstmForward(gates, bias, cPrev, c, h, batch, hidden),
    ),
    // Together, for the gradients it leaves in place of the gates would shrink into denormals.
    task("LSTM cell and back, a unit", `${batch} × ${hidden}`, units, "ns", () => {
      k.lstmForward(gates, bias, cPrev, c, h, batch, hidden);
      k.lstmBackward(gates, cPrev, c, dh, dc, batch, hidden);
    }),
    task("cross-entropy, a logit", `${rows} × ${vocabulary}`, rows * vocabulary, "ns", () => {
      ids.fill(0);
      k.crossEntropy(logits, bias, targets, nll, rows, vocabulary, vocabulary, 1 / rows);
    }),
  ];
}

/** The passes over the flat vector, a million weights each, in memory that no other case writes. */
function passes(): Task[] {
  const n = 2 ** 20;
  const [, theta, mean, h, u, g, v] = layOut(2 ** 24, n, n, n, n, n, n);
  floats.fill(0.1, h / 4, h / 4 + n);
  floats.fill(0.1, v / 4, v / 4 + n);
  const task = (name: string, run: () => void): Task => ({
    name: `${name}, a weight`,
    shape: `${n}`,
    count: n,
    unit: "ns",
    run,
    times: [],
  });
  return [
    task("posterior sample", () => k.sampleNatural(theta, mean, h, n, 1e-4, 1e-3, 0, 1, 0, 1, 0, 0)),
    task("IVON", () =>
      k.ivonStep(mean, h, u, theta, g, 0, n, 1e-9, 0.9, 1, 1e-3, 1e-6, 1, 0, 4, 1e-4, 1e-4, 1),
    ),
    task("Adam", () => k.adamStep(mean, u, v, g, n, 1e-9, 0.9, 0.999, 1e-8, 1, 1, 1, 0)),
    task("SGD", () => k.sgdStep(mean, u, g, n, 1e-9, 0.9, 1e-3, 0)),
    task("sum of squares", () => k.sumSquares(g, n)),
  ];
}

function peak(): Task {
  const [at] = layOut(8);
  const run = () => {
    floats[at / 4] = 1;
    floats[at / 4 + 1] = 0.001;
    k.multiplyAddPeak(ROUNDS_OF_PEAK, at);
  };
  return {
    name: build === "relaxed" ? "multiply and add, fused" : "multiply, then add",
    shape: "registers",
    count: k.peakOperations() * ROUNDS_OF_PEAK,
    unit: "GFLOP/s",
    run,
    times: [],
  };
}

const tasks = [peak(), ...PRODUCTS.map(product), ...others(), ...passes()];
const rounds = Number(values.rounds);
for (let round = 0; round < rounds; round++) {
  const bench = new Bench({
    time: Number(values.milliseconds) / rounds,
    warmupTime: round === 0 ? 50 : 5,
    iterations: 2,
    retainSamples: true,
    throws: true,
  });
  // Every case has the memory to itself while it runs; what the others leave there are small numbers too.
  for (const task of tasks) bench.add(`${task.name} ${task.shape}`, task.run);
  await bench.run();
  for (const [i, { result }] of bench.tasks.entries())
    if ("latency" in result) tasks[i].times.push(...(result.latency.samples ?? []).map((t) => t / 1000));
}

function value({ count, unit, times }: Task): number {
  const sorted = Float64Array.from(times).sort();
  const median = sorted[sorted.length >> 1];
  return unit === "ns" ? (median / count) * 1e9 : count / median / 1e9;
}

/** The best tenth of the calls: what the machine does undisturbed, without the one call that a clock flatters. */
const undisturbed = Float64Array.from(tasks[0].times).sort()[Math.floor(tasks[0].times.length / 10)];
const peakGflops = tasks[0].count / undisturbed / 1e9;
const most = form === "int16" ? 2 * peakGflops : peakGflops;
for (const task of tasks) {
  const share =
    task.unit === "GFLOP/s"
      ? `${Math.round((100 * value(task)) / (task === tasks[0] ? peakGflops : most))} %`.padStart(6)
      : "";
  const figure = (task === tasks[0] ? peakGflops : value(task)).toFixed(task.unit === "ns" ? 2 : 1);
  console.log(
    `${task.name.padEnd(30)}${task.shape.padEnd(32)}${figure.padStart(7)} ${task.unit.padEnd(8)}${share}`,
  );
}
if (values.json) {
  const measured = tasks
    .filter((task) => task.unit === "GFLOP/s")
    .map((task) => ({
      name: task.name,
      shape: task.shape,
      gflops: value(task),
      share: value(task) / (task === tasks[0] ? peakGflops : most),
    }));
  const rest = tasks
    .filter((task) => task.unit !== "GFLOP/s")
    .map((task) => ({ name: task.name, shape: task.shape, value: value(task), unit: task.unit }));
  console.log(
    JSON.stringify({
      build,
      form,
      runtime: process.versions.bun ? "bun" : process.version,
      peakGflops,
      products: measured,
      rest,
    }),
  );
}
