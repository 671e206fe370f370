/**
 * @module The portable benchmark: the same work on every runtime, with a hash that proves it was the same.
 *
 * Model A of docs/lab/README.md: vocabulary 96, embedding 128, 2 × 256 units, batch 20, 35 timesteps.
 */

import { littleEndianBytes } from "./formats/endian.ts";
import { Sha256 } from "./formats/sha256.ts";
import { ivon } from "./inference/public.ts";
import { FORM } from "./kernels/forms.ts";
import { KernelInstance } from "./kernels/instance.ts";
import { defaultKernels, type Kernels, prepareKernels } from "./kernels/kernels.ts";
import { MemoryPlan } from "./kernels/memory.ts";
import { drive } from "./kernels/slices.ts";
import { finish, Tape } from "./kernels/tape.ts";
import { TRAINING } from "./kernels/training.ts";
import { LanguageModel } from "./languageModel.ts";
import { Products } from "./model/products.ts";
import { requireOptions } from "./options.ts";
import { pause } from "./pause.ts";
import { Predictor } from "./prediction/predictor.ts";
import { characterTokenizer } from "./text/character.ts";
import { Corpus } from "./text/corpus.ts";
import { fit } from "./training/fit.ts";

/** What `ivon()` was when the benchmark's hash was first told: the same on every machine since. */
const METHOD = { learningRate: 8, clip: 1, embeddingDecay: 0 };
const SHAPE = { embedding: 128, hidden: 256, layers: 2 };
const [BATCH, SEQUENCE, STEPS] = [20, 35, 40];
const VOCABULARY = 96;
/** Tokens predicted one by one, in blocks whose median counts. */
const [BLOCKS, BLOCK] = [20, 100];
const ROUNDS = 9;
/** Operations of one timed call: long enough for clocks of a tenth of a millisecond. */
const OPERATIONS = 2e8;

export interface BenchmarkOptions {
  /** What computes: the entry point's own by default. */
  readonly kernels?: Kernels;
  readonly signal?: AbortSignal;
}

/** Figures are null where the host's clock stands still, as in Cloudflare's isolates. */
export interface BenchmarkResult {
  /** Multiply, then add, in registers: what this engine's SIMD can do at most; median, 10⁹ operations a second. */
  readonly peakGflops: number | null;
  /** The recurrent product of a training step, 20 × 1024 × 256; median. */
  readonly gemmGflops: number | null;
  /** Of `fit` with `ivon()` and `products: "float32"`; median step, the first quarter left out. */
  readonly trainTokensPerSecond: number | null;
  /** One token after the other, batch 1, from the posterior's mean; median. */
  readonly predictMicrosecondsPerToken: number | null;
  readonly seconds: number;
  readonly build: string;
  readonly threads: number;
  /** SHA-256 of the trained posterior and of all predictions: the same wherever the `simd` build runs. */
  readonly hash: string;
}

/** Runs for some 10 seconds on a core of 2026. @throws the signal's reason when aborted; what `fit` throws */
export async function benchmark(options: BenchmarkOptions = {}): Promise<BenchmarkResult> {
  requireOptions("benchmark", options, { kernels: "kernels", signal: "signal" });
  const started = performance.now();
  const kernels = options.kernels ?? defaultKernels();
  const products = await timeProducts(kernels, options.signal);
  const hash = new Sha256();
  const { model, trainTokensPerSecond } = await timeTraining(kernels, options.signal);
  hash.update(new TextEncoder().encode(model.hash()));
  const predictMicrosecondsPerToken = await timePrediction(model, hash, kernels, options.signal);
  model.dispose();
  return {
    ...products,
    trainTokensPerSecond,
    predictMicrosecondsPerToken,
    seconds: (performance.now() - started) / 1000,
    build: kernels.build,
    threads: kernels.threads,
    hash: hash.hex(),
  };
}

