/** @module What a command is: a name, a table of options, a function; and the words that are read by that table. */
import { parseArgs } from "node:util";
import type { Interruption } from "./interrupt.ts";

interface Described {
  readonly help: string;
  /** What the library takes where nothing is given; for the help alone. */
  readonly default?: string | number;
}
interface Text extends Described {
  readonly kind: "text";
  readonly value: string;
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
}

export type Option = Text | Numeric | Flag | Choice<string>;
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
  /** Names of what stands without a flag; the last may end in "…" for several, or "?" for none. */
  readonly words: readonly string[];
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

/** Wrong usage: exit 2. */
export class UsageError extends Error {}

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

function parse(args: readonly string[], table: Options) {
  const options = Object.fromEntries(
    Object.entries(table).map(([name, { kind }]) => {
      const type = kind === "flag" ? ("boolean" as const) : ("string" as const);
      return [name, name === "help" ? { type, short: "h" } : { type }];
    }),
  );
  try {
    const { values, positionals } = parseArgs({
      args: joinNegative(args),
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

/** `--lr -1` as `--lr=-1`: a number is never the name of an option. */
function joinNegative(args: readonly string[]): string[] {
  const out: string[] = [];
  for (const arg of args) {
    const last = out[out.length - 1];
    if (/^-[\d.]/.test(arg) && last?.startsWith("--") && last !== "--" && !last.includes("="))
      out[out.length - 1] = `${last}=${arg}`;
    else out.push(arg);
  }
  return out;
}

function read(name: string, option: Option, given: string | boolean): string | number | boolean {
  if (typeof given === "boolean" || option.kind === "text") return given;
  if (option.kind === "choice") {
    if (option.choices.includes(given)) return given;
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
  if (!last.endsWith("…") && given.length > words.length)
    throw new UsageError(`${JSON.stringify(given[words.length])} is one word too many`);
}

export function wordUsage(word: string): string {
  return word.endsWith("?") ? `[${word.slice(0, -1)}]` : `<${word}>`;
}
