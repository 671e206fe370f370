/** @module Fetches from npm what is missing: Node, Deno and Bun, and what drives workers and browsers. */
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { output } from "./process.ts";
import { installed, NPM_FOLDER, RUNTIMES, type Runtime } from "./runtimes.ts";

const npm = process.platform === "win32" ? "npm.cmd" : "npm";

/** @param tell hears what is fetched */
export async function installMissing(tell: (line: string) => void): Promise<void> {
  for (const runtime of RUNTIMES) if (!(await isThere(runtime))) await fetchRuntime(runtime, tell);
  if (existsSync("test/runtimes/node_modules")) return;
  tell("fetching miniflare, edge-runtime, puppeteer-core, selenium-webdriver");
  // Their engines ask for a newer Node than may be running npm; it is a newer one that runs them.
  const args = [
    "--prefix",
    "test/runtimes",
    "--ignore-scripts",
    "--no-engine-strict",
    "--no-audit",
    "--no-fund",
  ];
  await output([npm, "ci", ...args], { limit: 300 });
}

async function isThere(runtime: Runtime): Promise<boolean> {
  const path = installed(runtime);
  if (path === null) return true;
  if (!existsSync(path)) return false;
  return (await output([path, "--version"])).includes(runtime.npm!.version);
}

async function fetchRuntime({ name, npm: source }: Runtime, tell: (line: string) => void): Promise<void> {
  const spec = `${source!.package}@${source!.version}`;
  tell(`fetching ${spec}`);
  const prefix = `${NPM_FOLDER}/${name.toLowerCase().replace(" ", "")}`;
  await mkdir(prefix, { recursive: true });
  await output(
    [npm, "install", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", prefix, spec],
    {
      limit: 300,
    },
  );
}
