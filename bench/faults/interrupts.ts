/** @module How long each command continues after Ctrl-C, at random moments of all its phases, its start among them. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { Campaign } from "./campaign.ts";
import { CLI, uniform } from "./support.ts";

const FOLDER = "build/faults/interrupts";
const TICK = 100;
/** Seconds within which a command has to end. */
const SOON = 0.5;
/** Seconds after which a command that did not hear is ended in earnest. */
const PATIENCE = 10;
/** Seconds behind a command's start within which Ctrl-C comes. */
const PHASES = 4;

const at = (name: string) => `${FOLDER}/${name}`;
const [book, small, model, large, pairs, pairModel] = [
  "book.txt",
  "small.txt",
  "model.svi",
  "large.svi",
  "pairs.tsv",
  "pairs.svi",
].map(at);
const [lists, references, comparison, costs] = ["lists.tsv", "references.txt", "comparison", "costs"].map(at);
const out = ["--out", at("out.svi")];
const TINY = "--embedding 8 --hidden 16 --batch 1 --sequence 8".split(" ");
const SHAPE = "--embedding 8 --hidden 32 --batch 8 --sequence 16".split(" ");

const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  "train, bytes": ["train", book, ...out],
  "train, learning words": ["train", book, "--tokenizer", "word", ...out],
  "train, large steps": ["train", small, "--hidden", "1024", "--batch", "64", "--sequence", "128", ...out],
  "train, checkpoints": ["train", small, "--hidden", "512", "--checkpoint", at("run"), ...out],
  "train, validating": ["train", small, "--valid", book, "--epochs", "0.05", ...out],
  "train, threads": ["train", book, "--threads", "2", ...out],
  "train, shards": ["train", book, "--workers", "2", ...out],
  "train, pairs": ["train", pairs, "--pairs", "--tokenizer", "word", ...out],
  "train, saving a large model": ["train", small, "--warm-start", large, "--batch", "1", ...out],
  eval: ["eval", model, book],
  "eval, samples": ["eval", model, book, "--samples", "16"],
  "eval, dynamic": ["eval", model, book, "--dynamic"],
  "eval, cache": ["eval", model, book, "--cache", "2000"],
  "eval, temperature": ["eval", model, book, "--temperature", "fit", "--valid", small],
  "eval, large model": ["eval", large, book],
  "eval, nothing is piped in": ["eval", model, "-"],
  score: ["score", model, book],
  "score, samples": ["score", model, book, "--samples", "16", "--json", "--tokens"],
  "score, nothing is piped in": ["score", model],
  rescore: ["rescore", model, lists],
  "rescore, tuning": ["rescore", model, lists, "--dev", references, "--choice", "mbr", "--samples", "4"],
  adapt: ["adapt", model, book, ...out],
  "adapt, validating": ["adapt", model, small, "--valid", book, "--epochs", "0.05", ...out],
  "info, large model": ["info", large],
  "import, large model": ["import", large, "--tokenizer", "byte", ...out],
  "cluster work, no Redis": ["cluster", "work", "--redis", "redis://127.0.0.1:1"],
  "cluster serve": ["cluster", "serve", large, "--parties", "2", "--port", "0", ...out],
  "cluster join": ["cluster", "join", book, "--url", "http://127.0.0.1:1", "--party", "a", "--model", model],
  generate: ["generate", model, "--tokens", "1000000"],
  "generate, samples": ["generate", model, "--tokens", "1000000", "--samples", "64"],
  translate: ["translate", pairModel, book],
  "translate, samples": ["translate", pairModel, book, "--samples", "16", "--beam", "12"],
  compare: ["compare", book, "--out", comparison],
  "compare, words": ["compare", book, "--tokenizer", "word", "--out", comparison],
  "compare, large steps": ["compare", small, "--hidden", "1024", "--out", comparison],
  "compare, step costs": ["compare", small, "--trials", "0", "--epochs", "0.001", ...SHAPE, "--out", costs],
  bench: ["bench"],
};

export interface Answers {
  /** Seconds of the slowest answer by any clock, and by what the process itself worked; and whose it was. */
  readonly worst: number;
  readonly worked: number;
  readonly command: string;
}

interface Answer {
  readonly seconds: number;
  /** What the process worked after Ctrl-C: on a machine with much else to do, the fairer figure. */
  readonly worked: number;
}

/**
 * @param sends presses of Ctrl-C a command
 * @param only beginnings of the names of commands; all where there are none
 */
