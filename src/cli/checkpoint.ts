/** @module A run's checkpoint in its folder: written whole or not at all, read with care. */
import { stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { readFileBytes, writeFileAtomically } from "../entries/node.ts";
import { SviError } from "../errors.ts";
import { makeFolder, proveRoom, removeLeftovers } from "../formats/file.ts";
import { drive } from "../kernels/slices.ts";
import type { LanguageModel } from "../languageModel.ts";
import { jsonTokenizer } from "../text/json.ts";
import { otherRun } from "../training/checkpoint.ts";
import type { Checkpointing } from "../training/fit.ts";
import { openModel } from "../training/modelFile.ts";
import { naming, requireFolder, requireWritable } from "./files.ts";
import { lockFolder } from "./folderLock.ts";
import type { Interruption } from "./interrupt.ts";
import { placeOf } from "./paths.ts";
import { note } from "./print.ts";

/** Name of the file in its folder. */
export const CHECKPOINT = "checkpoint.svi";
/** Checkpoints of a run where nothing else is asked for. */
const PER_RUN = 20;
/** What a step under way may take after Ctrl-C, so that the checkpoint holds it. */
const GRACE_MILLISECONDS = 200;

export class CheckpointFile {
  readonly path: string;
  /** Whether it holds this run: written by it, or what it continues from. */
  holdsRun = false;

  constructor(folder: string) {
    this.path = join(folder, CHECKPOINT);
  }

  /** Before any text is read; makes nothing yet. @throws SviError `E_FILE_WRITE`, `E_FILE_MISSING` */
  async require(resume: boolean): Promise<void> {
    await requireFolder(dirname(this.path), "checkpoint");
    if (resume && (await placeOf(this.path)).kind === "missing")
      throw new SviError("E_FILE_MISSING", `There is no checkpoint ${this.path}`, {
        value: this.path,
        remedy: "Correct --checkpoint, or omit --resume to start from the beginning",
      });
  }

  /**
   * Makes the folder and takes it for this process.
   * @throws SviError `E_BUSY` where another run has it, `E_FILE_WRITE`, also where there is no room for so many bytes
   */
  async prepare({ resume, json, bytes }: { resume: boolean; json: boolean; bytes: number }): Promise<void> {
    const folder = dirname(this.path);
    await makeFolder(folder);
    await lockFolder(folder);
    await removeLeftovers(this.path);
    await requireWritable(this.path);
    await proveRoom(this.path, bytes);
    if (!resume && !json && (await stat(this.path).catch(() => null)))
      note(`${this.path} will be replaced; with --resume the run would continue from it`);
  }

  /**
   * @returns the file, for `fit` to continue from; it checks that text and method are those the run began with
   * @throws SviError `E_FILE_MISSING`, `E_FORMAT`, `E_CHECKPOINT` for a run of another shape
   */
  async read({ configuration }: LanguageModel, signal: AbortSignal): Promise<Uint8Array> {
    const bytes = await readFileBytes(this.path, { signal });
    await naming(this.path, async () => {
      const { posterior } = await drive(openModel(bytes, { json: jsonTokenizer }), signal);
      const [was, is] = [posterior.configuration, configuration].map((shape) => JSON.stringify(shape));
      if (was !== is) throw otherRun("model", was, is);
    });
    this.holdsRun = true;
    return bytes;
  }

  /** Every so many steps, and after the one that Ctrl-C interrupts. */
  every(steps: number, given: number | undefined, interruption: Interruption): Checkpointing {
    const usual = given ?? Math.max(1, Math.round(steps / PER_RUN));
    interruption.grace = GRACE_MILLISECONDS;
    return {
      get every() {
        return interruption.requested ? 1 : usual;
      },
      save: async (bytes) => {
        await writeFileAtomically(this.path, bytes);
        this.holdsRun = true;
      },
    };
  }
}
