/** @module Models that this browser keeps, in IndexedDB. */
import type { Card } from "../engine/current.ts";
import { Refusal } from "../parts/notice.ts";

export interface Kept {
  readonly id: string;
  readonly card: Card;
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly saved: number;
}

interface Row extends Kept {
  /** Where an earlier version of this page kept it. */
  readonly bytes?: Blob;
}

const NAME = "svi-lm";
const VERSION = 2;
const STORE = "models";
/** The files themselves, beside what is listed of them: as arrays, since WebKit's private windows store no blobs. */
const FILES = "files";

/** @throws Refusal where the browser has no store, or gives none to this page */
async function open(): Promise<IDBDatabase> {
  if (typeof indexedDB !== "object" || indexedDB === null) throw unavailable("it has no IndexedDB");
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, VERSION);
    request.onupgradeneeded = () => {
      const { result: database } = request;
      if (!database.objectStoreNames.contains(STORE)) database.createObjectStore(STORE, { keyPath: "id" });
      database.createObjectStore(FILES);
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(unavailable(request.error?.message ?? "it refuses"));
    request.onblocked = () => reject(unavailable("another tab holds an older version of it"));
  });
}

function unavailable(why: string): Refusal {
  return new Refusal(
    `This browser keeps nothing for this page: ${why}`,
    "Leave the private window, or download the model as a file and open it again later",
  );
}

/** Requests in a transaction of their own. @returns what the last of them gave. @throws Refusal */
async function request<T>(
  mode: IDBTransactionMode,
  ask: (models: IDBObjectStore, files: IDBObjectStore) => IDBRequest<T>,
): Promise<T> {
  const database = await open();
  try {
    return await new Promise<T>((resolve, reject) => {
      const transaction = database.transaction([STORE, FILES], mode);
      const asked = ask(transaction.objectStore(STORE), transaction.objectStore(FILES));
      transaction.oncomplete = () => resolve(asked.result);
      transaction.onabort = () => reject(refused(transaction.error));
    });
  } finally {
    database.close();
  }
}

function refused(error: DOMException | null): Refusal {
  if (error?.name === "QuotaExceededError")
    return new Refusal(
      "There is not enough room left for this model",
      "Delete one that you no longer need, or download this one as a file",
    );
  return unavailable(error?.message ?? "it refuses");
}

/** The newest first. */
export async function listed(): Promise<Kept[]> {
  const rows = (await request("readonly", (store) => store.getAll())) as Row[];
  return rows.map(({ bytes: _, ...kept }) => kept).sort((a, b) => b.saved - a.saved);
}

export async function keep(card: Card, bytes: Uint8Array): Promise<string> {
  const id = crypto.randomUUID?.() ?? String(Math.random()).slice(2);
  const row: Row = { id, card, size: bytes.length, saved: Date.now() };
  await request("readwrite", (models, files) => {
    models.put(row);
    return files.put(bytes, id);
  });
  return id;
}

/** @throws Refusal where it was deleted in another tab */
async function row(id: string): Promise<Row> {
  const found = (await request("readonly", (store) => store.get(id))) as Row | undefined;
  if (found) return found;
  throw new Refusal("This model is not kept any more", "It was deleted in another tab: open it from a file");
}

export async function bytesOf(id: string): Promise<Blob> {
  const { bytes } = await row(id);
  const file = await request("readonly", (_, files) => files.get(id));
  return bytes ?? new Blob([file as BlobPart]);
}

export async function rename(id: string, name: string): Promise<void> {
  const found = await row(id);
  await request("readwrite", (store) => store.put({ ...found, card: { ...found.card, name } }));
}

export async function remove(id: string): Promise<void> {
  await request("readwrite", (models, files) => {
    models.delete(id);
    return files.delete(id);
  });
}
