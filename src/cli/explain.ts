/** @module Errors of the library as somebody meets them who has its flags at hand, and none of its functions. */
import { SviError } from "../errors.ts";
import type { Command } from "./command.ts";
import { oneLine, UsageError } from "./usage.ts";

export interface Explanation {
  readonly code: string;
  /** One line. */
  readonly message: string;
  /** Whether what was typed is what was wrong, not a file or a machine. */
  readonly wrongUsage: boolean;
}

/** What the library calls otherwise than the command line. */
const FLAGS: Readonly<Record<string, string>> = {
  learningRate: "lr",
  minimumCount: "min-count",
  maximumVocabulary: "max-vocabulary",
  prior: "prior-scale",
  build: "kernels",
  noise: "noiseless",
  noiseRamp: "kl-warmup",
  lockSeconds: "lock",
  "checkpoint every": "checkpoint-every",
};

/** What the library says to those who call it, for those who type; a place that is not in a message is left out. */
const WORDS: readonly (readonly [RegExp, string])[] = [
  [/\bbatch or sequence/, "--batch or --sequence"],
  [/given along with noise: false/, "given along with --noiseless"],
  [/, or raise the limit\b/, ""],
  [/names: \{ (\w+): … \}/, "--names $1=NAME"],
  [/in `names` what/, "by --names what"],
  [/Corpus\.pairs, or of Corpus\.open with scoreAfter/, "pairs: svi-lm train --pairs"],
  [/by ivon\(\)/, "by svi-lm train"],
  [/Read it by LanguageModel\.load/, "Use it as it is: svi-lm info says what it holds"],
  [/Give gaussianPrior\(.*$/, "Give a number above 0"],
  [/; importModel reads PyTorch's/, "; svi-lm import reads PyTorch's"],
  [/, or a `context`( and one)?/, ""],
  [/, or the first part and the symbol as `context`/, ""],
];

/** Remedies that a command without such a flag has not. */
const LACKING: readonly (readonly [flag: string, place: RegExp, words: string])[] = [
  ["batch", /, or a smaller batch or sequence/, ""],
  ["batch", /a smaller model, batch or sequence/, "a smaller model or text"],
];

/** What is wrong with a text, though an option is named. */
const LACKS = "lacks the symbol";

/**
 * @param command the one that failed, where it was found
 * @param args what was typed
 */
export function explain(thrown: unknown, command?: Command, args: readonly string[] = []): Explanation {
  if (thrown instanceof UsageError) return { code: "E_USAGE", message: thrown.message, wrongUsage: true };
  const error = ofTheFile(thrown);
  const text = error instanceof Error ? error.message : String(error);
  const say = (message: string, more: Omit<Explanation, "message">) => ({
    ...more,
    message: oneLine(message.replace(/\s*[\n\r]\s*/g, " ")),
  });
  if (!(error instanceof SviError)) return say(text, { code: "E_INTERNAL", wrongUsage: false });
  const flags = Object.keys(command?.options ?? {});
  const flag = flagOf(error, flags);
  const given = flag !== null && args.some((arg) => arg === `--${flag}` || arg.startsWith(`--${flag}=`));
  const { problem, remedy } = reworded(error, flags, flag, given);
  const wrongUsage = error.code === "E_OPTION" && given && !problem.includes(LACKS);
  return say(`${problem}. ${remedy}.`, { code: error.code, wrongUsage });
}

/** What failed in the middle of many texts was the file that they come from. */
function ofTheFile(error: unknown): unknown {
  const told = error instanceof SviError && error.code === "E_TEXT_SOURCE" && error.cause instanceof SviError;
  return told ? error.cause : error;
}

/** The flag of an option of the library's, such as `lr` of learningRate and `cache` of cache.size. */
function flagOf({ option }: SviError, flags: readonly string[]): string | null {
  if (option === null) return null;
  const names = [option, option.split(/[. ]/)[0]];
  const found = names.map((name) => FLAGS[name] ?? dashed(name)).find((name) => flags.includes(name));
  return found ?? null;
}

const dashed = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

function reworded(
  { option, problem, remedy }: SviError,
  flags: readonly string[],
  flag: string | null,
  given: boolean,
): { problem: string; remedy: string } {
  const lacking = LACKING.filter(([name]) => !flags.includes(name)).map(([, ...rest]) => rest);
  const words = [...lacking, ...WORDS];
  const spoken = (text: string) => words.reduce((said, [from, to]) => said.replace(from, to), text);
  const flagged = (text: string) =>
    text.replace(
      /\b(given along with|Omit|[Rr]aise|smaller) `?([a-zA-Z]+)`?(?=$|[,;: ])/g,
      (whole, verb, name) => {
        const other = FLAGS[name] ?? dashed(name);
        return flags.includes(other) ? `${verb} --${other}` : whole;
      },
    );
  const own = (text: string) =>
    text.replace(/^([a-zA-Z]+)(?= (is|was|are|names|has)\b)/, (name) => {
      const other = FLAGS[name] ?? dashed(name);
      return flags.includes(other) ? `--${other}` : name;
    });
  const named =
    option !== null && flag !== null
      ? problem.replace(new RegExp(`(?<![\\w-])${option.replace(".", "\\.")} `), `--${flag} `)
      : problem;
  const pairs = flags.includes("pairs") && !given && problem.includes(LACKS);
  const more = pairs ? "; for lines of a source, a tab and its target give --pairs" : "";
  return { problem: flagged(spoken(own(named))), remedy: flagged(spoken(remedy)) + more };
}
