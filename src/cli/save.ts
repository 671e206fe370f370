/** @module A model put where it was asked for or, where that has become impossible, somewhere else. */
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { hashOf } from "../distributed/modelHash.ts";
import { writeFileAtomically } from "../entries/node.ts";
import { SviError } from "../errors.ts";
import type { LanguageModel } from "../languageModel.ts";
import { reworded } from "./files.ts";
import type { Interruption } from "./interrupt.ts";
import { isWorse, worseThanGuessing } from "./lastGood.ts";
import { note, printJson, printTable } from "./print.ts";

export interface Kept {
  /** Where the model lies. */
  readonly path: string;
  /** Why that is not where it was asked for. */
  readonly problem: SviError | null;
}

/** @throws SviError `E_FILE_WRITE` where there is no place for it at all */
export async function keepModel(model: LanguageModel, out: string): Promise<Kept> {
  const bytes = model.toBytes();
  try {
    await writeFileAtomically(out, bytes);
    return { path: out, problem: null };
  } catch (error) {
    if (!(error instanceof SviError)) throw error;
    const path = await elsewhere(out, bytes);
    if (path === null) throw error;
    return { path, problem: reworded(error, error.problem, `${error.remedy}; the model is in ${path}`) };
  }
}

/**
 * The end of a run over several shards or parties: its model is kept, and what it came to is told.
 * @param nll of the last round; null where there is none
 * @param figures for a program, `rows` for a person; both are told the hash besides
 * @throws what kept the model from where it was asked for; SviError `E_DIVERGED` where it predicts worse than guessing
 */
export async function saveMerged(
  { model, nll, out }: { readonly model: LanguageModel; readonly nll: number | null; readonly out: string },
  json: boolean,
  figures: Readonly<Record<string, unknown>>,
  rows: readonly (readonly [string, string])[],
): Promise<void> {
  const { path, problem } = await keepModel(model, out);
  const hash = await hashOf(model.posterior);
  const worse = isWorse(nll, model);
  if (json) printJson({ ...figures, ...(worse && { event: "saved" }), hash });
  else if (!worse || problem) printTable([...rows, ["hash", hash], ["saved", path]]);
  if (problem) throw problem;
  if (worse) throw worseThanGuessing(nll, model, path);
}

/**
 * The end of a run over several shards or parties that merged nothing: its model is what it began with, and a file that
 * is there already is worth more.
 * @param figures of the run so far
 * @returns the exit code: also that of a run which another machine stopped tells that there is no model
 */
export function nothingMerged(
  figures: Readonly<Record<string, number>>,
  json: boolean,
  { requested, exitCode }: Interruption,
): number {
  const [event, word] = requested ? ["interrupted", "Interrupted"] : ["stopped", "Stopped"];
  if (json) printJson({ event, ...figures, out: null, hash: null });
  else note(`${word} before the first merge; nothing was saved`);
  return requested ? exitCode : 1;
}

/** Hours of training end in the folder for temporary files rather than nowhere; null where that is full too. */
async function elsewhere(out: string, bytes: Uint8Array): Promise<string | null> {
  try {
    const path = join(await mkdtemp(join(tmpdir(), "svi-lm-")), basename(out));
    await writeFileAtomically(path, bytes);
    return path;
  } catch {
    return null;
  }
}
