/** Runs over shards on this machine, and what they tell about any: losses, and where a round's time goes. */
import { rmSync } from "node:fs";
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { deflate } from "node:zlib";
import {
  addChange,
  changeFromBytes,
  changeOf,
  changeToBytes,
  naturalsOf,
} from "../../src/distributed/naturals.ts";
import { trainSharded } from "../../src/distributed/sharded.ts";
import { byteTokenizer, Corpus, evaluate, LanguageModel } from "../../src/entries/index.ts";
import type { Measured } from "./learning.ts";
import type { Machine } from "./simulate.ts";

const pack = promisify(deflate) as (bytes: Uint8Array, options: { level: number }) => Promise<Buffer>;

export interface Shape {
  readonly embedding: number;
  readonly hidden: number;
  readonly layers: number;
  readonly sequence: number;
  readonly seed: number;
}

export interface Setting {
  readonly shards: number;
  /** Epochs over its shard that a job reads. */
  readonly local: number;
  readonly epochs: number;
  /** Lanes of a job; as many as a run has by default where omitted. */
  readonly batch?: number;
}

interface Measurement extends Measured {
  readonly seconds: number;
  readonly model: LanguageModel;
}

/** A text and a held-out one in files of a folder that goes with the bench. */
export async function textFiles(text: string): Promise<{ train: string; valid: Corpus; close(): void }> {
  const folder = await mkdtemp(join(tmpdir(), "svi-lm-scale-"));
  const cut = text.lastIndexOf("\n", Math.floor(0.95 * text.length)) + 1;
  const train = join(folder, "train.txt");
  await writeFile(train, text.slice(0, cut));
  const valid = await Corpus.open(text.slice(cut), { tokenizer: byteTokenizer() });
  return { train, valid, close: () => rmSync(folder, { recursive: true, force: true }) };
}

/** One run with the jobs one after the other: their times are those of one worker that has a core to itself. */
export async function measured(
  train: string,
  valid: Corpus,
  shape: Shape,
  { shards, local, epochs, batch }: Setting,
): Promise<Measurement> {
  const { sequence, seed, ...sizes } = shape;
  const model = await LanguageModel.create({ tokenizer: byteTokenizer(), ...sizes, seed });
  const rounds = Math.max(1, Math.round(epochs / local));
  const started = performance.now();
  const reading = { texts: [train], shards, rounds, local, batch, sequence, seed };
  for await (const event of trainSharded({ model, ...reading, products: "int16" }))
    if (event.event === "done") {
      const seconds = (performance.now() - started) / 1000;
      const { nll } = await evaluate(event.model, valid);
      const jobTokens = event.tokens / rounds / shards;
      return { shards, jobTokens, tokens: event.tokens, loss: nll, seconds, model: event.model };
    }
  throw new Error("The run has not ended");
}

/** Constants of the simulator, from runs of few and of many rounds over the same tokens. */
export async function machineOf(few: Measurement, many: Measurement): Promise<Machine> {
  const { posterior } = many.model;
  const { layout, mean } = posterior;
  const precision = posterior.precision!;
  const before = { mean: mean.map((value) => value * 0.999), precision };
  const bytes = changeToBytes(changeOf(layout, { mean, precision }, before));
  const naturals = naturalsOf(layout, { mean, precision });
  const started = performance.now();
  for (let i = 0; i < 5; i++) addChange(naturals, changeFromBytes(bytes), 0.1);
  const mergeSeconds = (performance.now() - started) / 5000;
  const jobs = ({ tokens, jobTokens }: Measurement) => tokens / jobTokens;
  // Seconds = tokens / speed + jobs × each: two runs, two unknowns.
  const jobSeconds = Math.max(0, secondsAJob(few, many, jobs) - mergeSeconds);
  const tokensPerSecond = few.tokens / (few.seconds - jobs(few) * (jobSeconds + mergeSeconds));
  const size = async (data: Uint8Array) => (await pack(data, { level: 1 })).length / layout.parameters;
  return {
    tokensPerSecond,
    jobSeconds,
    mergeSecondsPerParameter: mergeSeconds / layout.parameters,
    roundSeconds: 0.05,
    modelBytes: await size(many.model.toBytes()),
    resultBytes: await size(bytes),
  };
}

function secondsAJob(few: Measurement, many: Measurement, jobs: (run: Measurement) => number): number {
  const perToken = few.tokens / many.tokens;
  return (many.seconds * perToken - few.seconds) / (jobs(many) * perToken - jobs(few));
}
