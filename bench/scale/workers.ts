/**
 * Tokens a second of a run over shards with some numbers of workers of this machine, a thread each: 8 shards of 1 MB,
 * model A (2 × 256 units, characters), rounds as by default. In turn, so that what else the machine does befalls all of
 * them, and the median of each. Rounds count from the first merge to the last.
 *
 *   node scripts/run.mjs bench/scale/workers.ts [--workers 1,2] [--turns 3] [--rounds 3] [--hidden 256] [--json]
 *
 * The last row is the machine's own limit: as many runs of one worker at once, which have nothing to do with each other.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { median } from "../../src/comparison/statistics.ts";
import { serveJobs } from "../../src/distributed/thread.ts";
import { LanguageModel, learnTokenizer } from "../../src/entries/index.ts";
import { mobyDick } from "../study/corpora.ts";
import { timedRounds } from "./rounds.ts";

const SHARDS = 8;
const BYTES = 2 ** 20;
const SELF = fileURLToPath(import.meta.url);

interface Run {
  readonly text: string;
  readonly workers: number;
  readonly rounds: number;
  readonly hidden: number;
}

interface Speed {
  /** Tokens a second. */
  readonly speed: number;
  /** The model's, which is the same for any number of workers. */
  readonly hash: string;
}

async function measured({ text, workers, rounds, hidden }: Run): Promise<Speed> {
  const tokenizer = await learnTokenizer(await mobyDick(), { kind: "character" });
  const model = await LanguageModel.create({ tokenizer, embedding: 128, hidden, layers: 2 });
  const worker = () => new Worker(SELF);
  const timed = await timedRounds({ model, texts: [text], shards: SHARDS, workers, worker }, rounds);
  return { speed: timed.tokens / timed.seconds, hash: timed.hash };
}

/** Runs of one worker at once, each with a coordinator of its own: the sum of their speeds. */
async function apart(run: Run, count: number): Promise<Speed> {
  const runs = Array.from(
    { length: count },
    () =>
      new Promise<Speed>((resolve, reject) => {
        new Worker(SELF, { workerData: { ...run, workers: 1 } })
          .once("message", resolve)
          .once("error", reject);
      }),
  );
  const all = await Promise.all(runs);
  return { speed: all.reduce((sum, { speed }) => sum + speed, 0), hash: all[0].hash };
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      workers: { type: "string", default: "1,2" },
      turns: { type: "string", default: "3" },
      rounds: { type: "string", default: "3" },
      hidden: { type: "string", default: "256" },
      json: { type: "boolean", default: false },
    },
  });
  const folder = mkdtempSync(join(tmpdir(), "svi-lm-workers-"));
  const text = join(folder, "text.txt");
  const book = await mobyDick();
  writeFileSync(text, book.repeat(Math.ceil((SHARDS * BYTES) / book.length)).slice(0, SHARDS * BYTES));
  const counts = values.workers.split(",").map(Number);
  const of = (workers: number) => ({
    text,
    workers,
    rounds: Number(values.rounds),
    hidden: Number(values.hidden),
  });
  const most = Math.max(...counts);
  const rows = [
    ...counts.map((count) => ({ name: `${count} workers`, run: () => measured(of(count)) })),
    { name: `${most} runs apart`, run: () => apart(of(1), most) },
  ].map((row) => ({ ...row, speeds: [] as number[] }));
  const hashes = new Set<string>();
  try {
    for (let turn = 0; turn < Number(values.turns); turn++)
      for (const { name, run, speeds } of rows) {
        const { speed, hash } = await run();
        hashes.add(hash);
        speeds.push(speed);
        if (!values.json) console.log(`${name}: ${Math.round(speed)} tokens a second, ${hash.slice(0, 16)}`);
      }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const one = median(rows[0].speeds);
  const ratios = Object.fromEntries(rows.map(({ name, speeds }) => [name, median(speeds) / one]));
  if (values.json) {
    const speeds = Object.fromEntries(rows.map((row) => [row.name, row.speeds]));
    console.log(JSON.stringify({ speeds, ratios, hashes: hashes.size }));
  } else for (const [name, ratio] of Object.entries(ratios)) console.log(`${name}: ${ratio.toFixed(2)} ×`);
  if (hashes.size > 1) throw new Error("Numbers of workers differ in their hash");
}

if (isMainThread) await main();
else if (!workerData) serveJobs();
else parentPort!.postMessage(await measured(workerData as Run));
