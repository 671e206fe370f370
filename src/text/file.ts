/** @module Texts in files, for Node alone: the command line imports this, nothing else does. */
import { Buffer } from "node:buffer";
import { type FileHandle, open } from "node:fs/promises";
import { SviError } from "../errors.ts";
import type { ByteSource } from "./source.ts";

/** A file's bytes by position. The size is that of the moment it was opened: what is appended later is not read. */
export interface FileSource extends ByteSource {
  /** Closes it at once; a file that nothing refers to any more is closed in time. */
  close(): Promise<void>;
}

/** Bytes at the end of a file by which one that was appended to is told from another one. */
const LAST = 4096;

/** Node warns of a handle that is collected while it is open, and will throw. */
const forgotten = new FinalizationRegistry<FileHandle>((file) => void file.close().catch(() => {}));

/**
 * Opens a file for positioned reads. They throw E_TEXT_CHANGED where it was written to since, unless it grew at its
 * end alone.
 *
 * ```ts
 * import { openFile } from "svi-lm/node";
 *
 * const file = await openFile("book.txt");
 * const book = await Corpus.open(file, { tokenizer: "byte" });
 * console.log(book.tokens);
 * await file.close();
 * ```
 *
 * @throws E_FILE_MISSING where there is none, E_FILE_READ for anything else, directories and pipes included
 */
export async function openFile(path: string): Promise<FileSource> {
  const file = await orExplain(path, () => open(path, "r"));
  try {
    const source = await orExplain(path, () => sourceOf(file, path));
    forgotten.register(source, file, source);
    return source;
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function sourceOf(file: FileHandle, path: string): Promise<FileSource> {
  const size = await sizeOf(file, path);
  const requireSame = await watch(file, path, size);
  const source: FileSource = {
    size,
    read: (start, end) =>
      orExplain(path, async () => {
        const bytes = await readRange(file, start, end);
        // Where bytes are missing, how many says more.
        if (bytes.length === end - start) await requireSame();
        return bytes;
      }),
    close() {
      forgotten.unregister(source);
      return file.close();
    },
  };
  return source;
}

async function sizeOf(file: FileHandle, path: string): Promise<number> {
  const stat = await file.stat();
  if (stat.isFile()) return stat.size;
  throw new SviError("E_FILE_READ", `${path} is not a regular file`, {
    value: path,
    remedy: "Give a regular file; write what comes from a pipe to a file first, it is read more than once",
  });
}

/** Gives a function that throws where the file is not the one that it is now. */
async function watch(file: FileHandle, path: string, size: number): Promise<() => Promise<void>> {
  const last = () => readRange(file, Math.max(0, size - LAST), size);
  let { mtimeNs: seen } = await file.stat({ bigint: true });
  const end = await last();
  return async () => {
    const now = await file.stat({ bigint: true });
    if (now.mtimeNs === seen) return;
    if (now.size <= size || !Buffer.from(end).equals(await last()))
      throw new SviError("E_TEXT_CHANGED", `${path} was written over since it was opened`, {
        value: path,
        remedy: "Leave the text as it is while it is in use, and open it again",
      });
    seen = now.mtimeNs;
  };
}

/** Fewer bytes than asked for where the file has become shorter. */
async function readRange(file: FileHandle, start: number, end: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(end - start);
  let length = 0;
  while (length < bytes.length) {
    const { bytesRead } = await file.read(bytes, length, bytes.length - length, start + length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return bytes.subarray(0, length);
}

async function orExplain<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof SviError) throw cause;
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR")
      throw new SviError("E_FILE_MISSING", `There is no file ${path}`, {
        value: path,
        remedy: "Check the path",
        cause,
      });
    throw new SviError("E_FILE_READ", `${path} cannot be read: ${message}`, {
      value: path,
      remedy: "Check that it is a file and that you may read it",
      cause,
    });
  }
}
