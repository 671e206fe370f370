/** @module What the commands read and write: models, texts, tokenizers. */
import { constants } from "node:fs";
import { access, realpath, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { type FileSource, openFile, readFileBytes } from "../entries/node.ts";
import { SviError } from "../errors.ts";
import { LanguageModel } from "../languageModel.ts";
import { jsonTokenizer } from "../text/json.ts";
import type { Tokenizer } from "../text/types.ts";

export async function loadModel(path: string): Promise<LanguageModel> {
  const bytes = await readFileBytes(path);
  return naming(path, () => LanguageModel.load(bytes, { json: jsonTokenizer }));
}

export async function readTokenizer(path: string): Promise<Tokenizer> {
  const bytes = await readFileBytes(path);
  return naming(path, async () => jsonTokenizer(new TextDecoder().decode(bytes)));
}

/** Opens texts for `work` and closes them after it. */
export async function withTexts<T>(
  paths: readonly string[],
  work: (texts: FileSource[]) => Promise<T>,
): Promise<T> {
  const texts: FileSource[] = [];
  try {
    for (const path of paths) texts.push(await openFile(path));
    return await work(texts);
  } finally {
    for (const text of texts) await text.close();
  }
}

/** Puts the path before what is wrong with a file's contents. */
export async function naming<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof SviError ? reworded(error, `${path}: ${error.problem}`) : error;
  }
}

/** The same error in other words. */
export function reworded(error: SviError, problem: string, remedy = error.remedy): SviError {
  const { code, option, value } = error;
  return new SviError(code, problem, { option: option ?? undefined, value, remedy, cause: error });
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
      previous.isDirectory() ? "it is a folder" : "it is no regular file",
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

export async function sameFile(a: string, b: string): Promise<boolean> {
  const [x, y] = await Promise.all([a, b].map((path) => realpath(path).catch(() => resolve(path))));
  return x === y;
}