export async function interrupts(
  campaign: Campaign,
  sends: number,
  only: readonly string[],
): Promise<Answers> {
  const begun = performance.now();
  await prepare(campaign);
  const start = await startOf();
  campaign.say(
    `prepared in ${((performance.now() - begun) / 1000).toFixed(0)} s, a start takes ${start.toFixed(1)} s`,
  );
  let all: Answers = { worst: 0, worked: 0, command: "" };
  for (const [name, args] of Object.entries(COMMANDS)) {
    if (only.length > 0 && !only.some((begin) => name.startsWith(begin))) continue;
    const random = uniform(name.length + 1);
    // Step costs are measured at the end, and once: all but them is there before.
    if (args.includes(costs)) await ended(args);
    const heard: Answer[] = [];
    await campaign.each(`Ctrl-C, ${name}`, sends, async (i) => {
      if (args.includes(costs)) forgetCosts();
      // The first comes while the command starts.
      const after = i === 0 ? start * (0.5 + random()) : start + PHASES * random();
      const found = await answer(args, after);
      if (typeof found === "string")
        return campaign.expect(`${name}, after ${after.toFixed(2)} s`, false, found);
      if (found) heard.push(found);
      return campaign.expect(
        `${name}, after ${after.toFixed(2)} s`,
        !found || Math.min(found.seconds, found.worked) <= SOON,
        found,
      );
    });
    const most = (of: (answer: Answer) => number) => Math.max(0, ...heard.map(of));
    const [worst, worked] = [most(({ seconds }) => seconds), most(({ worked }) => worked)];
    campaign.say(
      `${name}: ${worst.toFixed(2)} s at worst of ${heard.length}, ${worked.toFixed(2)} s of work`,
    );
    if (worked > all.worked || all.command === "")
      all = { worst: Math.max(worst, all.worst), worked, command: name };
    else all = { ...all, worst: Math.max(worst, all.worst) };
  }
  return all;
}

async function prepare(campaign: Campaign): Promise<void> {
  mkdirSync(FOLDER, { recursive: true });
  const words = "the whale sea ship and of a captain said to in was he it old white deep harpoon".split(" ");
  const line = (i: number) =>
    Array.from({ length: 11 }, (_, k) => words[(i * 7 + k * k + (i >> 3)) % words.length]).join(" ");
  const lines = (path: string, count: number, of: (i: number) => string) =>
    writeFileSync(path, `${Array.from({ length: count }, (_, i) => of(i)).join("\n")}\n`);
  lines(book, 200_000, line);
  lines(small, 2000, line);
  lines(pairs, 20_000, (i) => `${line(i)}\t${line(i + 1)}`);
  lines(lists, 60_000, (i) => `u${i >> 6}\t${i & 63}\t${-i & 63}\t${line(i)}`);
  lines(references, 938, (u) => `u${u} ${line(64 * u)}`);
  const brief = ["--epochs", "0.000001"];
  await ended(["train", small, "--out", model, "--tokenizer", "word", ...brief]);
  await ended([
    "train",
    pairs,
    "--pairs",
    "--out",
    pairModel,
    "--tokenizer",
    "word",
    "--batch",
    "1",
    ...brief,
  ]);
  // A file that is large: reading, checking, hashing and writing it takes a while.
  await ended(["train", small, "--out", large, ...TINY, "--hidden", "1536", "--layers", "2", ...brief]);
  campaign.say("models are there");
}

function forgetCosts(): void {
  for (const name of readdirSync(costs)) if (/^costs-/.test(name)) rmSync(`${costs}/${name}`);
}

/** A model that a run of one step has spoilt will do. */
async function ended(args: readonly string[]): Promise<void> {
  const child = spawn(process.execPath, [CLI, ...args], { stdio: ["ignore", "ignore", "pipe"] });
  let err = "";
  child.stderr!.on("data", (text) => {
    err += text;
  });
  const [code] = await once(child, "close");
  if (code !== 0 && !err.includes("saved to"))
    throw new Error(`${args.join(" ")} ended with ${code}: ${err}`);
}

/** Seconds until the command line listens, on this machine as it is now. */
async function startOf(): Promise<number> {
  const began = performance.now();
  await ended(["--version"]);
  return (performance.now() - began) / 1000;
}

/** Seconds that a process has worked; null where it has ended, or the system does not say. */
function workOf(pid: number): number | null {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)!.split(" ");
    return (Number(fields[11]) + Number(fields[12])) / TICK;
  } catch {
    return null;
  }
}

/** @returns how long it took; null where the command had ended before; a text where it ended otherwise than by it */
function answer(args: readonly string[], after: number): Promise<Answer | string | null> {
  return new Promise((resolve) => {
    // Standard input stays open and silent, as a terminal's does.
    const child = spawn(process.execPath, [CLI, ...args], { stdio: ["pipe", "ignore", "pipe"] });
    let err = "";
    child.stderr!.on("data", (text) => {
      err += text;
    });
    let pressed: { readonly at: number; readonly work: number | null } | null = null;
    let work: number | null = null;
    let watching: NodeJS.Timeout | undefined;
    const timer = setTimeout(() => {
      work = workOf(child.pid!);
      pressed = { at: performance.now(), work };
      child.kill("SIGINT");
      watching = setInterval(() => {
        work = workOf(child.pid!) ?? work;
      }, 10);
    }, 1000 * after);
    const last = setTimeout(() => child.kill("SIGKILL"), 1000 * (after + PATIENCE));
    child.on("exit", (code, signal) => {
      clearTimeout(timer);
      clearTimeout(last);
      clearInterval(watching);
      if (pressed === null) return resolve(code === 0 ? null : `${signal ?? code}: ${err.slice(-400)}`);
      const seconds = (performance.now() - pressed.at) / 1000;
      const worked = pressed.work === null || work === null ? seconds : work - pressed.work;
      // A command that has hardly begun has nothing to end: the signal does it.
      if (code === 130 || code === 0 || signal === "SIGINT") resolve({ seconds, worked });
      else
        resolve(`${signal ?? code} after ${seconds.toFixed(2)} s, ${worked} s of work: ${err.slice(-400)}`);
    });
  });
}
