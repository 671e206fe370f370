/** What the tests of workers share: both sides, built as the package has them, and ways to see a worker fail. */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import { onTestFinished } from "vitest";
import type * as WorkerApi from "../../src/entries/worker.ts";

/** One for each of the processes that tests run in, so that none reads what another one is about to write. */
const BUILT = `build/test-worker/${process.env.VITEST_POOL_ID}`;
export const FOLDER = `${BUILT}/worker`;

/** The caller's side from its built file, beside which lies the file that a worker runs. */
export async function buildWorker(): Promise<typeof WorkerApi> {
  const { status, stderr } = spawnSync(process.execPath, ["scripts/build-package.mjs", "--modules", BUILT], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(stderr);
  return import(/* @vite-ignore */ pathToFileURL(`${FOLDER}/node.js`).href);
}

/** A file beside the built ones, for a worker to run. */
export function script(name: string, source: string): string {
  const path = join(FOLDER, name);
  writeFileSync(path, source);
  return path;
}

export function startWorker(file: string): Worker {
  const worker = new Worker(pathToFileURL(file));
  onTestFinished(async () => void (await worker.terminate()));
  return worker;
}
