/** @module The bundled command line, run as a user's shell runs it: its exit code, its two streams, signals. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, vi } from "vitest";

/** Small enough for a step to take about a millisecond. */
export const TINY = "--embedding 8 --hidden 16 --batch 4 --sequence 8".split(" ");

export interface Result {
  code: number | null;
  signal: NodeJS.Signals | null;
  out: string;
  err: string;
}

export interface Running {
  child: ChildProcess;
  /** Resolves once so many lines have come on stdout. */
  lines(count: number): Promise<void>;
  end: Promise<Result>;
}

// Processes of their own, on machines that may have much else to do.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

/** A folder and a bundle of their own for each test file. */
export function commandLine(name: string) {
  const bundle = `build/test-cli-${name}.mjs`;
  const folder = mkdtempSync(join(tmpdir(), "svi-lm-cli-"));
  const file = (path: string) => join(folder, path);
  beforeAll(() => {
    const { status, stderr } = spawnSync(process.execPath, ["scripts/build-package.mjs", "--cli", bundle]);
    if (status !== 0) throw new Error(String(stderr));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function start(args: readonly string[]): Running {
    const child = spawn(process.execPath, [bundle, ...args], { env: { ...process.env, NO_COLOR: "1" } });
    const result: Result = { code: null, signal: null, out: "", err: "" };
    child.stdout.setEncoding("utf8").on("data", (text) => {
      result.out += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text) => {
      result.err += text;
    });
    const end = new Promise<Result>((resolve) => {
      child.on("close", (code, signal) => resolve({ ...result, code, signal }));
    });
    const lines = (count: number) =>
      new Promise<void>((resolve, reject) => {
        const look = () => {
          if (result.out.split("\n").length > count) resolve();
        };
        child.stdout.on("data", look);
        child.on("close", () =>
          reject(new Error(`It ended before line ${count}: ${result.out}${result.err}`)),
        );
        look();
      });
    return { child, lines, end };
  }

  return {
    file,
    bundle,
    start,
    run: (...args: string[]) => start(args).end,
    write: (path: string, content: string | Uint8Array) => {
      writeFileSync(file(path), content);
      return file(path);
    },
  };
}

/** Every line of a stream that holds JSON and nothing else. */
// biome-ignore lint/suspicious/noExplicitAny: the tests say what they expect in it
export function objects(out: string): any[] {
  return out
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}

/** English-like text that is the same every time. */
export function text(words: number, seed = 1): string {
  const vocabulary = "the whale sea ship and of a captain said to in was he it old white deep harpoon".split(
    " ",
  );
  let state = seed;
  const out: string[] = [];
  for (let i = 0; i < words; i++) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    out.push(vocabulary[(state >>> 16) % vocabulary.length] + (i % 11 === 10 ? "\n" : " "));
  }
  return out.join("");
}
