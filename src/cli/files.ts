/** @module What the commands read and write: models, texts, tokenizers. */
import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import type { FileSource } from "../entries/node.ts";
import { SviError } from "../errors.ts";
import { LanguageModel } from "../languageModel.ts";
import type { Corpus } from "../text/corpus.ts";
import { jsonTokenizer } from "../text/json.ts";
import type { Tokenizer } from "../text/types.ts";
import { foreign } from "./foreign.ts";
import { inputName, openInput, readInput, readText } from "./inputs.ts";

export async function loadModel(path: string, signal: AbortSignal): Promise<LanguageModel> {
  return readModel(path, await readInput(path, signal), signal);
}

/** @param path for messages */
export async function readModel(
  path: string,
  bytes: Uint8Array,
  signal: AbortSignal,
): Promise<LanguageModel> {
  return reading(path, bytes, () => LanguageModel.load(bytes, { json: jsonTokenizer, signal }));
}

/** Work on what a file of weights holds: what is wrong with it begins with its path, and says what else it is. */
export function reading<T>(
  path: string,
  bytes: Uint8Array,
  work: () => Promise<T>,
  wanted: "model" | "weights" = "model",
): Promise<T> {
  return naming(path, () =>
    work().catch((error) => {
      throw foreign(error, bytes, wanted);
    }),
  );
}

/** Words for a tokenizer that needs no file. */
export const TOKENIZERS = ["byte", "character", "char", "word"] as const;

export async function readTokenizer(path: string, signal: AbortSignal): Promise<Tokenizer> {
  const text = await readText(path, signal);
  return naming(path, async () => jsonTokenizer(text));
}

/** Opens texts for `work` and closes them after it. */
export async function withTexts<T>(
  paths: readonly string[],
  signal: AbortSignal,
  work: (texts: FileSource[]) => Promise<T>,
): Promise<T> {
  const texts: FileSource[] = [];
  try {
    for (const path of paths) texts.push(await openInput(path, signal));
    return await work(texts);
  } finally {
    for (const text of texts) await text.close();
  }
}

/**
 * Puts the path before what is wrong with a file's contents; an option is wrong whatever the file.
 * @param path null where errors name their file themselves
 */
export async function naming<T>(path: string | null, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof SviError && error.code !== "E_OPTION" && path !== null
      ? reworded(error, `${inputName(path)}: ${error.problem}`)
      : error;
  }
}

/**
 * Opens what progress is measured on, before a run: what is wrong with it begins with its flag.
 * @throws SviError `E_TEXT_SHORT` for a text without a token to predict, besides what opening one throws
 */
export function openValidation(path: string, open: () => Promise<Corpus>): Promise<Corpus> {
  return naming(`--valid ${path}`, async () => {
    const corpus = await open();
    if (corpus.tokens > 1) return corpus;
    throw new SviError("E_TEXT_SHORT", "The text has one token, and scoring needs two", {
      value: { needed: 2, available: 1 },
      remedy: "Give a longer text",
    });
  });
}

/** The same error in other words. */
export function reworded(error: SviError, problem: string, remedy = error.remedy): SviError {
  const { code, option, value } = error;
  return new SviError(code, problem, { option: option ?? undefined, value, remedy, cause: error });
}

/** A folder that the command will make, with those above it. @throws SviError `E_FILE_WRITE` where it cannot */
export async function requireFolder(path: string, flag: string): Promise<void> {
  for (let at = resolve(path); ; at = dirname(at)) {
    const found = await stat(at).catch(() => null);
    if (!found && dirname(at) !== at) continue;
    const problem = !found?.isDirectory()
      ? `${at} is not a folder`
      : await access(at, constants.W_OK).then(
          () => null,
          () => `${at} is write-protected`,
        );
    if (problem === null) return;
    throw new SviError("E_FILE_WRITE", `${path} cannot be written: ${problem}`, {
      value: path,
      remedy: `Choose another folder for --${flag}`,
    });
  }
}

/** Hours of training must not end at a folder that is not there. @throws SviError `E_FILE_WRITE` */
export async function requireWritable(path: string): Promise<void> {
  const refuse = (problem: string, remedy: string) =>
    new SviError("E_FILE_WRITE", `${path} cannot be written: ${problem}`, { value: path, remedy });
  const folder = dirname(resolve(path));
  const found = await stat(folder).catch(() => null);
  if (!found?.isDirectory())
    throw refuse(`there is no folder ${folder}`, "Make the folder first, or correct the path");
  const previous = await stat(path).catch(() => null);
  if (previous && !previous.isFile())
    throw refuse(
      previous.isDirectory() ? "it is a folder" : "it is not a regular file",
      "Give the path of a file",
    );
  for (const place of previous ? [path, folder] : [folder])
    await access(place, constants.W_OK).catch(() => {
      throw refuse(
        `${place} is write-protected`,
        "Allow writing to the file and its folder, or choose another path",
      );
    });
}
