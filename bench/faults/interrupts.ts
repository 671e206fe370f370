/**
 * How long each command continues after Ctrl-C, at moments spread over all of its phases.
 *
 *   node scripts/run.mjs bench/faults/interrupts.ts            a table
 *   node scripts/run.mjs bench/faults/interrupts.ts --json     {"worst","command","moments"}, seconds
 *   node scripts/run.mjs bench/faults/interrupts.ts --only compare,info
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";

const FOLDER = "build/faults/interrupts";
const CLI = `${FOLDER}/cli.mjs`;
const MOMENTS = 8;

mkdirSync(FOLDER, { recursive: true });
const words = "the whale sea ship and of a captain said to in was he it old white deep harpoon".split(" ");
const line = (i: number) =>
  Array.from({ length: 11 }, (_, k) => words[(i * 7 + k * k + (i >> 3)) % 18]).join(" ");
const book = `${FOLDER}/book.txt`;
writeFileSync(book, `${Array.from({ length: 200_000 }, (_, i) => line(i)).join("\n")}\n`);
const small = `${FOLDER}/small.txt`;
writeFileSync(small, `${Array.from({ length: 2000 }, (_, i) => line(i)).join("\n")}\n`);
const { status, stderr } = spawnSync(process.execPath, ["scripts/build-package.mjs", "--cli", CLI]);
if (status !== 0) throw new Error(String(stderr));
const model = `${FOLDER}/model.svi`;
await ended(["train", small, "--out", model, "--tokenizer", "word", "--epochs", "1"]);

const out = ["--out", `${FOLDER}/out.svi`];
const lists = `${FOLDER}/lists.tsv`;
const candidate = (i: number) => `u${i >> 6}\t${i & 63}\t${-i & 63}\t${line(i)}`;
writeFileSync(lists, `${Array.from({ length: 60_000 }, (_, i) => candidate(i)).join("\n")}\n`);
const references = `${FOLDER}/references.txt`;
writeFileSync(references, `${Array.from({ length: 938 }, (_, u) => `u${u} ${line(64 * u)}`).join("\n")}\n`);
/** A model whose file is large: reading and checking it takes a while. */
const large = `${FOLDER}/large.svi`;
await ended(["train", small, "--out", large, "--hidden", "1536", "--layers", "2", "--epochs", "0.01"]);

const COMMANDS: Record<string, string[]> = {
  "train, bytes": ["train", book, ...out],
  "train, learning words": ["train", book, "--tokenizer", "word", ...out],
  "train, large steps": ["train", small, "--hidden", "1024", "--batch", "64", "--sequence", "128", ...out],
  "train, checkpoints": ["train", small, "--hidden", "512", "--checkpoint", `${FOLDER}/run`, ...out],
  "train, validating": ["train", small, "--valid", book, "--epochs", "0.05", ...out],
  "train, threads": ["train", book, "--threads", "2", ...out],
  eval: ["eval", model, book],
  "eval, samples": ["eval", model, book, "--samples", "16"],
  "eval, dynamic": ["eval", model, book, "--dynamic"],
  "eval, cache": ["eval", model, book, "--cache", "2000"],
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
  "cluster, no Redis": ["cluster", "work", "--redis", "redis://127.0.0.1:1"],
  generate: ["generate", model, "--tokens", "1000000"],
  "generate, samples": ["generate", model, "--tokens", "1000000", "--samples", "64"],
  compare: ["compare", book, "--out", `${FOLDER}/comparison`],
  "compare, words": ["compare", book, "--tokenizer", "word", "--out", `${FOLDER}/comparison`],
  "compare, large steps": ["compare", small, "--hidden", "1024", "--out", `${FOLDER}/comparison`],
  "compare, step costs": ["compare", small, "--trials", "0", "--epochs", "0.01", "--out", `${FOLDER}/costs`],
  bench: ["bench"],
};

// Step costs are measured at the end, and once: all but them is there before.
await ended(["compare", small, "--trials", "0", "--epochs", "0.01", "--out", `${FOLDER}/costs`]);
const forgetCosts = () => {
  for (const name of readdirSync(`${FOLDER}/costs`))
    if (/^costs-/.test(name)) rmSync(`${FOLDER}/costs/${name}`);
};

/** Milliseconds after which a command that did not hear is ended in earnest. */
const PATIENCE = 30_000;
const { only } = parseArgs({ options: { only: { type: "string" }, json: { type: "boolean" } } }).values;
let heard = 0;
let worst = { seconds: 0, command: "" };
for (const [name, args] of Object.entries(COMMANDS)) {
  if (only && !only.split(",").some((begin) => name.startsWith(begin))) continue;
  const seconds: number[] = [];
  for (let i = 0; i < MOMENTS; i++) {
    forgetCosts();
    const taken = await answer(args, 400 * (i + 1));
    if (taken !== null) seconds.push(taken);
  }
  heard += seconds.length;
  if (seconds.length === 0) throw new Error(`${name} ended before it could be interrupted`);
  const most = Math.max(...seconds);
  if (most > worst.seconds) worst = { seconds: most, command: name };
  if (!process.argv.includes("--json"))
    console.log(name.padEnd(26), most.toFixed(3), `s at worst of ${seconds.length}`);
}
const { seconds, command } = worst;
console.log(
  process.argv.includes("--json")
    ? JSON.stringify({ worst: seconds, command, moments: heard })
    : `worst: ${seconds.toFixed(3)} s, ${command}`,
);

async function ended(args: readonly string[]): Promise<void> {
  const child = spawn(process.execPath, [CLI, ...args], { stdio: "ignore" });
  const [code] = await once(child, "exit");
  if (code !== 0) throw new Error(`${args.join(" ")} ended with ${code}`);
}

/**
 * Seconds from Ctrl-C, so many milliseconds after the start, to the end; null where it had ended before.
 * @throws where it ends with another code than shells have for Ctrl-C
 */
function answer(args: readonly string[], after: number): Promise<number | null> {
  return new Promise((resolve, reject) => {
    // Standard input stays open and silent, as a terminal's does.
    const child = spawn(process.execPath, [CLI, ...args], { stdio: ["pipe", "ignore", "pipe"] });
    let err = "";
    child.stderr.on("data", (text) => {
      err += text;
    });
    let pressed: number | null = null;
    const timer = setTimeout(() => {
      pressed = performance.now();
      child.kill("SIGINT");
    }, after);
    const last = setTimeout(() => child.kill("SIGKILL"), after + PATIENCE);
    child.on("exit", (code, signal) => {
      clearTimeout(timer);
      clearTimeout(last);
      // A command that has hardly begun has nothing to end: the signal does it.
      const right = pressed === null ? code === 0 : code === 130 || code === 0 || signal === "SIGINT";
      if (!right) reject(new Error(`${args.join(" ")} ended with ${signal ?? code}: ${err.slice(-400)}`));
      resolve(pressed && (performance.now() - pressed) / 1000);
    });
  });
}
