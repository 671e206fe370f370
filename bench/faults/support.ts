/** @module The command line as a process that can be killed or made to fail, in a folder of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** What the preloaded script makes go wrong. */
export interface Fault {
  readonly kind: "stop" | "rename" | "renamed" | "full" | "thread" | "clock";
  readonly after: number;
  /** Milliseconds behind it, for a thread. */
  readonly wait?: number;
  /** A part of the paths that are on a full disk. */
  readonly only?: string;
}

/** A place for a run: its checkpoints and its model, and the folder of both. */
export interface Place {
  readonly all: string;
  readonly folder: string;
  readonly out: string;
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Objects of the lines on stdout; the last one may be cut. */
  // biome-ignore lint/suspicious/noExplicitAny: each campaign says what it expects
  readonly events: readonly any[];
  readonly err: string;
  readonly seconds: number;
}

const FOLDER = "build/faults";
export const CLI = `${FOLDER}/cli.mjs`;
const TEXT = `${FOLDER}/text.txt`;
/** Small, with a checkpoint every few steps: most of a run's time is near one. */
const EVERY = 7;
const RUN =
  `--embedding 8 --hidden 16 --batch 4 --sequence 8 --epochs 2 --checkpoint-every ${EVERY} --json`.split(" ");

export function prepare(): void {
  mkdirSync(FOLDER, { recursive: true });
  const words = "the whale sea ship and of a captain said to in was he it old white deep harpoon".split(" ");
  writeFileSync(
    TEXT,
    Array.from({ length: 900 }, (_, i) => words[(i * i + (i >> 3)) % words.length]).join(" "),
  );
}

export function place(name: string): Place {
  const all = join(FOLDER, name);
  rmSync(all, { recursive: true, force: true });
  mkdirSync(all, { recursive: true });
  return { all, folder: join(all, "run"), out: join(all, "model.svi") };
}

export function train(at: Pick<Place, "folder" | "out">, ...more: string[]): string[] {
  return ["train", TEXT, "--out", at.out, "--checkpoint", at.folder, ...RUN, ...more];
}

export function start(args: readonly string[], fault?: Fault): { child: ChildProcess; end: Promise<Ended> } {
  const preload = fault ? ["--import", "./bench/faults/preload.mjs"] : [];
  const env = { ...process.env, FAULT: fault && JSON.stringify(fault) };
  const started = performance.now();
  const child = spawn(process.execPath, [...preload, CLI, ...args], { env });
  let [out, err] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text) => {
    out += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text) => {
    err += text;
  });
  const end = new Promise<Ended>((resolve) => {
    child.on("close", (code, signal) => {
      const whole = out.split("\n").slice(0, -1);
      const seconds = (performance.now() - started) / 1000;
      resolve({ code, signal, err, seconds, events: whole.map((line) => JSON.parse(line)) });
    });
  });
  return { child, end };
}

export function run(args: readonly string[], fault?: Fault): Promise<Ended> {
  return start(args, fault).end;
}

/** Calls back once, when so many steps have been told on stdout; never where there are fewer. */
export function stepsOf(child: ChildProcess, steps: number, then: () => void): void {
  let [seen, called] = [0, false];
  child.stdout!.on("data", (text: string) => {
    seen += text.split('"event":"step"').length - 1;
    if (called || seen <= steps) return;
    called = true;
    then();
  });
}

/** An undisturbed run: what others are compared with. */
export interface Whole {
  readonly hash: string;
  readonly seconds: number;
  readonly steps: number;
  /** Files that it wrote, and their bytes: what proves that there is room, checkpoints and the model. */
  readonly files: number;
  readonly bytes: number;
  /** Of the checkpoints alone. */
  readonly checkpointBytes: number;
}

export function wholeOf(at: Place, ended: Ended): Whole {
  const steps = ended.events.filter(({ event }) => event === "step").length;
  const checkpoints = Math.floor(steps / EVERY);
  const [checkpoint, model] = [`${at.folder}/checkpoint.svi`, at.out].map((path) => statSync(path).size);
  const checkpointBytes = (checkpoints + 1) * checkpoint;
  const bytes = checkpointBytes + 2 * model;
  const { seconds } = ended;
  return { hash: hashOf(ended), seconds, steps, files: checkpoints + 1, bytes, checkpointBytes };
}

/** Hash that a run came to; its last words where it came to none. */
export function hashOf({ events, err, code }: Ended): string {
  const last = events.at(-1);
  return last?.event === "done" ? last.hash : `exit ${code}: ${JSON.stringify(last)} ${err}`;
}

export function exists(path: string): boolean {
  try {
    return readFileSync(path).length > 0;
  } catch {
    return false;
  }
}

/** Uniform in [0, 1), the same for the same seed (mulberry32). */
export function uniform(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
