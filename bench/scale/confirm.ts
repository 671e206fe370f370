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
import { serveJobs } from "../../src/distributed/thread.ts";
import { byteTokenizer, LanguageModel } from "../../src/entries/index.ts";
import { mobyDick } from "../study/corpora.ts";
import { textFiles } from "./measure.ts";
import { type Timed, timedRounds } from "./rounds.ts";
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

function measured(text: string, workers: number, model: LanguageModel): Promise<Timed> {
  const worker = () => new Worker(fileURLToPath(import.meta.url));
  return timedRounds({ model, texts: [text], shards: SHARDS, sequence: 64, workers, worker }, ROUNDS);
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
      const model = await LanguageModel.create({
        tokenizer: byteTokenizer(),
        embedding: Number(values.embedding),
        hidden: Number(values.hidden),
      });
      const timed = await measured(files.train, workers, model);
      const [seconds, tokens] = [timed.seconds / timed.rounds, timed.tokens / timed.rounds];
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
