/**
 * Everything that svi-lm reads from others, made wrong in every way: it is read or refused with an SviError, soon, in
 * little memory, and nothing is left behind on what objects share.
 *
 *   npm run fuzz -- --seconds 60 --seed 1             texts and failures, with what repeats them
 *   npm run fuzz -- --seconds 60 --json               {"inputs","failures",…} on the last line
 *   npm run fuzz -- --seconds 3600 --processes 4      seeds 1 to 4, each in a process of its own
 *   npm run fuzz -- --seconds 3600 --continue         inputs behind those of earlier runs of the seed, and their sum
 *   npm run fuzz -- --seed 1 --boundary "model files" --input 1234     one input again
 *
 * Guided by the structure of files, not by coverage: Jazzer.js 4 needs a native library that asks for glibc 2.38, which
 * Debian 12 does not have, and 78 packages.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { isMainThread, Worker } from "node:worker_threads";
import { CLI, FOLDER } from "./commands.ts";
import { BOUNDARIES, type Failure, type Work } from "./loop.ts";

/** Seconds of this process's own time that an input may take, and of any clock's: machines may be busy. */
const PATIENCE = { own: 20, any: 120 };
/** Megabytes of objects. */
const HEAP = 512;
/** Failures that are enough to look at. */
const ENOUGH = 40;
/** Milliseconds between two notes of how far a run has come. */
const NOTED = 10_000;

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "60" },
    seed: { type: "string", default: "1" },
    processes: { type: "string", default: "1" },
    boundary: { type: "string" },
    input: { type: "string" },
    continue: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});

/** What runs of a seed have done so far, kept in a file. */
interface Total {
  seed: number;
  seconds: number;
  failures: number;
  boundaries: Record<string, number>;
}

const fileOf = (seed: number) => `${FOLDER}/seed-${seed}.json`;

/** @returns all zeros where the seed is new, or its runs are not continued */
function totalOf(seed: number): Total {
  if (values.continue && existsSync(fileOf(seed))) return JSON.parse(readFileSync(fileOf(seed), "utf8"));
  const boundaries = Object.fromEntries(BOUNDARIES.map(({ name }) => [name, 0]));
  return { seed, seconds: 0, failures: 0, boundaries };
}

async function main(): Promise<void> {
  const [seconds, seed, processes] = [values.seconds, values.seed, values.processes].map(Number);
  if (!(seconds > 0) || !Number.isInteger(seed)) throw new Error("--seconds and --seed are numbers");
  if (!(Number.isInteger(processes) && processes > 0)) throw new Error("--processes is a count");
  const boundary = BOUNDARIES.findIndex(({ name }) => name === values.boundary);
  if (values.boundary !== undefined && boundary < 0)
    throw new Error(`--boundary is one of ${BOUNDARIES.map(({ name }) => name).join(", ")}`);
  buildCommandLine();
  const seeds = Array.from({ length: processes }, (_, i) => seed + i);
  const totals = processes === 1 ? [await fuzz(seed, seconds)] : await Promise.all(seeds.map(another));
  report(totals);
}

/** The same in a process of its own, with a seed of its own. */
async function another(seed: number): Promise<Total> {
  const flags = ["--seconds", values.seconds, "--seed", String(seed)];
  if (values.boundary !== undefined) flags.push("--boundary", values.boundary);
  if (values.continue) flags.push("--continue");
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), ...flags], {
    env: { ...process.env, [BUILT]: "1" },
    stdio: ["ignore", "ignore", "inherit"],
  });
  const [code, signal] = await once(child, "exit");
  if (code !== 0 && code !== 1) throw new Error(`the process of seed ${seed} ended with ${signal ?? code}`);
  return JSON.parse(readFileSync(fileOf(seed), "utf8"));
}

async function fuzz(seed: number, seconds: number): Promise<Total> {
  const total = totalOf(seed);
  const watched = new Int32Array(new SharedArrayBuffer(4 * (2 + BOUNDARIES.length)));
  BOUNDARIES.forEach(({ name }, i) => {
    watched[2 + i] = total.boundaries[name] ?? 0;
  });
  const [began, before] = [Date.now(), total.seconds];
  const note = () => {
    total.seconds = before + (Date.now() - began) / 1000;
    BOUNDARIES.forEach(({ name }, i) => {
      total.boundaries[name] = watched[2 + i];
    });
    writeFileSync(fileOf(seed), JSON.stringify(total));
    process.stderr.write(`seed ${seed}: ${inputsOf(total)} inputs, ${total.failures} failures\n`);
  };
  const timer = setInterval(note, NOTED);
  await untilOver(total, watched, began + 1000 * seconds);
  clearInterval(timer);
  note();
  return total;
}

