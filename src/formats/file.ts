/** @module Whole files, for Node alone: the command line imports this, nothing else does. */
import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import {
  access,
  type FileHandle,
  open,
  readFile,
  realpath,
  rename,
  rm,
  stat,
  writeFile,
} from "node:fs/promises";
import { dirname } from "node:path";
import { SviError } from "../errors.ts";

/**
 * The bytes of a file.
 *
 * @throws E_FILE_MISSING where there is none, E_FILE_READ for anything else, folders included
 */
export async function readFileBytes(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    if (codeOf(cause) === "ENOENT")
      throw new SviError("E_FILE_MISSING", `There is no file ${path}`, {
        value: path,
        remedy: "Check the path",
        cause,
      });
    throw new SviError("E_FILE_READ", `${path} cannot be read: ${messageOf(cause)}`, {
      value: path,
      remedy: codeOf(cause) === "EISDIR" ? "Give a file, not a folder" : "Check the rights and the disk",
      cause,
    });
  }
}

/**
 * Writes a file that is whole or not there: whoever reads `path`, at whatever moment the power fails, finds the
 * old bytes or the new. Links are followed; devices and pipes are written to directly.
 *
 * @param bytes the contents, or pieces of them in order
 * @throws E_FILE_WRITE; the previous file is then untouched, and nothing else is left behind
 */
export async function writeFileAtomically(
  path: string,
  bytes: Uint8Array | readonly Uint8Array[],
): Promise<void> {
  const pieces = ArrayBuffer.isView(bytes) ? [bytes] : bytes;
  try {
    const previous = await existing(path);
    if (previous?.special) await writeFile(path, pieces);
    else await replace(previous?.path ?? path, pieces, previous?.mode);
  } catch (cause) {
    throw new SviError("E_FILE_WRITE", `${path} cannot be written: ${messageOf(cause)}`, {
      value: path,
      remedy: REMEDIES[codeOf(cause)] ?? "Give another path",
      cause,
    });
  }
}

const REMEDIES: Record<string, string> = {
  ENOSPC: "Free some space on the disk, or give a path on another",
  EDQUOT: "Free some of your space on the disk, or give a path on another",
  EACCES: "Give a path that you may write to",
  EPERM: "Give a path that you may write to",
  EROFS: "Give a path that is not read-only",
  ENOENT: "Make the folder first, or check the path",
  ENOTDIR: "Check the path: a part of it is a file, not a folder",
  EISDIR: "Give the path of a file, not of a folder",
};

/** What `path` leads to, links followed, or null. A folder or a file without write permission is an error. */
async function existing(path: string) {
  try {
    const found = await realpath(path);
    const { mode, ...file } = await kindOf(found);
    if (file.folder) throw Object.assign(new Error("it is a folder"), { code: "EISDIR" });
    await access(found, constants.W_OK);
    return { path: found, mode: mode & 0o777, special: !file.regular };
  } catch (error) {
    if (codeOf(error) === "ENOENT") return null;
    throw error;
  }
}

async function kindOf(path: string) {
  const found = await stat(path);
  return { mode: found.mode, folder: found.isDirectory(), regular: found.isFile() };
}

async function replace(path: string, pieces: readonly Uint8Array[], mode?: number): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  const file = await open(temporary, "wx");
  try {
    await fill(file, pieces, mode);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(dirname(path));
}

async function fill(file: FileHandle, pieces: readonly Uint8Array[], mode?: number): Promise<void> {
  try {
    if (mode !== undefined) await file.chmod(mode);
    for (const piece of pieces) await file.writeFile(piece);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Makes the new name last. Windows and some file systems cannot, and do not need to be asked. */
async function syncFolder(path: string): Promise<void> {
  let folder: FileHandle | undefined;
  try {
    folder = await open(path, "r");
    await folder.sync();
  } catch (error) {
    if (!["EPERM", "EACCES", "EISDIR", "EINVAL", "ENOTSUP"].includes(codeOf(error))) throw error;
  } finally {
    await folder?.close();
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException | null)?.code ?? "";
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
