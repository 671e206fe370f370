/** @module What a command is: a name, a table of options, a function; and the words that are read by that table. */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { isAddress } from "../distributed/texts.ts";
import { nearest } from "../options.ts";
import type { Interruption } from "./interrupt.ts";
import { type PathUse, STDIN } from "./paths.ts";
import { UsageError } from "./usage.ts";

interface Described {
  readonly help: string;
  /** What the library takes where nothing is given; for the help alone. */
  readonly default?: string | number;
}
interface Text extends Described {
  readonly kind: "text";
  readonly value: string;
  /** Whether a text without a character says something. */
  readonly empty?: true;
}
/** A text that is the path of a file or folder. */
interface PathOption extends Described {
  readonly kind: "path";
  readonly value: string;
  readonly use: PathUse["use"];
  /** Of a folder: names of the files in it that the command writes. */
  readonly holds?: readonly string[];
  /** Words that are not paths. */
  readonly words?: readonly string[];
}
interface Numeric extends Described {
  readonly kind: "number";
  readonly value?: string;
}
interface Flag extends Described {
  readonly kind: "flag";
}
interface Choice<C extends string> extends Described {
  readonly kind: "choice";
  readonly choices: readonly C[];
  /** Other words for a choice. */
  readonly synonyms?: Readonly<Record<string, C>>;
}

export type Option = Text | PathOption | Numeric | Flag | Choice<string>;
export type Options = Readonly<Record<string, Option>>;

type ValueOf<O extends Option> = O extends Flag
  ? boolean
  : O extends Numeric
    ? number
    : O extends Choice<infer C>
      ? C
      : string;

/** What was given; an option that was not is undefined, and the library knows its default. */
export type Values<O extends Options> = { readonly [Name in keyof O]?: ValueOf<O[Name]> };

export interface Invocation<O extends Options = Options> {
  readonly words: readonly string[];
  readonly options: Values<O>;
  readonly json: boolean;
  readonly interruption: Interruption;
}

export interface Command {
  readonly name: string;
  readonly summary: string;
  readonly example: string;
  /**
   * Names of what stands without a flag, each the path of a file that is read; the last may end in "…" for several,
   * or "?" for none.
   */
  readonly words: readonly string[];
  /** Whether its words may be http(s) addresses as well. */
  readonly addresses?: boolean;
  readonly options: Options;
  /** @returns the exit code */
  run(invocation: Invocation): Promise<number>;
}

/** Lets `run` see the types of its own options. */
export function command<const O extends Options>(
  definition: Omit<Command, "options" | "run"> & {
    readonly options: O;
    run(invocation: Invocation<O>): Promise<number>;
  },
): Command {
  return definition as unknown as Command;
}

export const COMMON = {
  json: { kind: "flag", help: "one JSON object a line on stdout, and nothing else there" },
  help: { kind: "flag", help: "this help" },
} as const satisfies Options;

/** @throws UsageError for anything that the command's table does not have */
export function parseWords(
  command: Command,
  args: readonly string[],
): { words: string[]; options: Values<Options>; json: boolean; help: boolean } {
  const table: Options = { ...command.options, ...COMMON };
  const { values, positionals } = parse(args, table);
  const options: Record<string, string | number | boolean> = {};
  for (const [name, given] of Object.entries(values)) options[name] = read(name, table[name], given);
  const { json, help, ...own } = options;
  if (!help) requireWords(command, positionals);
  return { words: positionals, options: own, json: json === true, help: help === true };
}

function parse(given: readonly string[], table: Options) {
  const args = joinValues(given, table);
  requireKnown(args, table);
  const options = Object.fromEntries(
    Object.entries(table).map(([name, { kind }]) => {
      const type = kind === "flag" ? ("boolean" as const) : ("string" as const);
      return [name, name === "help" ? { type, short: "h" } : { type }];
    }),
  );
  try {
    const { values, positionals } = parseArgs({
      args,
      options,
      allowPositionals: true,
      strict: true,
    });
    return { values: values as Record<string, string | boolean>, positionals };
  } catch (error) {
    // Node explains at length; its first sentence says what is wrong.
    throw new UsageError((error as Error).message.split(/\.? To specify |\.?\n/)[0]);
  }
}

