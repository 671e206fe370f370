/** @module What the server of a federated run writes down, so that it continues when it is started again. */
import { mkdir, readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { SviError } from "../../errors.ts";
import { writeFileAtomically } from "../../formats/file.ts";
import type { RoundState } from "../rounds.ts";
import { type Blobs, folderStore, MemoryBlobs, StoredBlobs } from "../store.ts";
import type { Sent } from "./protocol.ts";

/** A party's result, whose change is a blob. */
export type Taken = Sent & { readonly change: string };

/** Where a run stands, as JSON. */
export interface Entry {
  /** Of the model, the number of parties and all options that decide the model. */
  readonly run: string;
  readonly joined: readonly (readonly [party: string, tokens: number | null])[];
  /** Null before the first round. */
  readonly begun: { readonly plan: string; readonly state: RoundState } | null;
  /** Of the round under way. */
  readonly results: readonly (readonly [party: string, result: Taken])[];
}

const FILE = "run.json";

export interface Ledger {
  readonly blobs: Blobs;
  /** Null where nothing was written before. @throws SviError `E_CHECKPOINT` where it is of another run, or damaged */
  read(run: string): Promise<Entry | null>;
  /** What is true when the writing begins: of several that wait, the last says it all. */
  write(entry: () => Entry): Promise<void>;
}

/** Without a folder a run lasts as long as its process. */
export function ledgerOf(folder: string | undefined): Ledger {
  return folder === undefined ? IN_MEMORY() : new FolderLedger(resolve(folder));
}

const IN_MEMORY = (): Ledger => ({
  blobs: new MemoryBlobs(),
  read: async () => null,
  write: async () => {},
});

class FolderLedger implements Ledger {
  readonly blobs: Blobs;
  readonly #folder: string;
  #writing: Promise<void> = Promise.resolve();

  constructor(folder: string) {
    this.#folder = folder;
    this.blobs = new StoredBlobs(folderStore(folder));
  }

  async read(run: string): Promise<Entry | null> {
    await mkdir(this.#folder, { recursive: true });
    const text = await readFile(join(this.#folder, FILE), "utf8").catch((cause) => {
      if (cause.code === "ENOENT") return null;
      throw this.#unusable(`cannot be read: ${cause.message}`, cause);
    });
    if (text === null) return null;
    const entry = this.#parsed(text);
    if (entry.run !== run) throw this.#unusable("is of another run");
    return entry;
  }

  #parsed(text: string): Entry {
    try {
      return JSON.parse(text);
    } catch (cause) {
      throw this.#unusable("is damaged", cause);
    }
  }

  #unusable(what: string, cause?: unknown): SviError {
    return new SviError("E_CHECKPOINT", `${join(this.#folder, FILE)} ${what}`, {
      option: "checkpoint",
      value: this.#folder,
      remedy: "Give the model and the options that the run began with, or another folder",
      cause,
    });
  }

  /** One after the other: an older entry must not come last. */
  write(entry: () => Entry): Promise<void> {
    const writing = this.#writing.then(() =>
      writeFileAtomically(join(this.#folder, FILE), new TextEncoder().encode(JSON.stringify(entry()))),
    );
    this.#writing = writing.catch(() => {});
    return writing;
  }
}
