/** @module Where posteriors and factors lie while a run is under way: blobs named by the hash of what they hold. */
import { createHash } from "node:crypto";
import { readFile, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { SviError } from "../errors.ts";
import { makeFolder, writeFileAtomically } from "../formats/file.ts";
import { packed, unpacked } from "./packing.ts";

/** Bytes by name; what was put can be read by every worker. */
export interface Store {
  write(name: string, bytes: Uint8Array): Promise<void>;
  /** null where there is nothing of that name. */
  read(name: string): Promise<Uint8Array | null>;
  remove(name: string): Promise<void>;
}

/** What a store needs of a Redis client; both ioredis and BullMQ's own clients have it. */
export interface BytesClient {
  set(key: string, value: Buffer, ...expiry: (string | number)[]): Promise<unknown>;
  getBuffer(key: string): Promise<Buffer | null>;
  del(key: string): Promise<unknown>;
}

/** Files of one folder, which all workers must be able to reach. */
export function folderStore(folder: string): Store {
  const path = (name: string) => join(resolve(folder), name);
  return {
    async write(name, bytes) {
      await makeFolder(folder);
      await writeFileAtomically(path(name), bytes);
    },
    read: (name) =>
      readFile(path(name)).catch((cause) => {
        if ((cause as NodeJS.ErrnoException).code === "ENOENT") return null;
        throw new SviError("E_FILE_READ", `${path(name)} cannot be read: ${(cause as Error).message}`, {
          value: path(name),
          remedy: "Check that the store's folder can be read from this machine",
          cause,
        });
      }),
    remove: (name) => rm(path(name), { force: true }),
  };
}

/** Most bytes of a blob in Redis, whose memory all of a round's blobs share. */
const MOST_IN_REDIS = 2 ** 26;
/** Seconds after which Redis forgets a blob of a run that nobody continues. */
const KEPT_SECONDS = 7 * 86400;
const PREFIX = "svi-lm:blob:";

/** Redis itself, for models of up to 64 MiB, compressed. */
export function redisStore(client: BytesClient): Store {
  return {
    async write(name, bytes) {
      if (bytes.length > MOST_IN_REDIS)
        throw new SviError("E_STORE", `${bytes.length} bytes are too many for Redis`, {
          option: "store",
          value: bytes.length,
          remedy: "Give a folder that all workers share as the store",
        });
      await client.set(PREFIX + name, Buffer.from(bytes), "EX", KEPT_SECONDS);
    },
    read: (name) => client.getBuffer(PREFIX + name),
    remove: async (name) => {
      await client.del(PREFIX + name);
    },
  };
}

/** Bytes by the SHA-256 of what they hold: put twice they are one. */
export interface Blobs {
  /** @returns the blob's name */
  put(bytes: Uint8Array): Promise<string>;
  /** @throws SviError `E_STORE` where the blob is gone, or is not what its name says */
  get(name: string): Promise<Uint8Array>;
  remove(names: Iterable<string>): Promise<void>;
}

/** Compressed, in a store; what is read is checked. */
export class StoredBlobs implements Blobs {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  async put(bytes: Uint8Array): Promise<string> {
    const name = hashOf(bytes);
    await this.#store.write(name, await packed(bytes));
    return name;
  }

  async get(name: string): Promise<Uint8Array> {
    const found = await this.#store.read(name);
    const bytes = found && (await unpacked(found).catch(() => null));
    if (bytes && hashOf(bytes) === name) return bytes;
    throw new SviError(
      "E_STORE",
      `Blob ${name.slice(0, 16)} ${found ? "is damaged" : "is not in the store"}`,
      {
        value: name,
        remedy: found
          ? "Check the disk of the store, and begin the run again"
          : "Give the coordinator and its workers the same store",
      },
    );
  }

  async remove(names: Iterable<string>): Promise<void> {
    for (const name of names) await this.#store.remove(name);
  }
}

/** In the memory of one process, as they are. */
export class MemoryBlobs implements Blobs {
  readonly #blobs: Map<string, Uint8Array>;

  constructor(blobs: Iterable<readonly [string, Uint8Array]> = []) {
    this.#blobs = new Map(blobs);
  }

  async put(bytes: Uint8Array): Promise<string> {
    const name = hashOf(bytes);
    this.#blobs.set(name, bytes);
    return name;
  }

  /** What another thread of this process has named. */
  take(name: string, bytes: Uint8Array): void {
    this.#blobs.set(name, bytes);
  }

  async get(name: string): Promise<Uint8Array> {
    const bytes = this.#blobs.get(name);
    if (bytes) return bytes;
    throw new SviError("E_STORE", `Blob ${name.slice(0, 16)} is not in memory`, {
      value: name,
      remedy: "Begin the run again",
    });
  }

  async remove(names: Iterable<string>): Promise<void> {
    for (const name of names) this.#blobs.delete(name);
  }
}

function hashOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
