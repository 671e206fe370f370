/** @module What commands read: files by position; pipes and standard input once, into memory. */
import { constants, openSync } from "node:fs";
import { access } from "node:fs/promises";
import { Socket } from "node:net";
import { Readable } from "node:stream";
import { type FileSource, openFile, readFileBytes } from "../entries/node.ts";
import { SviError } from "../errors.ts";
import { readStream } from "../formats/bytes.ts";
import { isStdin, type PathKind, placeOf } from "./paths.ts";

/** What a pipe may hold at most: all of it is kept, since most commands read a text more than once. */
const LARGEST_STREAM = 2 ** 30;

/**
 * A file, a pipe or `-`, for positioned reads. A file is only opened; a pipe is read to its end.
 *
 * @throws SviError `E_FILE_MISSING`, `E_FILE_READ`, `E_MEMORY` for a pipe that holds too much; the signal's reason
 */
export async function openInput(path: string, signal: AbortSignal): Promise<FileSource> {
  const stream = await streamOf(path);
  if (!stream) return openFile(path);
  const bytes = await readWhole(path, stream, signal);
  return {
    size: bytes.length,
    read: async (start, end) => bytes.subarray(start, end),
    close: async () => {},
  };
}

/** All bytes of a file, a pipe or `-`. @throws as `openInput` */
export async function readInput(path: string, signal: AbortSignal): Promise<Uint8Array> {
  const stream = await streamOf(path);
  return stream ? readWhole(path, stream, signal) : readFileBytes(path, { signal });
}

/** How a path is called in a message. */
export function inputName(path: string): string {
  return isStdin(path) ? "standard input" : path;
}

/**
 * Nothing is opened: a pipe may have no writer yet.
 *
 * @param words what could have been said in place of a path, for the message
 * @throws SviError `E_FILE_MISSING`, `E_FILE_READ` for what cannot be read as a file or a pipe
 */
export async function requireReadable(path: string, words: readonly string[] = []): Promise<PathKind> {
  const { kind } = await placeOf(path);
  if (kind === "missing")
    throw new SviError("E_FILE_MISSING", `There is no file ${path}`, {
      value: path,
      remedy: words.length > 0 ? `Give ${words.join(", ")}, or the path of a file` : "Check the path",
    });
  if (kind === "folder" || (!isStdin(path) && (kind === "device" || kind === "socket")))
    throw unreadable(path, `it is a ${kind}`, "Give a file, a pipe, or - for standard input");
  if (!isStdin(path))
    await access(path, constants.R_OK).catch((cause) => {
      throw unreadable(path, (cause as Error).message, "Allow reading it", cause);
    });
  return kind;
}

/** The stream that has to be read instead of a file; null for a file. */
async function streamOf(path: string): Promise<Readable | null> {
  const kind = await requireReadable(path);
  if (isStdin(path)) return process.stdin;
  if (kind !== "pipe") return null;
  // Waiting for a writer inside of `open` could not be interrupted; the socket waits in the event loop.
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  return new Socket({ fd, readable: true, writable: false });
}

async function readWhole(path: string, stream: Readable, signal: AbortSignal): Promise<Uint8Array> {
  try {
    return await readStream(Readable.toWeb(stream) as ReadableStream<Uint8Array>, {
      limit: LARGEST_STREAM,
      signal,
    });
  } catch (error) {
    if (!(error instanceof SviError)) throw error;
    if (error.code !== "E_MEMORY")
      throw unreadable(path, (error.cause as Error)?.message ?? "", "Try again", error);
    throw new SviError("E_MEMORY", `${inputName(path)} holds more than 1 GiB`, {
      value: error.value,
      remedy: "Write it to a file first: a file is read in pieces",
      cause: error,
    });
  } finally {
    stream.destroy();
  }
}

function unreadable(path: string, problem: string, remedy: string, cause?: unknown): SviError {
  return new SviError("E_FILE_READ", `${inputName(path)} cannot be read: ${problem}`, {
    value: path,
    remedy,
    cause,
  });
}
