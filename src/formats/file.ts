/** @module Files of bytes, for Node alone: the one file of this folder that imports from it. */
import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import {
  access,
  type FileHandle,
  mkdir,
  open,
  readdir,
  realpath,
  rename,
  rm,
  stat,
  statfs,
} from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { SviError } from "../errors.ts";

/** Bytes that are written to prove that there is room for them. */
const LARGEST_PROOF = 2 ** 26;
/** What one read asks for at most: it cannot be stopped, and a process does not end before it. */
const LARGEST_READ = 2 ** 24;

/**
 * Writes a whole file or nothing: a reader sees the old bytes or the new ones, also after a crash or a power
 * failure, and a failed write leaves what was there. A link is followed, the permissions are kept.
 *
 * @param bytes one array, or the pieces of the file in order
 * @throws E_FILE_WRITE where there is no room, no right, no folder, or something other than a file
 */
export async function writeFileAtomically(
  path: string,
  bytes: Uint8Array | readonly Uint8Array[],
): Promise<void> {
  try {
    const previous = await previousFile(path);
    const target = previous?.path ?? path;
    const temporary = temporaryBeside(target);
    try {
      await writeAndSync(temporary, Array.isArray(bytes) ? bytes : [bytes], previous?.mode);
      await rename(temporary, target);
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => {});
      throw error;
    }
    await syncFolder(dirname(target), path);
  } catch (cause) {
    throw cause instanceof SviError ? cause : writeError(path, cause as NodeJS.ErrnoException);
  }
}

/**
 * Makes a folder with those above it, one by one, so that each refusal of the file system is heard.
 *
 * @throws E_FILE_WRITE
 */
export async function makeFolder(path: string): Promise<void> {
  const at = resolve(path);
  try {
    if ((await stat(at).catch(() => null))?.isDirectory()) return;
    if (dirname(at) !== at) await makeFolder(dirname(at));
    await mkdir(at).catch(async (error) => {
      // Another process was first.
      if (!(await stat(at).catch(() => null))?.isDirectory()) throw error;
    });
  } catch (cause) {
    if (cause instanceof SviError) throw cause;
    throw new SviError("E_FILE_WRITE", `The folder ${path} cannot be made: ${(cause as Error).message}`, {
      value: path,
      remedy: "Choose another folder",
      cause,
    });
  }
}

/**
 * Whether `writeFileAtomically` would have room for so many bytes, found out by writing them, up to 64 MiB, to a
 * temporary file that is removed again; of more than that, what the file system says is free counts.
 *
 * @throws E_FILE_WRITE
 */
export async function proveRoom(path: string, bytes: number): Promise<void> {
  try {
    const target = (await previousFile(path))?.path ?? path;
    const temporary = temporaryBeside(target);
    try {
      await writeAndSync(temporary, zeros(Math.min(bytes, LARGEST_PROOF)));
    } finally {
      await rm(temporary, { force: true }).catch(() => {});
    }
    if (bytes <= LARGEST_PROOF) return;
    const { bavail, bsize } = await statfs(dirname(target));
    if (bavail * bsize < bytes) throw noRoom(path, bytes, bavail * bsize);
  } catch (cause) {
    throw cause instanceof SviError ? cause : writeError(path, cause as NodeJS.ErrnoException);
  }
}

/** In the same folder: a rename is atomic within one file system only. */
function temporaryBeside(target: string): string {
  const name = `${temporaryPrefix(basename(target))}${randomBytes(8).toString("hex")}.tmp`;
  return join(dirname(target), name);
}

function temporaryPrefix(name: string): string {
  return `.${name.slice(0, 40)}.`;
}

/**
 * Removes what writers of `path` that were killed have left beside it; no other may be writing it.
 * What cannot be removed stays.
 */
export async function removeLeftovers(path: string): Promise<void> {
  const folder = dirname(path);
  const prefix = temporaryPrefix(basename(path));
  for (const name of await readdir(folder).catch(() => []))
    if (name.startsWith(prefix) && /^[0-9a-f]{16}\.tmp$/.test(name.slice(prefix.length)))
      await rm(join(folder, name), { force: true }).catch(() => {});
}

function* zeros(bytes: number): Generator<Uint8Array> {
  const block = new Uint8Array(Math.min(bytes, 2 ** 20));
  for (let left = bytes; left > 0; left -= block.length)
    yield block.subarray(0, Math.min(left, block.length));
}

