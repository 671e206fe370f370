/**
 * How long each command continues after Ctrl-C, at moments spread over all of its phases.
 *
 *   node scripts/run.mjs bench/faults/interrupts.ts            a table
 *   node scripts/run.mjs bench/faults/interrupts.ts --json     {"worst","command","moments"}, seconds
 */
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";

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
const COMMANDS: Record<string, string[]> = {
  "train, bytes": ["train", book, ...out],
  "train, learning words": ["train", book, "--tokenizer", "word", ...out],
  "train, large steps": ["train", small, "--hidden", "1024", "--batch", "64", "--sequence", "128", ...out],
  "train, checkpoints": ["train", small, "--hidden", "512", "--checkpoint", `${FOLDER}/run`, ...out],
  "train, validating": ["train", small, "--valid", book, "--epochs", "0.05", ...out],
  "train, threads": ["train", book, "--threads", "2", ...out],
  eval: ["eval", model, book],
  "eval, samples": ["eval", model, book, "--samples", "16"],
  generate: ["generate", model, "--tokens", "1000000"],
  "generate, samples": ["generate", model, "--tokens", "1000000", "--samples", "64"],
  compare: ["compare", book, "--out", `${FOLDER}/comparison`],
  "compare, words": ["compare", book, "--tokenizer", "word", "--out", `${FOLDER}/comparison`],
  bench: ["bench"],
};

let worst = { seconds: 0, command: "" };
for (const [name, args] of Object.entries(COMMANDS)) {
  const seconds: number[] = [];
  for (let i = 0; i < MOMENTS; i++) seconds.push(await answer(args, 400 * (i + 1)));
  const most = Math.max(...seconds);
  if (most > worst.seconds) worst = { seconds: most, command: name };
  if (!process.argv.includes("--json")) console.log(name.padEnd(24), most.toFixed(3), "s at worst");
}
const { seconds, command } = worst;
console.log(
  process.argv.includes("--json")
    ? JSON.stringify({ worst: seconds, command, moments: MOMENTS * Object.keys(COMMANDS).length })
    : `worst: ${seconds.toFixed(3)} s, ${command}`,
);

function ended(args: readonly string[]): Promise<unknown> {
  return new Promise((resolve) =>
    spawn(process.execPath, [CLI, ...args], { stdio: "ignore" }).on("exit", resolve),
  );
}

/** Seconds from Ctrl-C, so many milliseconds after the start, to the end. */
function answer(args: readonly string[], after: number): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [CLI, ...args], { stdio: "ignore" });
    let pressed = Number.POSITIVE_INFINITY;
    setTimeout(() => {
      pressed = performance.now();
      child.kill("SIGINT");
    }, after);
    child.on("exit", () => resolve(Math.max(0, (performance.now() - pressed) / 1000)));
  });
}
