/** @module Texts in files, for Node alone: the command line imports this, nothing else does. */
import { type FileHandle, open } from "node:fs/promises";
import { SviError } from "../errors.ts";
import type { ByteSource } from "./source.ts";

/** A file's bytes by position. The size is that of the moment it was opened. */
export interface FileSource extends ByteSource {
  close(): Promise<void>;
}

/**
 * Opens a file for positioned reads; nothing is read yet.
 *
 * @throws E_FILE_MISSING where there is none, E_FILE_READ for anything else, directories and pipes included
 */
export async function openFile(path: string): Promise<FileSource> {
  const file = await orExplain(path, () => open(path, "r"));
  try {
    const stat = await orExplain(path, () => file.stat());
    if (!stat.isFile())
      throw new SviError("E_FILE_READ", `${path} is not a regular file`, {
        value: path,
        remedy:
          "Give a regular file; write what comes from a pipe to a file first, it is read more than once",
      });
    return {
      size: stat.size,
      read: (start, end) => orExplain(path, () => readRange(file, start, end)),
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
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
