/** @module The command line: finds the command, runs it, turns what happened into an exit code. */
import { readFileSync } from "node:fs";
import { isMainThread } from "node:worker_threads";
import "../kernels/embedded.ts";
import { serveJobs } from "../distributed/thread.ts";
import { nearest } from "../options.ts";
import { adaptCommand } from "./adapt.ts";
import { bench } from "./bench.ts";
import { board, coordinate, status, stop, work } from "./cluster.ts";
import { type Command, parseWords, pathsOf } from "./command.ts";
import { serve, WORKER } from "./compare/worker.ts";
import { compare } from "./compare.ts";
import { evaluation } from "./eval.ts";
import { explain } from "./explain.ts";
import { joinCommand, serveCommand } from "./federated.ts";
import { generate } from "./generate.ts";
import { commandHelp, groupHelp, programHelp } from "./help.ts";
import { importCommand } from "./import.ts";
import { info } from "./info.ts";
import { requireReadable } from "./inputs.ts";
import { Interruption } from "./interrupt.ts";
import { checkPaths } from "./paths.ts";
import { note, printJson, warn } from "./print.ts";
import { rescore } from "./rescore.ts";
import { score } from "./score.ts";
import { SHARDS } from "./sharded.ts";
import { train } from "./train.ts";
import { translateCommand } from "./translate.ts";
import { UsageError } from "./usage.ts";

const COMMANDS: readonly Command[] = [
  train,
  adaptCommand,
  evaluation,
  score,
  generate,
  translateCommand,
  rescore,
  compare,
  info,
  importCommand,
  bench,
  coordinate,
  work,
  status,
  board,
  stop,
  serveCommand,
  joinCommand,
];

const interruption = new Interruption();

/** The command, once it is known. */
let running: Command | undefined;

async function main([first, ...rest]: readonly string[]): Promise<number> {
  // Some names are two words.
  const pair = COMMANDS.some((command) => command.name === `${first} ${rest[0]}`);
  const [name, args] = pair ? [`${first} ${rest[0]}`, rest.slice(1)] : [first, rest];
  if (name === "--help" || name === "-h" || name === "help") return say(programHelp(COMMANDS, version()));
  if (name === "--version") return say(`${version()}\n`);
  if (name === undefined) throw new UsageError("No command was given");
  const group = COMMANDS.filter((command) => command.name.startsWith(`${name} `));
  if (group.length > 0) return groupOf(name, group, args);
  const found = COMMANDS.find((command) => command.name === name);
  if (!found)
    throw unknownCommand(
      name,
      COMMANDS.map((command) => command.name),
    );
  running = found;
  const { help, ...given } = parseWords(found, args);
  if (help) return say(commandHelp(found));
  interruption.watch();
  const paths = pathsOf(found, given.words, given.options);
  for (const { path, use, words } of paths) if (use === "read") await requireReadable(path, words);
  for (const note of await checkPaths(paths)) warn(note, given.json);
  return found.run({ ...given, interruption });
}

/** A name that is the first word of several commands. @throws UsageError */
function groupOf(name: string, commands: readonly Command[], [given]: readonly string[]): number {
  if (given === "--help" || given === "-h") return say(groupHelp(name, commands));
  const names = commands.map((command) => command.name.slice(name.length + 1)).join(", ");
  if (given === undefined) throw new UsageError(`${name} is followed by one of ${names}`);
  throw new UsageError(`There is no command ${JSON.stringify(`${name} ${given}`)}; ${name} has ${names}`);
}

function unknownCommand(name: string, names: readonly string[]): UsageError {
  const meant = nearest(name, names);
  return new UsageError(`There is no command ${JSON.stringify(name)}${meant ? `, perhaps ${meant}` : ""}`);
}

function say(text: string): number {
  process.stdout.write(text);
  return 0;
}

/** Of the package that this file lies in, bundled or not. */
function version(): string {
  for (let folder = new URL(".", import.meta.url); ; folder = new URL("..", folder)) {
    try {
      const { name, version } = JSON.parse(readFileSync(new URL("package.json", folder), "utf8"));
      if (name === "svi-lm") return version;
    } catch {
      // The next folder up.
    }
    if (folder.pathname === new URL("..", folder).pathname) return "of unknown version";
  }
}

function fail(error: unknown, args: readonly string[]): number {
  if (interruption.requested && error === interruption.signal.reason) return interruption.exitCode;
  const { code, message, wrongUsage } = explain(error, running, args);
  if (args.includes("--json")) printJson({ event: "error", code, message });
  else if (code !== "E_USAGE") note(`svi-lm: ${code}: ${message}`);
  else note(`svi-lm: ${message}; see svi-lm ${running ? `${running.name} ` : ""}--help`);
  return wrongUsage ? 2 : 1;
}

// The reader of a pipe has gone, or the terminal: whatever runs saves what it can, and nothing more is said.
for (const stream of [process.stdout, process.stderr])
  stream.on("error", ({ code }: NodeJS.ErrnoException) => {
    if (code === "EPIPE" || code === "EIO") interruption.request();
  });

const args = process.argv.slice(2);
// A process of `compare`'s own: it speaks with its parent alone.
if (args[0] === WORKER && process.send) serve();
// A thread of `train --workers`.
else if (args[0] === SHARDS && !isMainThread) serveJobs();
else process.exitCode = await main(args).catch((error) => fail(error, args));
