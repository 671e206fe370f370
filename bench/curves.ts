/**
 * What a training step costs as one size grows and the others stay: the shape of the curve, and the memory beside it.
 *
 *   npm run bench:curves -- [--seconds 1] [--only hidden] [--json]
 *
 * From vocabulary 96, embedding 128, 1 × 256, batch 20, 35 steps; Adam; medians of steps.
 */
import { parseArgs } from "node:util";
import "../src/kernels/embedded.ts";
import { adam } from "../src/inference/method.ts";
import { randomPosterior, randomTokens, step as runStep, trainerOf } from "./run.ts";

const { values } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: "string", default: "1" },
    only: { type: "string" },
    json: { type: "boolean", default: false },
  },
});

const BASE = { vocabulary: 96, embedding: 128, hidden: 256, layers: 1, batch: 20, sequence: 35 };
type Sizes = typeof BASE;
const CURVES: Readonly<Record<string, readonly number[]>> = {
  hidden: [32, 64, 128, 256, 512, 1024],
  vocabulary: [100, 1000, 10_000, 100_000],
  batch: [1, 4, 16, 64, 256],
  sequence: [4, 16, 64, 256],
  layers: [1, 2, 3, 4],
};

interface Point {
  readonly curve: string;
  readonly value: number;
  readonly parameters: number;
  readonly tokensPerSecond: number;
  readonly microsecondsPerToken: number;
  /** Of wasm memory, all that a run needs. */
  readonly megabytes: number;
}

function measure(curve: string, value: number): Point {
  const sizes: Sizes = { ...BASE, [curve]: value };
  const { batch, sequence } = sizes;
  const posterior = randomPosterior(sizes);
  const trainer = trainerOf(sizes, adam(), undefined, posterior);
  const [inputs, targets] = [randomTokens(sizes), randomTokens(sizes)];
  const seconds: number[] = [];
  for (let spent = 0, step = 0; spent < Number(values.seconds) || step < 4; step++) {
    const started = performance.now();
    runStep(trainer, inputs, targets);
    const took = (performance.now() - started) / 1000;
    // The first step compiles, and touches memory for the first time.
    if (step > 0) {
      seconds.push(took);
      spent += took;
    }
  }
  const median = seconds.sort((a, b) => a - b)[seconds.length >> 1];
  return {
    curve,
    value,
    parameters: posterior.layout.parameters,
    tokensPerSecond: (batch * sequence) / median,
    microsecondsPerToken: (1e6 * median) / (batch * sequence),
    megabytes: trainer.bytes / 1e6,
  };
}

const points: Point[] = [];
for (const [curve, sizes] of Object.entries(CURVES)) {
  if (values.only && values.only !== curve) continue;
  if (!values.json) console.log(`\n${curve.padEnd(12)}parameters   tokens/s   µs a token   MB`);
  for (const size of sizes) {
    const point = measure(curve, size);
    points.push(point);
    if (!values.json)
      console.log(
        `${String(size).padEnd(12)}${point.parameters.toLocaleString("en").padStart(10)}${Math.round(point.tokensPerSecond).toLocaleString("en").padStart(11)}${point.microsecondsPerToken.toFixed(1).padStart(13)}${point.megabytes.toFixed(0).padStart(6)}`,
      );
  }
}
if (values.json) console.log(JSON.stringify({ points }));
