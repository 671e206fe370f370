/** @module A model put where it was asked for or, where that has become impossible, somewhere else. */
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { writeFileAtomically } from "../entries/node.ts";
import { SviError } from "../errors.ts";
import type { LanguageModel } from "../languageModel.ts";
import { reworded } from "./files.ts";

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
