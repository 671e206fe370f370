/**
 * What a training step costs as one size grows and the others stay: the shape of the curve, and the memory beside it.
 *
 *   npm run bench:curves -- [--seconds 1] [--only hidden] [--json]
 *
 * From vocabulary 96, embedding 128, 1 × 256, batch 20, 35 steps; Adam; medians of steps. Over the text's length
 * a whole `fit` is timed, on bytes that are made as they are read, of which no more than 2¹⁴ tokens may be kept.
 */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { adam, byteTokenizer, Corpus, fit, LanguageModel } from "../src/entries/index.ts";
import { threads } from "../src/entries/threads.ts";
import { defaultKernels } from "../src/kernels/kernels.ts";
import { randomPosterior, randomTokens, step as runStep, trainerOf } from "./run.ts";

const { values } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: "string", default: "1" },
    only: { type: "string" },
    json: { type: "boolean", default: false },
  },
});

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

const BASE = { vocabulary: 96, embedding: 128, hidden: 256, layers: 1, batch: 20, sequence: 35 };
type Sizes = typeof BASE;
const CURVES: Readonly<Record<string, readonly number[]>> = {
  hidden: [32, 64, 128, 256, 512, 1024],
  vocabulary: [100, 1000, 10_000, 100_000],
  batch: [1, 4, 16, 64, 256],
  sequence: [4, 16, 64, 256],
  layers: [1, 2, 3, 4],
  threads: Array.from({ length: availableParallelism() }, (_, i) => i + 1),
  text: [20_000, 200_000, 2_000_000],
};

interface Point {
  readonly curve: string;
  readonly value: number;
  readonly parameters: number;
  readonly tokensPerSecond: number;
  readonly microsecondsPerToken: number;
  /** Of wasm memory, all that a run needs; over the text's length of buffers and heap, after a collection. */
  readonly megabytes: number;
}

async function measure(curve: string, value: number): Promise<Point> {
  if (curve === "text") return measureText(value);
  const sizes: Sizes = { ...BASE, [curve]: value };
  const { batch, sequence } = sizes;
  const posterior = randomPosterior(sizes);
  const kernels = curve === "threads" && value > 1 ? await threads({ count: value }) : null;
  const trainer = trainerOf(sizes, adam(), kernels ?? defaultKernels(), posterior);
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
  await kernels?.dispose();
  const { parameters } = posterior.layout;
  return point(curve, value, parameters, median(seconds) / (batch * sequence), trainer.bytes);
}

function point(curve: string, value: number, parameters: number, seconds: number, bytes: number): Point {
  return {
    curve,
    value,
    parameters,
    tokensPerSecond: 1 / seconds,
    microsecondsPerToken: 1e6 * seconds,
    megabytes: bytes / 1e6,
  };
}

/** A text of so many bytes, made anew whenever it is read. */
function textOf(size: number) {
  const read = async (start: number, end: number) =>
    Uint8Array.from({ length: end - start }, (_, i) => 32 + (Math.imul(start + i, 2654435761) >>> 26));
  return { size, read };
}

async function measureText(tokens: number): Promise<Point> {
  const { batch, sequence, vocabulary: _, ...shape } = BASE;
  const tokenizer = byteTokenizer();
  const corpus = await Corpus.open(textOf(tokens), { tokenizer, cacheTokens: 2 ** 14 });
  const model = await LanguageModel.create({ tokenizer, ...shape, seed: 1 });
  const seconds: number[] = [];
  let bytes = 0;
  let last = performance.now();
  for await (const { step } of fit(model, corpus, { inference: adam(), batch, sequence, epochs: 1000 })) {
    const now = performance.now();
    if (step > 1) seconds.push((now - last) / 1000);
    if (seconds.length > 4 && sum(seconds) > Number(values.seconds)) {
      collect();
      const { heapUsed, arrayBuffers } = process.memoryUsage();
      bytes = heapUsed + arrayBuffers;
      break;
    }
    last = performance.now();
  }
  return point("text", tokens, model.layout.parameters, median(seconds) / (batch * sequence), bytes);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}

function median(numbers: readonly number[]): number {
  return Float64Array.from(numbers).sort()[numbers.length >> 1];
}

const points: Point[] = [];
for (const [curve, sizes] of Object.entries(CURVES)) {
  if (values.only && values.only !== curve) continue;
  if (!values.json) console.log(`\n${curve.padEnd(12)}parameters   tokens/s   µs a token   MB`);
  for (const size of sizes) {
    const found = await measure(curve, size);
    points.push(found);
    if (!values.json)
      console.log(
        `${String(size).padEnd(12)}${found.parameters.toLocaleString("en").padStart(10)}${Math.round(found.tokensPerSecond).toLocaleString("en").padStart(11)}${found.microsecondsPerToken.toFixed(1).padStart(13)}${found.megabytes.toFixed(0).padStart(6)}`,
      );
  }
}
if (values.json) console.log(JSON.stringify({ points }));
