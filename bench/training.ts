/**
 * Training throughput on one thread: IVON, Bayes by Backprop and SGD against Adam, step by step in turn, so that
 * a drift of the machine's speed cancels; and PyTorch, in blocks in turn, where the machine has it.
 *
 *   npm run bench:training -- [--seconds 20] [--json]
 */
import { spawnSync } from "node:child_process";
import { parseArgs } from "node:util";
import "../src/kernels/embedded.ts";
import { adam, bayesByBackprop, ivon, type Method, sgd } from "../src/inference/method.ts";
import { randomTokens, STILL, step, trainerOf } from "./run.ts";

const { values } = parseArgs({
  allowPositionals: true,
  options: { seconds: { type: "string", default: "20" }, json: { type: "boolean", default: false } },
});
const SHAPE = { vocabulary: 96, embedding: 128, hidden: 256, layers: 2 };
const [BATCH, SEQUENCE] = [20, 35];
const RUN = { ...SHAPE, batch: BATCH, sequence: SEQUENCE };
const METHODS: Record<string, Method> = {
  adam: adam(STILL),
  ivon: ivon(STILL),
  bbb: bayesByBackprop(STILL),
  sgd: sgd(STILL),
};

function timedStep(method: Method): () => number {
  const trainer = trainerOf(RUN, method);
  return () => {
    const [inputs, targets] = [randomTokens(RUN), randomTokens(RUN)];
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
    const { status, stdout } = spawnSync(python, ["bench/pytorch/train.py", "--seconds", String(seconds)], {
      encoding: "utf8",
      env: { ...process.env, OPENBLAS_NUM_THREADS: "1", OMP_NUM_THREADS: "1" },
    });
    if (status === 0) return JSON.parse(stdout.trim().split("\n").at(-1)!);
  }
  return null;
}

const seconds = Number(values.seconds);
const steps = Object.fromEntries(Object.entries(METHODS).map(([name, method]) => [name, timedStep(method)]));
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

const adamStep = median(times.adam);
const rows = Object.entries(times).map(([name, all]) => ({
  method: name,
  millisecondsPerStep: median(all),
  tokensPerSecond: (1000 * BATCH * SEQUENCE) / median(all),
  // Of neighbours in time, then the median: the machine is the same for both halves of a pair.
  ratioToAdam: median(all.map((t, i) => t / times.adam[i])),
}));
const theirs = peers.length ? median(peers) : null;
const result = {
  shape: { ...SHAPE, batch: BATCH, sequence: SEQUENCE },
  rows,
  pytorch:
    theirs === null
      ? null
      : { version, tokensPerSecond: theirs, ratio: (1000 * BATCH * SEQUENCE) / adamStep / theirs },
};
if (values.json) console.log(JSON.stringify(result));
else {
  console.log(`vocabulary 96, embedding 128, 2 × 256, batch 20, 35 steps, one thread; medians`);
  for (const r of rows)
    console.log(
      `${r.method.padEnd(8)}${r.millisecondsPerStep.toFixed(2).padStart(9)} ms/step ${Math.round(r.tokensPerSecond).toString().padStart(8)} tokens/s   ${r.ratioToAdam.toFixed(3)} × Adam's step`,
    );
  if (result.pytorch)
    console.log(
      `PyTorch ${version}: ${Math.round(result.pytorch.tokensPerSecond)} tokens/s; ours by Adam is ${result.pytorch.ratio.toFixed(2)} × that`,
    );
  else console.log("PyTorch is not installed here: no comparison");
}
