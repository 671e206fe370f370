/** @module Command lines: read by their tables within this process, and run as processes of their own. */
import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import fc from "fast-check";
import { adaptCommand } from "../../src/cli/adapt.ts";
import { bench } from "../../src/cli/bench.ts";
import { coordinate, status, stop, work } from "../../src/cli/cluster.ts";
import { type Command, parseWords, pathsOf } from "../../src/cli/command.ts";
import { compare } from "../../src/cli/compare.ts";
import { evaluation } from "../../src/cli/eval.ts";
import { generate } from "../../src/cli/generate.ts";
import { commandHelp } from "../../src/cli/help.ts";
import { info } from "../../src/cli/info.ts";
import { rescore } from "../../src/cli/rescore.ts";
import { score } from "../../src/cli/score.ts";
import { train } from "../../src/cli/train.ts";
import { UsageError } from "../../src/cli/usage.ts";
import { byteTokenizer, LanguageModel } from "../../src/entries/index.ts";
import { type Boundary, must } from "./boundary.ts";
import { mutateText, someText } from "./mutate.ts";
import type { Random } from "./random.ts";

export const FOLDER = "build/fuzz";
export const CLI = `${FOLDER}/cli.mjs`;
const SOON: readonly Command[] = [train, adaptCommand, evaluation, score, generate, rescore, info];
const ALL: readonly Command[] = [...SOON, compare, bench, coordinate, work, status, stop];
const PATHS = ["model.svi", "text.txt", "lists.tsv", "nothing", "new.svi", ".", "", "-", "text.txt/x"];

/** Words and options of a command's table, with values that are right, odd or missing. */
function lineOf(random: Random, { words, options }: Command, path: () => string): string[] {
  const line = words.flatMap((word) => (random.once(8) ? [] : [word === "M" ? path() : path()]));
  const names = Object.keys(options);
  for (let given = names.length && random.below(5); given > 0; given--) {
    const name = random.pick(names);
    const option = options[name];
    const flag = random.once(12) ? mutateText(random, `--${name}`) : `--${name}`;
    const value = [
      () => String(random.pick([0, 1, 2, -1, 0.5, 1e9, "nan", "1e-3"])),
      () => (option.kind === "choice" ? random.pick(option.choices) : path()),
      () => someText(random, 3),
    ];
    if (option.kind === "flag" && !random.once(6)) line.push(flag);
    else if (random.once(3)) line.push(`${flag}=${random.pick(value)()}`);
    else line.push(flag, random.pick(value)());
  }
  if (random.once(6)) line.splice(random.below(line.length + 1), 0, someText(random, 2));
  return line;
}

/** The line is read, or refused in one line. */
function parsed(command: Command, line: readonly string[]): void {
  try {
    const { words, options, help } = parseWords(command, line);
    if (help) commandHelp(command);
    else pathsOf(command, words, options);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    must(!/[\n\r]/.test(error.message), `a message of several lines: ${JSON.stringify(error.message)}`);
  }
}

export const commandLines: Boundary = {
  name: "command lines",
  prepare: () => (random) => {
    const command = random.pick(ALL);
    parsed(
      command,
      lineOf(random, command, () => random.pick(PATHS)),
    );
  },
  property: fc.property(fc.constantFrom(...ALL), fc.array(fc.string({ maxLength: 12 })), (command, line) =>
    parsed(command, line),
  ) as fc.IRawProperty<unknown>,
};

/** Milliseconds after which a process is interrupted, and in which it then must end. */
const [RUNS, ENDS] = [3000, 60_000];

export const processes: Boundary = {
  name: "processes",
  every: 64,
  async prepare() {
    mkdirSync(FOLDER, { recursive: true });
    const model = await LanguageModel.create({ tokenizer: byteTokenizer(), embedding: 4, hidden: 4 });
    writeFileSync(`${FOLDER}/model.svi`, model.toBytes());
    writeFileSync(`${FOLDER}/text.txt`, "the whale and the sea ".repeat(20));
    writeFileSync(`${FOLDER}/lists.tsv`, "u\t1\t-4\tthe whale\nu\t2\t-5\ta whale\n");
    return async (random) => {
      const command = random.pick(SOON);
      const line = lineOf(random, command, () => random.pick(PATHS));
      // What runs writes nothing but in its folder.
      const small = line.filter((word) => !/^[/~]|\.\./.test(word) && !word.includes("\0"));
      await ended([...command.name.split(" "), ...small]);
    };
  },
};

function ended(line: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ["cli.mjs", ...line], {
      cwd: FOLDER,
      stdio: ["ignore", "ignore", "pipe"],
    });
    let err = "";
    let interrupted = false;
    child.stderr.setEncoding("utf8").on("data", (text) => {
      err += text;
    });
    const soft = setTimeout(() => {
      interrupted = true;
      child.kill("SIGINT");
    }, RUNS);
    const hard = setTimeout(() => child.kill("SIGKILL"), RUNS + ENDS);
    child.on("error", reject);
    child.on("close", (code, signal) => {
      clearTimeout(soft);
      clearTimeout(hard);
      // On a busy machine the signal may come before there is anything to end.
      const stopped = interrupted && (code === 130 || signal === "SIGINT");
      const known = code === 0 || code === 1 || code === 2 || stopped;
      const last = err.trimEnd().split("\n").at(-1) ?? "";
      const told = code === 0 || stopped || line.includes("--json") || /^svi-lm: /.test(last);
      if (known && told && !/\n {4}at |E_INTERNAL/.test(err)) resolve();
      else reject(new Error(`${JSON.stringify(line)} ended with ${signal ?? code}: ${err.slice(0, 400)}`));
    });
  });
}
