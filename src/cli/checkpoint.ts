/** @module A run's checkpoint in its folder: written whole or not at all, read with care. */
import { mkdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { readFileBytes, writeFileAtomically } from "../entries/node.ts";
import { SviError } from "../errors.ts";
import type { LanguageModel } from "../languageModel.ts";
import { jsonTokenizer } from "../text/json.ts";
import type { Checkpointing } from "../training/fit.ts";
import { readModel } from "../training/modelFile.ts";
import { naming, requireWritable, reworded } from "./files.ts";
import type { Interruption } from "./interrupt.ts";
import { note } from "./print.ts";

/** Checkpoints of a run where nothing else is asked for. */
const PER_RUN = 20;
/** What a step under way may take after Ctrl-C, so that the checkpoint holds it. */
const GRACE_MILLISECONDS = 2000;

export class CheckpointFile {
  readonly path: string;
  /** Whether this run has written it. */
  written = false;

  constructor(folder: string) {
    this.path = join(folder, "checkpoint.svi");
  }

  /** @throws SviError `E_FILE_WRITE` */
  async prepare(resume: boolean, json: boolean): Promise<void> {
    const folder = dirname(this.path);
    if (resume) return;
    await mkdir(folder, { recursive: true }).catch((cause) => {
      throw new SviError("E_FILE_WRITE", `The folder ${folder} cannot be made: ${cause.message}`, {
        value: folder,
        remedy: "Choose another folder for --checkpoint",
        cause,
      });
    });
    await requireWritable(this.path);
    if (!json && (await stat(this.path).catch(() => null)))
      note(`${this.path} will be replaced; with --resume the run would go on from it`);
  }

  /**
   * @returns the file, for `fit` to go on from; it checks that text and method are those the run began with
   * @throws SviError `E_FILE_MISSING`, `E_FORMAT`, `E_CHECKPOINT` for a run of another shape
   */
  async read({ configuration }: LanguageModel): Promise<Uint8Array> {
    const bytes = await readFileBytes(this.path).catch((error) => {
      if (!(error instanceof SviError && error.code === "E_FILE_MISSING")) throw error;
      throw reworded(
        error,
        `There is no checkpoint ${this.path}`,
        "Correct --checkpoint, or leave --resume away to start from the beginning",
      );
    });
    await naming(this.path, async () => {
      const { posterior } = readModel(bytes, { json: jsonTokenizer });
      const [was, is] = [posterior.configuration, configuration].map((shape) => JSON.stringify(shape));
      if (was !== is)
        throw new SviError("E_CHECKPOINT", `The checkpoint's model is ${was}, this one ${is}`, {
          value: posterior.configuration,
          remedy: "Resume with the text and options that the run began with",
        });
    });
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
        this.written = true;
      },
    };
  }
}