function noRoom(path: string, bytes: number, free: number): SviError {
  const mega = (n: number) => `${(n / 1e6).toFixed(1)} MB`;
  return new SviError("E_FILE_WRITE", `${path} needs ${mega(bytes)}, and ${mega(free)} are free`, {
    value: { bytes, free },
    remedy: writeRemedy("ENOSPC"),
  });
}

/**
 * All bytes of a regular file; a signal ends the reading.
 *
 * @throws E_FILE_MISSING where there is none, E_FILE_READ for anything else, directories and pipes included; the
 *   signal's reason
 */
export async function readFileBytes(
  path: string,
  { signal }: { signal?: AbortSignal } = {},
): Promise<Uint8Array<ArrayBuffer>> {
  try {
    // Before it is opened: to open a pipe can wait for ever.
    if (!(await stat(path)).isFile())
      throw new SviError("E_FILE_READ", `${path} is not a regular file`, {
        value: path,
        remedy: "Give the path of a file, not of a folder, a pipe or a device",
      });
    const file = await open(path, "r");
    try {
      return await readWhole(file, signal);
    } finally {
      await file.close();
    }
  } catch (cause) {
    if (signal?.aborted) throw signal.reason;
    throw cause instanceof SviError ? cause : readError(path, cause as NodeJS.ErrnoException);
  }
}

/** What `path` leads to, links followed, or null where there is nothing yet. */
async function previousFile(path: string): Promise<{ path: string; mode: number } | null> {
  let target: string;
  try {
    target = await realpath(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
  const found = await stat(target);
  if (!found.isFile())
    throw new SviError(
      "E_FILE_WRITE",
      `${path} is ${found.isDirectory() ? "a folder" : "not a regular file"}`,
      {
        value: path,
        remedy: "Give the path of a file, which may be missing but not something else",
      },
    );
  // A rename would replace a file that is write-protected.
  await access(target, constants.W_OK);
  return { path: target, mode: found.mode & 0o777 };
}

async function writeAndSync(path: string, pieces: Iterable<Uint8Array>, mode?: number): Promise<void> {
  const file = await open(path, "wx", mode);
  try {
    // What the umask took away; some file systems have no permissions to set.
    if (mode !== undefined) await file.chmod(mode).catch(() => {});
    for (const piece of pieces) await file.writeFile(piece);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Makes the rename last. Where folders cannot be opened or synced (Windows, some network drives) nothing is lost but that. */
async function syncFolder(folderPath: string, path: string): Promise<void> {
  try {
    const folder = await open(folderPath, "r");
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  } catch (error) {
    const { code = "", message } = error as NodeJS.ErrnoException;
    if (["EACCES", "EBADF", "EINVAL", "EISDIR", "ENOTSUP", "EPERM"].includes(code)) return;
    throw new SviError(
      "E_FILE_WRITE",
      `${path} is written, but may not outlast a power failure: ${message}`,
      {
        value: path,
        remedy: "Check the disk, and write the file again",
        cause: error,
      },
    );
  }
}

/** Not `readFile`, which stops at 2 GiB. Shorter than the file was where it shrinks meanwhile. */
async function readWhole(file: FileHandle, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array((await file.stat()).size);
  let length = 0;
  while (length < bytes.length) {
    signal?.throwIfAborted();
    const wanted = Math.min(bytes.length - length, LARGEST_READ);
    const { bytesRead } = await file.read(bytes, length, wanted, length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return bytes.subarray(0, length);
}

function writeError(path: string, cause: NodeJS.ErrnoException): SviError {
  return new SviError("E_FILE_WRITE", `${path} cannot be written: ${cause.message}`, {
    value: path,
    remedy: `${writeRemedy(cause.code)}; a file that was there before is unchanged`,
    cause,
  });
}

function writeRemedy(code = ""): string {
  switch (code) {
    case "ENOSPC":
    case "EDQUOT":
      return "Free some space, or write to another disk";
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return "Allow writing to the file and its folder, or choose another path";
    case "ENOENT":
    case "ENOTDIR":
      return "Make the folder first, or correct the path";
    default:
      return "Choose another path, or try again";
  }
}

function readError(path: string, cause: NodeJS.ErrnoException): SviError {
  if (cause.code === "ENOENT" || cause.code === "ENOTDIR")
    return new SviError("E_FILE_MISSING", `There is no file ${path}`, {
      value: path,
      remedy: "Check the path",
      cause,
    });
  return new SviError("E_FILE_READ", `${path} cannot be read: ${cause.message}`, {
    value: path,
    remedy: "Check that it is a readable file that fits into memory",
    cause,
  });
}
