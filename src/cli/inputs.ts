/** @module What commands read: files by position; pipes and standard input once, into memory. */
import { constants, createReadStream, openSync } from "node:fs";
import { access } from "node:fs/promises";
import { Socket } from "node:net";
import { Readable } from "node:stream";
import { type FileSource, openFile, readFileBytes } from "../entries/node.ts";
import { SviError } from "../errors.ts";
import { readStream } from "../formats/bytes.ts";
import { LONGEST_START, requirePlain } from "../text/source.ts";
import { isStdin, type PathKind, placeOf, STDIN } from "./paths.ts";
import { UsageError } from "./usage.ts";

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

/**
 * What comes of a file, a pipe or `-`, as it comes; a pipe may have no writer yet.
 *
 * @throws SviError `E_FILE_MISSING`, `E_FILE_READ` for what cannot be read as one of them
 */
export async function streamInput(path = STDIN): Promise<Readable> {
  return (await streamOf(path)) ?? createReadStream(path);
}

/** All of a file, a pipe or `-` as text. @throws as `openInput`, SviError `E_TEXT_ENCODING` */
export async function readText(path: string, signal: AbortSignal): Promise<string> {
  return textOf(path, await readInput(path, signal));
}

/** @throws SviError `E_TEXT_ENCODING` for what is packed, UTF-16 or not UTF-8 */
export function textOf(path: string, bytes: Uint8Array): string {
  const refuse = (problem: string, remedy: string, cause: unknown) =>
    new SviError("E_TEXT_ENCODING", `${inputName(path)}${problem}`, { value: path, remedy, cause });
  try {
    requirePlain(bytes.subarray(0, LONGEST_START), bytes.length);
  } catch (cause) {
    if (!(cause instanceof SviError)) throw cause;
    throw refuse(`: ${cause.problem}`, cause.remedy, cause);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw refuse(" is not UTF-8", "Convert it to UTF-8 first", cause);
  }
}

/**
 * For texts of which threads or machines read each a part, by its path.
 * @throws UsageError for a pipe or standard input, which can be read once
 */
export async function requireFiles(paths: readonly string[], reader: string): Promise<void> {
  for (const path of paths)
    if (isStdin(path) || (await placeOf(path)).kind === "pipe")
      throw new UsageError(`${reader} reads parts of a text by position: give a file, not ${path}`);
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
