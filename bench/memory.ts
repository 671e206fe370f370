/**
 * Whether a run's memory stays flat: heap after collection and wasm memory over many steps of a tiny model.
 *
 *     node scripts/run.mjs bench/memory.ts -- 20000
 *
 * Prints a line an interval and, last, one JSON object: the slope of the heap in bytes a step, fitted to the
 * second half (the first one warms up the engine), with its standard error, and by how much wasm memory grew.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Corpus, characterTokenizer, fit, ivon, LanguageModel } from "../src/entries/index.ts";

const STEPS = Number(process.argv.findLast((argument) => /^\d+$/.test(argument)) ?? 20000);
const INTERVALS = 40;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** Every wasm memory that ever grew: a run plans its memory and grows it once. */
const memories = new Set<WebAssembly.Memory>();
const { grow } = WebAssembly.Memory.prototype;
WebAssembly.Memory.prototype.grow = function (pages) {
  memories.add(this);
  return grow.call(this, pages);
};
const wasmBytes = () => [...memories].reduce((sum, memory) => sum + memory.buffer.byteLength, 0);

const text = "it was a damp, drizzly november in my soul. ".repeat(40);
const tokenizer = characterTokenizer({ characters: text });
const corpus = await Corpus.open(text, { tokenizer });
const model = await LanguageModel.create({ tokenizer, embedding: 8, hidden: 16, layers: 2 });
const batch = 4;
const sequence = 16;
const { windows } = corpus.lanes({ batch, sequence });

interface Sample {
  readonly step: number;
  readonly heap: number;
  readonly buffers: number;
  readonly wasm: number;
}
const samples: Sample[] = [];
const every = Math.max(1, Math.floor(STEPS / INTERVALS));
const options = { inference: ivon(), epochs: STEPS / windows, batch, sequence, dropout: 0.1 };
for await (const { step } of fit(model, corpus, { ...options, validation: { corpus, every } })) {
  if (step % every !== 0) continue;
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  samples.push({ step, heap: heapUsed, buffers: arrayBuffers, wasm: wasmBytes() });
  const { heap, buffers, wasm } = samples[samples.length - 1];
  console.log(`step ${step}: heap ${heap} bytes, array buffers ${buffers}, wasm ${wasm}`);
}

/** Least squares: the slope and its standard error. */
function slopeOf(points: readonly (readonly [number, number])[]): { slope: number; error: number } {
  const n = points.length;
  const [mx, my] = [0, 1].map((i) => points.reduce((sum, p) => sum + p[i], 0) / n);
  const sxx = points.reduce((sum, [x]) => sum + (x - mx) ** 2, 0);
  const slope = points.reduce((sum, [x, y]) => sum + (x - mx) * (y - my), 0) / sxx;
  const left = points.reduce((sum, [x, y]) => sum + (y - my - slope * (x - mx)) ** 2, 0);
  return { slope, error: Math.sqrt(left / Math.max(1, n - 2) / sxx) };
}

const settled = samples.slice(Math.floor(samples.length / 2));
const heap = slopeOf(settled.map(({ step, heap }) => [step, heap]));
const buffers = slopeOf(settled.map(({ step, buffers }) => [step, buffers]));
console.log(
  JSON.stringify({
    steps: STEPS,
    heapBytesPerStep: heap.slope,
    heapStandardError: heap.error,
    arrayBufferBytesPerStep: buffers.slope,
    wasmBytes: samples[samples.length - 1].wasm,
    wasmGrowth: samples[samples.length - 1].wasm - samples[0].wasm,
  }),
);
