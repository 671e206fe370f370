/** @module Fetches from npm what is missing: Node, Deno and Bun, and what drives workers and browsers. */
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { npm, output } from "./process.ts";
import { installed, prefixOf, RUNTIMES, type Runtime } from "./runtimes.ts";

const HARNESS = "test/runtimes";
const QUIET = ["--no-audit", "--no-fund", "--ignore-scripts"];

/**
 * What cannot be fetched is told and left out: the run shows it as missing.
 * @param tell hears what is fetched
 */
export async function installMissing(tell: (line: string) => void): Promise<void> {
  const work = [];
  for (const runtime of RUNTIMES)
    if (runtime.npm && !runtime.ways?.length && !(await isThere(runtime)))
      work.push([`${runtime.npm.package}@${runtime.npm.version}`, () => fetchRuntime(runtime)] as const);
  if (!existsSync(`${HARNESS}/node_modules`))
    work.push(["what drives workers and browsers", fetchHarness] as const);
  for (const [what, fetchIt] of work) {
    tell(`fetching ${what}`);
    await fetchIt().catch((error: Error) => tell(`could not: ${error.message}`));
  }
}

async function isThere(runtime: Runtime): Promise<boolean> {
  const path = installed(runtime)!;
  return existsSync(path) && (await output([path, "--version"])).includes(runtime.npm!.version);
}

async function fetchRuntime(runtime: Runtime): Promise<void> {
  const prefix = prefixOf(runtime);
  await mkdir(prefix, { recursive: true });
  const spec = `${runtime.npm!.package}@${runtime.npm!.version}`;
  await output([npm, "install", "--no-save", ...QUIET, "--prefix", prefix, spec], { limit: 300 });
}

/** Warns that some of it needs a newer Node than may be running npm; it is a newer one that will run it. */
async function fetchHarness(): Promise<void> {
  await output([npm, "ci", ...QUIET, "--prefix", HARNESS], { limit: 300 });
}
