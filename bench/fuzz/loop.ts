/** @module The thread that makes inputs: boundary by boundary in turns, each input by a seed of its own. */
import { parentPort, workerData } from "node:worker_threads";
import fc from "fast-check";
import { SviError } from "../../src/errors.ts";
import { type Boundary, requireCleanPrototypes } from "./boundary.ts";
import { commandLines, processes } from "./commands.ts";
import { checkpoints, importedFiles, modelFiles } from "./files.ts";
import { lists } from "./lists.ts";
import { messages } from "./messages.ts";
import { Random, seedOf } from "./random.ts";
import { texts, tokenizerFiles } from "./tokenizers.ts";

export const BOUNDARIES: readonly Boundary[] = [
  modelFiles,
  checkpoints,
  importedFiles,
  tokenizerFiles,
  texts,
  messages,
  commandLines,
  lists,
  processes,
];

/** Inputs that fast-check makes in a round. */
const RUNS = 20;
/** Milliseconds of a boundary's turn. */
const TURN = 60;
/** Bytes that this process may have resident. */
const MOST_MEMORY = 1.5 * 2 ** 30;
/** Input number that stands for fast-check's. */
const PROPERTY = -1;

export interface Work {
  readonly seed: number;
  readonly until: number;
  /** Index of the one boundary, and number of the one input; null for all. */
  readonly only: number | null;
  readonly input: number | null;
  /** Inputs of each boundary that are done. */
  readonly done: readonly number[];
  /** Index of the boundary, number of its input, inputs of fast-check: what the watching thread sees. */
  readonly watched: Int32Array;
}

export interface Failure {
  readonly boundary: string;
  readonly input: number;
  readonly what: string;
}

type Try = (random: Random) => unknown;

/** @returns null where all was well */
async function attempt({ name }: Boundary, work: Try, seed: number, input: number): Promise<string | null> {
  const once = async () => {
    const pending = work(new Random(seedOf(seed, name, input)));
    if (pending) await pending;
    requireCleanPrototypes(true);
  };
  // Stacks take longer than most inputs: they are made for failures, by doing them again.
  Error.stackTraceLimit = 0;
  try {
    const pending = work(new Random(seedOf(seed, name, input)));
    if (pending) await pending;
    requireCleanPrototypes(true);
    return null;
  } catch (error) {
    if (error instanceof SviError) return null;
    Error.stackTraceLimit = 10;
    return textOf(
      await once().then(
        () => error,
        (again) => again,
      ),
    );
  }
}

function textOf(error: unknown): string {
  const { stack, cause } = error as Error;
  return `${stack ?? String(error)}${cause ? `\n  ${(cause as Error).stack ?? cause}` : ""}`;
}

async function property(boundary: Boundary, seed: number): Promise<string | null> {
  const found = await fc.check(boundary.property!, { seed, numRuns: RUNS });
  return found.failed ? `${JSON.stringify(found.counterexample)}: ${textOf(found.errorInstance)}` : null;
}

/** Runs until the time is over, telling of failures as they are found. */
export async function loop({ seed, until, only, input, done, watched }: Work): Promise<void> {
  const tell = (failure: Failure) => parentPort!.postMessage({ failure });
  const counts = [...done];
  const tries = await Promise.all(
    BOUNDARIES.map((boundary, i) => (only === null || only === i ? boundary.prepare() : null)),
  );
  let round = 0;
  const turn = async (i: number) => {
    const [boundary, work] = [BOUNDARIES[i], tries[i]!];
    const ends = performance.timeOrigin + performance.now() + TURN;
    do {
      const number = input ?? counts[i]++;
      watched[1] = number;
      watched[0] = i;
      watched[2 + i]++;
      const what = await attempt(boundary, work, seed, number);
      if (what !== null) tell({ boundary: boundary.name, input: number, what });
      if (input !== null) return;
    } while (performance.timeOrigin + performance.now() < ends);
    if (boundary.property) {
      watched[1] = PROPERTY;
      const what = await property(boundary, seedOf(seed, boundary.name, round));
      watched[2 + i] += RUNS;
      if (what !== null) tell({ boundary: boundary.name, input: PROPERTY, what });
    }
    requireCleanPrototypes(false);
    const memory = process.memoryUsage.rss();
    if (memory > MOST_MEMORY)
      tell({ boundary: boundary.name, input: counts[i], what: `${memory} bytes are resident` });
  };
  do {
    for (let i = 0; i < BOUNDARIES.length; i++)
      if (tries[i] && (only !== null || round % (BOUNDARIES[i].every ?? 1) === 0)) await turn(i);
    round++;
  } while (input === null && performance.timeOrigin + performance.now() < until);
}

if (parentPort) await loop(workerData as Work).finally(() => setTimeout(() => process.exit(), 50));
