/** @module Options of commands that read pairs: two files of as many lines, or one with tabs. */
import type { FileSource } from "../entries/node.ts";
import { SviError } from "../errors.ts";
import type { LanguageModel } from "../languageModel.ts";
import { Corpus } from "../text/corpus.ts";
import type { PairOptions } from "../text/pairs.ts";
import type { Values } from "./command.ts";
import { reworded } from "./files.ts";
import { inputName } from "./inputs.ts";
import { symbolOf } from "./scoring.ts";
import { UsageError } from "./usage.ts";

export const PAIRS = {
  pairs: {
    kind: "flag",
    help: "the texts are sources and targets: two files line by line, or one of lines with a tab between the two",
  },
  longest: {
    kind: "number",
    help: "with --pairs: tokens of a source and its target at most, and two more (default 1024)",
  },
  "too-long": {
    kind: "choice",
    choices: ["refuse", "omit"],
    help: "with --pairs: what becomes of longer ones (default refuse)",
  },
} as const;

interface Symbols {
  readonly "score-after"?: string;
  readonly separator?: string;
}

/** @throws UsageError for flags of pairs without them, and for more than two texts with them */
export function requirePairs(options: Values<typeof PAIRS>, words: readonly string[]): void {
  if (options.pairs) {
    if (words.length > 2) throw new UsageError(`--pairs takes one text or two, not ${words.length}`);
    return;
  }
  for (const name of ["longest", "too-long"] as const)
    if (options[name] !== undefined) throw new UsageError(`--${name} needs --pairs`);
}

/** The symbols that a model remembers, where no flag names others. */
function symbolsOf(model: LanguageModel | null, options: Symbols) {
  const { documents, tokenizer } = model ?? {};
  const known = (id: number | null | undefined) =>
    id === undefined || id === null ? undefined : tokenizer!.decode([id]);
  return {
    scoreAfter: symbolOf(options["score-after"]) ?? known(documents?.after),
    separator: symbolOf(options.separator) ?? known(documents?.separator),
  };
}

/** Errors that no line has, and so no file: what has a line is named with it. */
const ABOUT_ALL: ReadonlySet<string> = new Set(["E_TEXT_EMPTY", "E_MEMORY"]);

/**
 * Opens one text or two as pairs.
 * @param model knows the symbols, where there is one
 * @throws SviError as `Corpus.pairs`, with the names of the files
 */
export async function openPairs(
  texts: readonly FileSource[],
  paths: readonly string[],
  model: LanguageModel | null,
  options: Values<typeof PAIRS> & Symbols,
  opening: Pick<PairOptions, "tokenizer" | "minimumCount" | "maximumVocabulary" | "signal">,
): Promise<Corpus> {
  const [source, target] = texts.map((text, i) => ({ ...text, name: inputName(paths[i]) }));
  try {
    return await Corpus.pairs(target ? { source, target } : source, {
      ...opening,
      ...symbolsOf(model, options),
      longest: options.longest,
      tooLong: options["too-long"] as PairOptions["tooLong"],
    });
  } catch (error) {
    if (!(error instanceof SviError && ABOUT_ALL.has(error.code))) throw error;
    throw reworded(error, `${paths.map(inputName).join(", ")}: ${error.problem}`);
  }
}
