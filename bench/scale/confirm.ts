/**
 * Whether rounds take on this machine what the simulator says: 8 shards, with some numbers of workers, a thread each.
 * More workers than processors share them.
 *
 *   npm run bench:scale -- --save FILE && node scripts/run.mjs bench/scale/confirm.ts --measured FILE [--workers 1,2,4,8]
 *
 * --hidden and --embedding are those of the measured runs. Needs a machine with nothing else at work.
 */
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { isMainThread, Worker } from "node:worker_threads";
import { trainSharded } from "../../src/distributed/sharded.ts";
import { serveJobs } from "../../src/distributed/thread.ts";
import { byteTokenizer, LanguageModel } from "../../src/entries/index.ts";
import { mobyDick } from "../study/corpora.ts";
import { textFiles } from "./measure.ts";
import { type Machine, type Network, simulate } from "./simulate.ts";

const SHARDS = 8;
/** Timed; one more starts the threads. */
const ROUNDS = 6;
/** Threads share their memory. */
const NEAR: Network = {
  latency: 0,
  workerBandwidth: Number.POSITIVE_INFINITY,
  storeBandwidth: Number.POSITIVE_INFINITY,
};

interface Measured {
  /** Of a round. */
  readonly seconds: number;
  readonly tokens: number;
}

async function measured(text: string, workers: number, embedding: number, hidden: number): Promise<Measured> {
  const model = await LanguageModel.create({ tokenizer: byteTokenizer(), embedding, hidden });
  const worker = () => new Worker(fileURLToPath(import.meta.url));
  const shape = { shards: SHARDS, rounds: ROUNDS + 1, warmUp: 1e-9, sequence: 64 };
  const merges: { seconds: number; tokens: number }[] = [];
  for await (const event of trainSharded({ model, texts: [text], workers, worker, ...shape }))
    if (event.event === "round") merges.push(event);
  const [from, to] = [merges[1], merges.at(-1)!];
  const rounds = merges.length - 2;
  return { seconds: (to.seconds - from.seconds) / rounds, tokens: (to.tokens - from.tokens) / rounds };
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      measured: { type: "string" },
      workers: { type: "string", default: "1,2,4,8" },
      embedding: { type: "string", default: "32" },
      hidden: { type: "string", default: "128" },
    },
  });
  if (!values.measured)
    throw new Error("Give --measured FILE, which npm run bench:scale -- --save FILE writes");
  const known = JSON.parse(readFileSync(values.measured, "utf8")) as { parameters: number; machine: Machine };
  const files = await textFiles(await mobyDick());
  try {
    for (const workers of values.workers.split(",").map(Number)) {
      const { seconds, tokens } = await measured(
        files.train,
        workers,
        Number(values.embedding),
        Number(values.hidden),
      );
      const atOnce = Math.min(workers, availableParallelism());
      const run = { parameters: known.parameters, workers: atOnce, shards: SHARDS, rounds: 1, tokens };
      const simulated = simulate(run, known.machine, NEAR).seconds;
      console.log(
        `${workers} workers: a round took ${seconds.toFixed(2)} s, simulated ${simulated.toFixed(2)} s (${(seconds / simulated).toFixed(2)} ×)`,
      );
    }
  } finally {
    files.close();
  }
}

if (isMainThread) await main();
else serveJobs();
