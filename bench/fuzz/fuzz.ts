/**
 * Everything that svi-lm reads from others, made wrong in every way: it is read or refused with an SviError, soon, in
 * little memory, and nothing is left behind on what objects share.
 *
 *   npm run fuzz -- --seconds 60 --seed 1             texts and failures, with what repeats them
 *   npm run fuzz -- --seconds 60 --json               {"inputs","failures",…} on the last line
 *   npm run fuzz -- --seed 1 --boundary "model files" --input 1234     one input again
 *
 * Guided by the structure of files, not by coverage: Jazzer.js 4 needs a native library that asks for glibc 2.38, which
 * Debian 12 does not have, and 78 packages.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { parseArgs } from "node:util";
import { isMainThread, Worker } from "node:worker_threads";
import { CLI, FOLDER } from "./commands.ts";
import { BOUNDARIES, type Failure, type Work } from "./loop.ts";

/** Milliseconds that an input may take: more than a process has. */
const PATIENCE = 20_000;
/** Megabytes of objects. */
const HEAP = 512;
/** Failures that are enough to look at. */
const ENOUGH = 40;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seconds: { type: "string", default: "60" },
      seed: { type: "string", default: "1" },
      boundary: { type: "string" },
      input: { type: "string" },
      json: { type: "boolean", default: false },
    },
  });
  const [seconds, seed] = [Number(values.seconds), Number(values.seed)];
  if (!(seconds > 0) || !Number.isInteger(seed)) throw new Error("--seconds and --seed are numbers");
  const only =
    values.boundary === undefined ? null : BOUNDARIES.findIndex(({ name }) => name === values.boundary);
  if (only === -1) throw new Error(`--boundary is one of ${BOUNDARIES.map(({ name }) => name).join(", ")}`);
  buildCommandLine();

  const watched = new Int32Array(new SharedArrayBuffer(4 * (2 + BOUNDARIES.length)));
  const failures: Failure[] = [];
  const began = Date.now();
  const until = began + 1000 * seconds;
  const input = values.input === undefined ? null : Number(values.input);
  const known = new Set<string>();
  const say = (failure: Failure) => {
    failures.push(failure);
    // The same place of the code is told once.
    const where = failure.what
      .split("\n")
      .filter((line) => !/^Error: /.test(line))
      .slice(0, 3)
      .join();
    if (known.has(where)) return;
    known.add(where);
    const repeat = failure.input < 0 ? "" : ` --input ${failure.input}`;
    process.stderr.write(`--seed ${seed} --boundary "${failure.boundary}"${repeat}\n  ${failure.what}\n`);
  };
  let first = true;
  while (first || (input === null && Date.now() < until && known.size < ENOUGH)) {
    first = false;
    // A thread that hung or died is followed by another, from the input behind.
    const done = BOUNDARIES.map((_, i) => watched[2 + i]);
    const broken = await watch({ seed, until, only, input, done, watched }, say);
    if (broken) say(broken);
  }
  const boundaries = Object.fromEntries(BOUNDARIES.map(({ name }, i) => [name, watched[2 + i]]));
  const inputs = Object.values(boundaries).reduce((sum, n) => sum + n, 0);
  const took = (Date.now() - began) / 1000;
  if (values.json)
    console.log(JSON.stringify({ inputs, failures: failures.length, seconds: took, seed, boundaries }));
  else {
    console.table(boundaries);
    console.log(`${inputs} inputs in ${took.toFixed(0)} s, ${failures.length} failures`);
  }
  process.exitCode = failures.length > 0 ? 1 : 0;
}

function buildCommandLine(): void {
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
    let [last, since] = ["", Date.now()];
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
      if (now !== last) [last, since] = [now, Date.now()];
      else if (Date.now() - since > PATIENCE) end(at(`no end after ${PATIENCE} ms`));
    }, 250);
    worker.on("message", ({ failure }) => say(failure));
    worker.on("error", (error) => end(at(String(error?.stack ?? error))));
    worker.on("exit", () => end(null));
  });
}

if (isMainThread) await main();
