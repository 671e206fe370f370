/**
 * Training throughput of several threads against one, and against as many processes of one thread side by side,
 * which is what the machine itself has to give. Rounds are interleaved; medians of rounds.
 *
 *   npm run bench:threads -- [--threads 2] [--rounds 7] [--milliseconds 1000] [--model A|B] [--json]
 */
import { type ChildProcess, fork } from "node:child_process";
import { parseArgs } from "node:util";
import "../src/kernels/embedded.ts";
import { threads } from "../src/entries/threads.ts";
import { adam } from "../src/inference/public.ts";
import { drive } from "../src/kernels/slices.ts";
import { trainerOf } from "./run.ts";

const MODELS = {
  A: { vocabulary: 96, embedding: 128, hidden: 256, layers: 2 },
  B: { vocabulary: 10_000, embedding: 200, hidden: 200, layers: 2 },
};
const [BATCH, SEQUENCE] = [20, 35];
type ModelName = keyof typeof MODELS;

const { values } = parseArgs({
  allowPositionals: true,
  options: {
    threads: { type: "string", default: "2" },
    rounds: { type: "string", default: "7" },
    milliseconds: { type: "string", default: "1000" },
    model: { type: "string" },
    json: { type: "boolean", default: false },
    child: { type: "string" },
  },
});

if (values.child) await serve(Number(values.child), values.model as ModelName);
else await compare();

/** A child: trains for so many milliseconds when told to, and answers with tokens a second. */
async function serve(count: number, name: ModelName): Promise<void> {
  const shape = MODELS[name];
  const kernels = count > 1 ? await threads({ count }) : undefined;
  let state = 1;
  const random = () => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return state / 2 ** 32;
  };
  const trainer = trainerOf({ ...shape, batch: BATCH, sequence: SEQUENCE }, adam(), kernels);
  // Words are as unequal as Zipf's law has them.
  const token = () => Math.floor(shape.vocabulary ** random()) - (shape.vocabulary > 1 ? 1 : 0);
  const windows = Array.from({ length: 8 }, () => Int32Array.from({ length: BATCH * SEQUENCE }, token));
  const step = async (i: number) => {
    const gradient = await drive(trainer.differentiate(windows[i % 8], windows[(i + 1) % 8], SEQUENCE));
    await drive(trainer.update(gradient, false));
  };
  for (let i = 0; i < 5; i++) await step(i);
  process.on("message", async (milliseconds: number) => {
    const started = performance.now();
    const taken: number[] = [];
    for (let i = 0; performance.now() - started < milliseconds; i++) {
      const before = performance.now();
      await step(i);
      taken.push(performance.now() - before);
    }
    process.send!((1000 * BATCH * SEQUENCE) / median(taken));
  });
  process.send!("ready");
}

async function compare(): Promise<void> {
  const count = Number(values.threads);
  const names = values.model ? [values.model as ModelName] : (Object.keys(MODELS) as ModelName[]);
  const rows = [];
  for (const name of names) rows.push(await measure(name, count));
  if (values.json) {
    console.log(JSON.stringify({ rows }));
    return;
  }
  console.log(
    `batch ${BATCH}, ${SEQUENCE} steps, Adam, tokens/s; medians of ${values.rounds} rounds in turn`,
  );
  for (const r of rows)
    console.log(
      `${r.model}  one thread ${Math.round(r.one)}   ${count} threads ${Math.round(r.threads)} = ${r.speedup.toFixed(2)} ×   ${count} processes ${Math.round(r.processes)}   share of that ${(100 * r.share).toFixed(1)} %`,
    );
}

async function measure(name: ModelName, count: number) {
  const singles = await Promise.all(Array.from({ length: count }, () => start(name, 1)));
  const threaded = await start(name, count);
  const found = { one: [] as number[], threads: [] as number[], processes: [] as number[] };
  for (let round = 0; round < Number(values.rounds); round++) {
    found.one.push(await run(singles[0]));
    found.threads.push(await run(threaded));
    const together = await Promise.all(singles.map(run));
    found.processes.push(together.reduce((a, b) => a + b));
  }
  for (const child of [...singles, threaded]) child.kill();
  return {
    model: name,
    count,
    one: median(found.one),
    threads: median(found.threads),
    processes: median(found.processes),
    // Of neighbours in time, then the median: the machine is the same for both halves of a pair.
    speedup: median(found.threads.map((t, i) => t / found.one[i])),
    share: median(found.threads.map((t, i) => t / found.processes[i])),
  };
}

async function start(name: ModelName, count: number): Promise<ChildProcess> {
  const child = fork(process.argv[1], ["--child", String(count), "--model", name]);
  await answer(child);
  return child;
}

async function run(child: ChildProcess): Promise<number> {
  child.send(Number(values.milliseconds));
  return (await answer(child)) as number;
}

function answer(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null) => reject(new Error(`A process ended with code ${code}`));
    child.once("exit", ended);
    child.once("message", (message) => {
      child.off("exit", ended);
      resolve(message);
    });
  });
}

function median(numbers: readonly number[]): number {
  const sorted = Float64Array.from(numbers).sort();
  return sorted[sorted.length >> 1];
}
