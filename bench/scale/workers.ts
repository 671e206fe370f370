/**
 * Tokens a second of a run over shards with 1, 2, 4 and 8 workers of this machine, a thread each: in turn, so that what
 * else the machine does befalls all of them, and the best of each. Rounds count from the first merge to the last.
 *
 *   node scripts/run.mjs bench/scale/workers.ts [--workers 1,2] [--seconds 100] [--hidden 256] [--batch 8] [--json]
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { isMainThread, Worker } from "node:worker_threads";
import { trainSharded } from "../../src/distributed/sharded.ts";
import { serveJobs } from "../../src/distributed/thread.ts";
import { byteTokenizer, LanguageModel } from "../../src/entries/index.ts";
import { mobyDick } from "../study/corpora.ts";

const SHARDS = 8;
const ROUNDS = 3;
/** Windows of a job. */
const STEPS = 24;
const SEQUENCE = 64;

/** @returns tokens a second, and the hash of the model, which is the same for any number of workers */
async function measured(text: string, workers: number, hidden: number, batch: number) {
  const model = await LanguageModel.create({ tokenizer: byteTokenizer(), embedding: 64, hidden });
  const bytes = (await mobyDick()).length / SHARDS;
  const local = (STEPS * batch * SEQUENCE) / bytes;
  const shape = { shards: SHARDS, rounds: ROUNDS, local, warmUp: 1e-9, batch, sequence: SEQUENCE };
  const worker = () => new Worker(fileURLToPath(import.meta.url));
  const merges: { seconds: number; tokens: number }[] = [];
  for await (const event of trainSharded({
    model,
    texts: [text],
    workers,
    worker,
    products: "int16",
    ...shape,
  })) {
    if (event.event === "round") merges.push(event);
    if (event.event !== "done") continue;
    // The first round starts the threads.
    const [from, to] = [merges[1], merges.at(-1)!];
    return { speed: (to.tokens - from.tokens) / (to.seconds - from.seconds), hash: event.model.hash() };
  }
  throw new Error("The run has not ended");
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      workers: { type: "string", default: "1,2" },
      seconds: { type: "string", default: "100" },
      hidden: { type: "string", default: "256" },
      batch: { type: "string", default: "8" },
      json: { type: "boolean", default: false },
    },
  });
  const folder = mkdtempSync(join(tmpdir(), "svi-lm-workers-"));
  const text = join(folder, "text.txt");
  writeFileSync(text, await mobyDick());
  const counts = values.workers.split(",").map(Number);
  const best = new Map(counts.map((count) => [count, 0]));
  const hashes = new Set<string>();
  try {
    do
      for (const count of counts) {
        const { speed, hash } = await measured(text, count, Number(values.hidden), Number(values.batch));
        hashes.add(hash);
        best.set(count, Math.max(best.get(count)!, speed));
        if (!values.json)
          console.log(`${count} workers: ${Math.round(speed)} tokens a second, ${hash.slice(0, 16)}`);
      }
    while (performance.now() < 1000 * Number(values.seconds) * 0.7);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const one = best.get(counts[0])!;
  const ratios = Object.fromEntries([...best].map(([count, speed]) => [count, speed / one]));
  if (values.json)
    console.log(JSON.stringify({ speeds: Object.fromEntries(best), ratios, hashes: hashes.size }));
  else
    for (const [count, ratio] of Object.entries(ratios))
      console.log(`${count} workers: ${ratio.toFixed(2)} ×`);
  if (hashes.size > 1) throw new Error("Numbers of workers differ in their hash");
}

if (isMainThread) await main();
else serveJobs();
