/**
 * Training throughput on one thread: IVON, Bayes by Backprop and SGD against Adam, and Adam and IVON with products of
 * integers, step by step in turn, so that a drift of the machine's speed cancels; and PyTorch, in blocks in turn,
 * where the machine has it.
 *
 *   npm run bench:training -- [--model A|B] [--seconds 20] [--json]
 */
import { spawnSync } from "node:child_process";
import { parseArgs } from "node:util";
import "../src/kernels/embedded.ts";
import { adam, bbb, ivon, type Method, sgd } from "../src/inference/public.ts";
import type { ProductForm } from "../src/kernels/forms.ts";
import { SHAPES } from "./peers/shapes.ts";
import { randomTokens, STILL, step, trainerOf } from "./run.ts";

const { values } = parseArgs({
  allowPositionals: true,
  options: {
    model: { type: "string", default: "A" },
    seconds: { type: "string", default: "20" },
    json: { type: "boolean", default: false },
  },
});
const SHAPE = SHAPES[values.model === "B" ? "B" : "A"];
const TOKENS = SHAPE.batch * SHAPE.sequence;
const METHODS: Record<string, { readonly method: Method; readonly products?: ProductForm }> = {
  adam: { method: adam(STILL) },
  ivon: { method: ivon(STILL) },
  bbb: { method: bbb(STILL) },
  sgd: { method: sgd(STILL) },
  "adam, int16": { method: adam(STILL), products: "int16" },
  "ivon, int16": { method: ivon(STILL), products: "int16" },
};

function timedStep({ method, products }: (typeof METHODS)[string]): () => number {
  const run = { ...SHAPE, products };
  const trainer = trainerOf(run, method);
  return () => {
    const [inputs, targets] = [randomTokens(run), randomTokens(run)];
    const started = performance.now();
    step(trainer, inputs, targets);
    return performance.now() - started;
  };
}

function median(values: readonly number[]): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[sorted.length >> 1];
}

function pytorch(seconds: number): { tokensPerSecond: number; version: string } | null {
  for (const python of ["/usr/bin/python3", "python3"]) {
    const flags = Object.entries({ ...SHAPE, seconds }).flatMap(([name, value]) => [`--${name}`, `${value}`]);
    const { status, stdout } = spawnSync(python, ["bench/pytorch/train.py", ...flags], {
      encoding: "utf8",
      env: { ...process.env, OPENBLAS_NUM_THREADS: "1", OMP_NUM_THREADS: "1" },
    });
    if (status === 0) return JSON.parse(stdout.trim().split("\n").at(-1)!);
  }
  return null;
}

const seconds = Number(values.seconds);
const steps = Object.fromEntries(Object.entries(METHODS).map(([name, how]) => [name, timedStep(how)]));
const times: Record<string, number[]> = Object.fromEntries(Object.keys(METHODS).map((name) => [name, []]));
for (let i = 0; i < 10; i++) for (const step of Object.values(steps)) step();
const peers: number[] = [];
let version = "";
const ROUNDS = 3;
for (let round = 0; round < ROUNDS; round++) {
  const until = performance.now() + (seconds * 1000) / ROUNDS;
  while (performance.now() < until)
    for (const [name, step] of Object.entries(steps)) times[name].push(step());
  const peer = pytorch(Math.max(3, seconds / ROUNDS / 2));
  if (peer) {
    peers.push(peer.tokensPerSecond);
    version = peer.version;
  }
}

const rows = Object.entries(times).map(([name, all]) => ({
  method: name,
  millisecondsPerStep: median(all),
  tokensPerSecond: (1000 * TOKENS) / median(all),
  // Of neighbours in time, then the median: the machine is the same for both halves of a pair.
  ratioToAdam: median(all.map((t, i) => t / times.adam[i])),
}));
const theirs = peers.length ? median(peers) : null;
const against = (name: string) => (1000 * TOKENS) / median(times[name]) / theirs!;
const result = {
  shape: SHAPE,
  rows,
  pytorch:
    theirs === null
      ? null
      : { version, tokensPerSecond: theirs, ratio: against("adam"), ratioInt16: against("adam, int16") },
};
if (values.json) console.log(JSON.stringify(result));
else {
  const { vocabulary, embedding, hidden, layers, batch, sequence } = SHAPE;
  const shape = `vocabulary ${vocabulary}, embedding ${embedding}, ${layers} × ${hidden}`;
  console.log(`${shape}, batch ${batch}, ${sequence} steps, one thread; medians`);
  for (const r of rows)
    console.log(
      `${r.method.padEnd(12)}${r.millisecondsPerStep.toFixed(2).padStart(9)} ms/step ${Math.round(r.tokensPerSecond).toString().padStart(8)} tokens/s   ${r.ratioToAdam.toFixed(3)} × Adam's step`,
    );
  if (result.pytorch)
    console.log(
      `PyTorch ${version}: ${Math.round(result.pytorch.tokensPerSecond)} tokens/s; ours by Adam is ${result.pytorch.ratio.toFixed(2)} × that, with int16 ${result.pytorch.ratioInt16.toFixed(2)} ×`,
    );
  else console.log("PyTorch is not installed here: no comparison");
}