/** @throws UsageError for an option that the table does not have, with what was probably meant */
function requireKnown(args: readonly string[], table: Options): void {
  for (const arg of args) {
    if (arg === "--") return;
    const [option] = arg.split("=", 1);
    const name = option.slice(2);
    if (
      !arg.startsWith("-") ||
      arg === "-" ||
      arg === "-h" ||
      (arg.startsWith("--") && Object.hasOwn(table, name))
    )
      continue;
    if (!arg.startsWith("--")) throw new UsageError(`Unknown option ${arg}; a file of that name is ./${arg}`);
    const meant = nearest(name, Object.keys(table));
    throw new UsageError(`Unknown option ${option}${meant ? `, perhaps --${meant}` : ""}`);
  }
}

/**
 * `--lr -1` as `--lr=-1`, `--prompt "- the"` as `--prompt=- the`: what follows an option that has a value is that
 * value, unless it is an option itself.
 */
function joinValues(args: readonly string[], table: Options): string[] {
  const out: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const [arg, next] = [args[i], args[i + 1]];
    if (arg === "--") return [...out, ...args.slice(i)];
    const option = arg.startsWith("--") ? table[arg.slice(2)] : undefined;
    if (!option || option.kind === "flag" || next === undefined || !next.startsWith("-")) out.push(arg);
    else if (/^(-h|--|--[a-z][a-z-]*(=.*)?)$/s.test(next))
      throw new UsageError(`${arg} is followed by ${next}; where that is its value, write ${arg}=${next}`);
    else {
      out.push(`${arg}=${next}`);
      i++;
    }
  }
  return out;
}

function read(name: string, option: Option, given: string | boolean): string | number | boolean {
  if (typeof given === "boolean") return given;
  // As of a shell's variable that is not set.
  if (given === "" && option.kind !== "number" && !(option.kind === "text" && option.empty))
    throw new UsageError(`--${name} is empty`);
  if (option.kind === "text" || option.kind === "path") return given;
  if (option.kind === "choice") {
    const choice = option.synonyms?.[given] ?? given;
    if (option.choices.includes(choice)) return choice;
    throw new UsageError(`--${name} is ${JSON.stringify(given)}, not one of ${option.choices.join(", ")}`);
  }
  const number = given.trim() === "" ? Number.NaN : Number(given);
  if (Number.isNaN(number)) throw new UsageError(`--${name} is ${JSON.stringify(given)}, not a number`);
  return number;
}

function requireWords({ words }: Command, given: readonly string[]): void {
  const missing = words.find((word, i) => !word.endsWith("?") && i >= given.length);
  if (missing) throw new UsageError(`${wordUsage(missing)} is missing`);
  const last = words[words.length - 1] ?? "";
  if (!last.includes("…") && given.length > words.length)
    throw new UsageError(`${JSON.stringify(given[words.length])} is one word too many`);
  const empty = given.indexOf("");
  if (empty >= 0) throw new UsageError(`${wordUsage(words[Math.min(empty, words.length - 1)])} is empty`);
}

export function wordUsage(word: string): string {
  return word.endsWith("?") ? `[${word.slice(0, -1)}]` : `<${word}>`;
}

/** Every path of an invocation: words are read; a table says what options are for. */
export function pathsOf(
  { words, addresses, options: table }: Command,
  given: readonly string[],
  options: Values<Options>,
): PathUse[] {
  const last = words.at(-1);
  // What stands for a file that is not given.
  const all = last?.endsWith("?") && given.length < words.length ? [...given, STDIN] : given;
  const uses: PathUse[] = all.flatMap((path, i) => {
    if (addresses && isAddress(path)) return [];
    const word = words[Math.min(i, words.length - 1)].replace(/[?…]$/, "");
    return [
      {
        path,
        name: word === "M" ? "the model" : word.endsWith("s") ? `one of the ${word}` : `a ${word}`,
        use: "read",
      },
    ];
  });
  for (const [flag, option] of Object.entries(table)) {
    const path = options[flag] ?? option.default;
    if (option.kind !== "path" || typeof path !== "string" || option.words?.includes(path)) continue;
    const name = option.use === "read" ? `the file of --${flag}` : `--${flag}`;
    uses.push({ path, name, use: option.use, words: option.words });
    for (const name of option.holds ?? [])
      uses.push({ path: join(path, name), name: `the file of --${flag}`, use: "write" });
  }
  return uses;
}
