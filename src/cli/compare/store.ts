/** @module Records of finished runs: one JSON file each, named by the hash of all that decides the run. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { methodOf, type RunRecord, type Setting, type Shape } from "../../comparison/run.ts";
import { writeFileAtomically } from "../../entries/node.ts";
import { SviError } from "../../errors.ts";
import { makeFolder } from "../../formats/file.ts";
import { sha256 } from "../../formats/sha256.ts";

/**
 * Raised whenever the same configuration would give another record: an algorithm that changed, a new figure. Those
 * that score no test text have fewer.
 */
const VERSION = 3;
const VERSION_OF_TESTS = 4;

/** What a run is decided by. */
export interface RunKey {
  /** Of the training, validation and test text. */
  readonly texts: readonly string[];
  readonly curveTokens: number;
  readonly sampledTokens: number;
  readonly shape: Shape;
  readonly setting: Setting;
}

interface Entry {
  readonly version: number;
  readonly key: RunKey;
  /** null where the run diverged: that is a result too. */
  readonly record: RunRecord | null;
}

export class RunStore {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async prepare(): Promise<void> {
    await makeFolder(this.#folder);
  }

  /** undefined where the run has not been finished yet, null where it diverged. @throws SviError `E_FORMAT` for a file that is not a record */
  async read(key: RunKey): Promise<RunRecord | null | undefined> {
    const path = this.#path(key);
    let text: string;
    try {
      text = await readFile(path, "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
    try {
      const { record } = JSON.parse(text) as Entry;
      if (record === null || Array.isArray(record.curve)) return record;
    } catch {
      // Said below, with the file's name.
    }
    throw new SviError("E_FORMAT", `${path} is not a record of a run`, {
      value: path,
      remedy: "Delete it, and the run is made again",
    });
  }

  async write(key: RunKey, record: RunRecord | null): Promise<void> {
    const entry: Entry = { version: versionOf(key.setting), key, record };
    await writeFileAtomically(this.#path(key), new TextEncoder().encode(`${JSON.stringify(entry)}\n`));
  }

  #path(key: RunKey): string {
    return join(this.#folder, `${keyHash(key)}.json`);
  }
}

function versionOf({ test }: Setting): number {
  return test ? VERSION_OF_TESTS : VERSION;
}

/** The library's own defaults count as given: where they change, so does the run. */
export function keyHash({ setting, ...key }: RunKey): string {
  const resolved = { ...setting, method: methodOf(setting.method) };
  const canonical = JSON.stringify({ version: versionOf(setting), ...key, setting: resolved }, (_, value) =>
    value && typeof value === "object" && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
  return sha256(new TextEncoder().encode(canonical)).slice(0, 32);
}