/** Threads, one after the other: one that hung or died is followed by another, from the input behind. */
async function untilOver(total: Total, watched: Int32Array, until: number): Promise<void> {
  const { seed } = total;
  const only =
    values.boundary === undefined ? null : BOUNDARIES.findIndex(({ name }) => name === values.boundary);
  const input = values.input === undefined ? null : Number(values.input);
  const known = new Set<string>();
  const say = (failure: Failure) => {
    total.failures++;
    if (known.has(placeOf(failure))) return;
    known.add(placeOf(failure));
    const repeat = failure.input < 0 ? "" : ` --input ${failure.input}`;
    process.stderr.write(`--seed ${seed} --boundary "${failure.boundary}"${repeat}\n  ${failure.what}\n`);
  };
  do {
    const done = BOUNDARIES.map((_, i) => watched[2 + i]);
    const broken = await watch({ seed, until, only, input, done, watched }, say);
    if (broken) say(broken);
  } while (input === null && Date.now() < until && known.size < ENOUGH);
}

/** The same place of the code is told once. */
function placeOf({ what }: Failure): string {
  const lines = what.split("\n").filter((line) => !/^Error: /.test(line));
  return lines.slice(0, 3).join();
}

function inputsOf({ boundaries }: Total): number {
  return Object.values(boundaries).reduce((sum, n) => sum + n, 0);
}

function report(totals: readonly Total[]): void {
  const boundaries: Record<string, number> = {};
  for (const total of totals)
    for (const [name, count] of Object.entries(total.boundaries))
      boundaries[name] = (boundaries[name] ?? 0) + count;
  const inputs = totals.reduce((sum, total) => sum + inputsOf(total), 0);
  const failures = totals.reduce((sum, total) => sum + total.failures, 0);
  const seconds = totals.reduce((most, total) => Math.max(most, total.seconds), 0);
  const seeds = totals.map(({ seed }) => seed);
  if (values.json) console.log(JSON.stringify({ inputs, failures, seconds, seeds, boundaries }));
  else {
    console.table(boundaries);
    console.log(`${inputs} inputs in ${seconds.toFixed(0)} s, ${failures} failures`);
  }
  process.exitCode = failures > 0 ? 1 : 0;
}

/** Set where the process that started this one has built the command line. */
const BUILT = "FUZZ_BUILT";

function buildCommandLine(): void {
  if (process.env[BUILT]) return;
  mkdirSync(FOLDER, { recursive: true });
  const { status, stderr } = spawnSync(process.execPath, ["scripts/build-package.mjs", "--cli", CLI]);
  if (status !== 0) throw new Error(String(stderr));
}

/** @returns how the thread ended where it should not have */
function watch(work: Work, say: (failure: Failure) => void): Promise<Failure | null> {
  const { watched } = work;
  const worker = new Worker(new URL(import.meta.url), {
    workerData: work,
    resourceLimits: { maxOldGenerationSizeMb: HEAP },
  });
  return new Promise((resolve) => {
    const own = () => process.cpuUsage().user / 1e6;
    const any = () => Date.now() / 1000;
    let [last, since] = ["", { own: own(), any: any() }];
    const at = (what: string): Failure => ({
      boundary: BOUNDARIES[watched[0]].name,
      input: watched[1],
      what,
    });
    const end = (failure: Failure | null) => {
      clearInterval(timer);
      void worker.terminate().then(() => resolve(failure));
    };
    const timer = setInterval(() => {
      const now = watched.join();
      if (now !== last) [last, since] = [now, { own: own(), any: any() }];
      else if (own() - since.own > PATIENCE.own || any() - since.any > PATIENCE.any)
        end(
          at(`no end after ${(own() - since.own).toFixed(0)} s of work, ${(any() - since.any).toFixed(0)} s`),
        );
    }, 250);
    worker.on("message", ({ failure }) => say(failure));
    worker.on("error", (error) => end(at(String(error?.stack ?? error))));
    worker.on("exit", () => end(null));
  });
}

if (isMainThread) await main();