async function timeProducts(kernels: Kernels, signal?: AbortSignal) {
  await prepareKernels(TRAINING, kernels);
  const plan = new MemoryPlan(new KernelInstance(TRAINING, kernels));
  const k = plan.instance.exports;
  const [m, n, depth] = [BATCH, 4 * SHAPE.hidden, SHAPE.hidden];
  const tape = new Tape(plan.instance);
  const products = new Products(tape, plan);
  const [a, b, c] = [m * depth, k.packedSize(n, depth, FORM.float32), m * n].map((size) => plan.words(size));
  const factors = plan.words(8);
  plan.commit();
  for (const [at, size] of [
    [a, m * depth],
    [b, k.packedSize(n, depth, FORM.float32)],
  ])
    k.uniformArray(at, size, 0, 1, 0, 0, 0, 0);
  // By one, so that no product leaves the numbers that are normal.
  plan.floats(factors, 2).set([1, 0.001]);
  const peak = await rate(k.peakOperations(), (times) => k.multiplyAddPeak(times, factors), signal);
  const gemm = await rate(
    2 * m * n * depth,
    (times) => {
      for (let i = 0; i < times; i++)
        tape.k.gemm(products.gemm([m, n, depth], { at: a, stride: depth }, b, { at: c, stride: n }));
      finish(tape.run());
    },
    signal,
  );
  plan.instance.release();
  return { peakGflops: peak, gemmGflops: gemm };
}

/** Median 10⁹ operations a second of calls that do `operations` each time. */
async function rate(
  operations: number,
  run: (times: number) => void,
  signal?: AbortSignal,
): Promise<number | null> {
  const times = Math.ceil(OPERATIONS / operations);
  const seconds: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    signal?.throwIfAborted();
    const started = performance.now();
    run(times);
    seconds.push((performance.now() - started) / 1000);
    await pause();
  }
  return per(operations * times, median(seconds), 1e-9);
}

async function timeTraining(kernels: Kernels, signal?: AbortSignal) {
  const tokenizer = characterTokenizer({ characters: alphabet(), unknown: false });
  const corpus = await Corpus.open(syntheticText(), { tokenizer });
  const model = await LanguageModel.create({ tokenizer, ...SHAPE, seed: 1, kernels });
  // The same work and the same hash as in versions whose training multiplied float32.
  const work = { epochs: 1, batch: BATCH, sequence: SEQUENCE, products: "float32" } as const;
  const options = { inference: ivon(METHOD), ...work, signal, kernels };
  const seconds: number[] = [];
  let last = performance.now();
  for await (const { step } of fit(model, corpus, options)) {
    const now = performance.now();
    if (step > STEPS / 4) seconds.push((now - last) / 1000);
    last = now;
  }
  return { model, trainTokensPerSecond: per(BATCH * SEQUENCE, median(seconds)) };
}

async function timePrediction(model: LanguageModel, hash: Sha256, kernels: Kernels, signal?: AbortSignal) {
  await prepareKernels(TRAINING, kernels);
  const predictor = new Predictor(model.posterior, 0, { kernels });
  predictor.plan.commit();
  await drive(predictor.begin({ low: 1, high: 0 }), signal);
  const ids = model.tokenizer.encode(syntheticText().slice(0, BLOCKS * BLOCK));
  const token = new Int32Array(1);
  const seconds: number[] = [];
  for (let block = 0; block < BLOCKS; block++) {
    const started = performance.now();
    for (let i = block * BLOCK; i < (block + 1) * BLOCK; i++) {
      token[0] = ids[i];
      let predicted: Float32Array | undefined;
      const reading = predictor.read(token, (_, { probabilities }) => {
        predicted = probabilities;
      });
      for (const _ of reading);
      if (i % BLOCK === 0) hash.update(littleEndianBytes(predicted!));
    }
    seconds.push((performance.now() - started) / 1000);
    await pause();
    signal?.throwIfAborted();
  }
  predictor.release();
  const rate = per(BLOCK, median(seconds));
  return rate && 1e6 / rate;
}

/** The printable characters of ASCII and the line's end. */
function alphabet(): string[] {
  return Array.from({ length: VOCABULARY }, (_, i) => (i === 0 ? "\n" : String.fromCharCode(31 + i)));
}

/** As many characters as the steps read, from a generator that every engine runs alike (Knuth's constants). */
function syntheticText(): string {
  const symbols = alphabet();
  let state = 1;
  let text = "";
  // Each lane needs a token more than it reads: the last one's target.
  for (let i = 0; i < BATCH * (SEQUENCE * STEPS + 1); i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    // Squared, so that some symbols are frequent and there is something to learn.
    const uniform = state / 2 ** 32;
    text += symbols[Math.floor(VOCABULARY * uniform * uniform)];
  }
  return text;
}

function median(values: readonly number[]): number {
  return Float64Array.from(values).sort()[values.length >> 1];
}

/** Items a second, or null where no time passed. */
function per(items: number, seconds: number, scale = 1): number | null {
  return seconds > 0 ? (items / seconds) * scale : null;
}
