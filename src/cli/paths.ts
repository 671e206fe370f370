/** @module All paths of a command in one table, compared by what they really are before any of them is opened. */
import { type BigIntStats, fstatSync } from "node:fs";
import { lstat, readlink, realpath, stat } from "node:fs/promises";
import { basename, dirname, join, resolve, sep } from "node:path";
import { UsageError } from "./usage.ts";

/** The word for standard input where a command reads a file. */
export const STDIN = "-";

export type PathKind = "file" | "folder" | "pipe" | "socket" | "device" | "missing";

/** A path of a command, and what the command does with it. */
export interface PathUse {
  /** As it was given. */
  readonly path: string;
  /** For a sentence: `--out`, `a text`, `the text of --valid`. */
  readonly name: string;
  /** A folder is one that the command makes where it is not there. */
  readonly use: "read" | "write" | "folder";
  /** What could have been said in place of a path. */
  readonly words?: readonly string[];
}

/** What a path leads to, links followed. */
interface Place {
  readonly kind: PathKind;
  readonly real: string;
  /** Device and inode: the same for every hard link; null where there is nothing yet. */
  readonly id: string | null;
}

/**
 * @returns what a person should know and nothing forbids: a text that is read twice
 * @throws UsageError where a file would be read and replaced, written by two, or be a folder at the same time, and
 *   where two readers want the one reading that a pipe allows
 */
export async function checkPaths(uses: readonly PathUse[]): Promise<string[]> {
  const found = await Promise.all(uses.map(async (use) => ({ ...use, place: await placeOf(use.path) })));
  const notes: string[] = [];
  for (const [i, b] of found.entries()) {
    if (b.use !== "read" && b.path === STDIN)
      throw new UsageError(`${b.name} - is not a file; write ./- for a file of that name`);
    for (const a of found.slice(0, i)) {
      const [reader, writer] = a.use === "read" ? [a, b] : [b, a];
      if (isSame(a.place, b.place)) {
        if (a.use === "read" && b.use === "read") notes.push(readTwice(a, b));
        else if (reader.use === "read")
          throw new UsageError(`${writer.name} ${writer.path} is ${reader.name} that is read`);
        else throw new UsageError(`${b.name} ${b.path} is the same as ${a.name} ${a.path}`);
      }
      for (const [outer, inner] of [
        [a, b],
        [b, a],
      ])
        if (
          outer.use === "write" &&
          inner.use !== "read" &&
          inner.place.real.startsWith(outer.place.real + sep)
        )
          throw new UsageError(
            `${outer.name} ${outer.path} is a folder that ${inner.name} ${inner.path} needs`,
          );
    }
  }
  return notes;
}

/**
 * For names of files that only what was read says.
 * @param written paths that the command will write, of files in the folder of `flag`
 * @param read paths that it reads
 * @throws UsageError where a file would be read and replaced, by whatever link
 */
export async function requireUnread(
  written: readonly string[],
  flag: string,
  read: readonly string[],
): Promise<void> {
  const keyOf = ({ id, real }: Place) => id ?? real;
  const taken = new Map<string, string>();
  for (const path of read) taken.set(keyOf(await placeOf(path)), path);
  for (const path of written) {
    const same = taken.get(keyOf(await placeOf(path)));
    if (same !== undefined)
      throw new UsageError(`--${flag} would replace ${same}, which is read; choose another folder`);
  }
}

function isSame(a: Place, b: Place): boolean {
  return a.id !== null && b.id !== null ? a.id === b.id : a.real === b.real;
}

function readTwice(a: PathUse & { place: Place }, b: PathUse): string {
  if (a.place.kind !== "file" || (isStdin(a.path) && isStdin(b.path)))
    throw new UsageError(`${b.path} can be read once, and is both ${a.name} and ${b.name}`);
  return a.name === b.name
    ? `${b.path} is given twice: its text counts double`
    : `${b.path} is both ${a.name} and ${b.name}: figures on it say little about other texts`;
}

/** Opens nothing: to open a pipe can wait for ever. */
export async function placeOf(path: string): Promise<Place> {
  if (isStdin(path)) return described(STDIN, fstatSync(0, { bigint: true }));
  const found = await stat(path, { bigint: true }).catch(() => null);
  if (!found) return { kind: "missing", real: await realOf(path), id: null };
  // The name that Linux gives to a pipe without a name leads nowhere.
  return described(await realpath(path).catch(() => resolve(path)), found);
}

/** Whether a path is one of the names of standard input. */
export function isStdin(path: string): boolean {
  return path === STDIN || ["/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"].includes(path);
}

function described(real: string, found: BigIntStats): Place {
  return { kind: kindOf(found), real, id: `${found.dev}:${found.ino}` };
}

function kindOf(found: BigIntStats): PathKind {
  if (found.isFile()) return "file";
  if (found.isDirectory()) return "folder";
  if (found.isFIFO()) return "pipe";
  return found.isSocket() ? "socket" : "device";
}

/** Where a file of that name would come to lie; a link that leads to nothing yet is followed too. */
async function realOf(path: string, links = 0): Promise<string> {
  const at = resolve(path);
  const link = links < 40 && (await lstat(at).catch(() => null))?.isSymbolicLink();
  if (link) return realOf(resolve(dirname(at), await readlink(at)), links + 1);
  const folder = dirname(at);
  if (folder === at) return at;
  return join(await realpath(folder).catch(() => realOf(folder, links)), basename(at));
}
