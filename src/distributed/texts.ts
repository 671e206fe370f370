/** @module Texts of any size cut into shards at line ends, without reading more than the places where they are cut. */
import { stat } from "node:fs/promises";
import { SviError } from "../errors.ts";
import { openFile } from "../text/file.ts";
import type { ByteSource } from "../text/source.ts";
import { isObject, objectFetch } from "./objects.ts";

/** Bytes of one file or address: `from` up to, not including, `to`. */
export interface TextRange {
  /** An absolute path, an http(s) address that answers range requests, or an s3 address. */
  readonly at: string;
  readonly from: number;
  readonly to: number;
}

/** What one job reads, in order. */
export type Shard = readonly TextRange[];

/** A text that can be read by position and must be closed. */
export interface OpenText extends ByteSource {
  /** Another one after the text was written to; null where that is not to be known. */
  readonly version: string | null;
  close(): Promise<void>;
}

const LINE_FEED = 10;
/** Bytes read at a time in search of a line end. */
const WINDOW = 2 ** 16;
/** A text without a line end in so many bytes is cut between two symbols. */
const LONGEST_LINE = 2 ** 24;

/**
 * Cuts texts, read one after the other, into shards of about the same number of bytes; every cut is after a line end.
 * @throws SviError `E_TEXT_SHORT` where a shard would be empty
 */
export async function shardTexts(
  texts: readonly { readonly at: string; readonly source: ByteSource }[],
  count: number,
): Promise<Shard[]> {
  const total = texts.reduce((sum, { source }) => sum + source.size, 0);
  const shards: TextRange[][] = Array.from({ length: count }, () => []);
  let before = 0;
  let shard = 0;
  for (const { at, source } of texts) {
    for (let from = 0; from < source.size; ) {
      const end = Math.floor((total * (shard + 1)) / count) - before;
      const continues = shard === count - 1 || end > source.size;
      const to = continues || end === source.size ? source.size : await cutAfter(source, Math.max(from, end));
      shards[shard].push({ at, from, to });
      from = to;
      if (!continues) shard++;
    }
    before += source.size;
  }
  requireFull(shards, total);
  return shards;
}

function requireFull(shards: readonly TextRange[][], total: number): void {
  const empty = shards.findIndex((ranges) => ranges.length === 0);
  if (empty < 0) return;
  throw new SviError("E_TEXT_SHORT", `Shard ${empty} of ${total} bytes in ${shards.length} shards is empty`, {
    option: "shards",
    value: shards.length,
    remedy: "Ask for fewer shards, or give a longer text with line ends",
  });
}

/** The first place from `at` on that follows a line end; between two symbols where lines are too long. */
async function cutAfter(source: ByteSource, at: number): Promise<number> {
  const end = Math.min(source.size, at + LONGEST_LINE);
  for (let from = at; from < end; from += WINDOW) {
    const bytes = await source.read(from, Math.min(end, from + WINDOW));
    const found = bytes.indexOf(LINE_FEED);
    if (found >= 0) return from + found + 1;
  }
  return end === source.size ? end : afterSymbol(source, at);
}

/** UTF-8's continuation bytes are 10xxxxxx. */
export async function afterSymbol(source: ByteSource, at: number): Promise<number> {
  const bytes = await source.read(at, Math.min(source.size, at + 4));
  const start = bytes.findIndex((byte) => (byte & 0xc0) !== 0x80);
  return at + Math.max(0, start);
}

/** The texts of a shard. */
export interface OpenShard {
  readonly sources: readonly ByteSource[];
  /** Of all its texts; null where one has none. */
  readonly version: string | null;
  close(): Promise<void>;
}

/** Opens what a shard's ranges name. @throws SviError `E_FILE_MISSING`, `E_FILE_READ`, `E_TEXT_CHANGED` */
export async function openShard(shard: Shard): Promise<OpenShard> {
  const texts = new Map<string, OpenText>();
  const close = async () => {
    for (const text of texts.values()) await text.close();
  };
  try {
    const sources: ByteSource[] = [];
    for (const { at, from, to } of shard) {
      const text = texts.get(at) ?? (await openText(at));
      texts.set(at, text);
      if (to > text.size) throw shrunk(at, to, text.size);
      sources.push({ size: to - from, read: (start, end) => text.read(from + start, from + end) });
    }
    const versions = Array.from(texts.values(), ({ version }) => version);
    return { sources, version: versions.includes(null) ? null : versions.join(" "), close };
  } catch (error) {
    await close();
    throw error;
  }
}

function changed(at: string, how: string, value: unknown): SviError {
  return new SviError("E_TEXT_CHANGED", `${at} ${how}`, {
    value,
    remedy: "Leave the text as it is while the run is under way, or begin a new run",
  });
}

function shrunk(at: string, wanted: number, size: number): SviError {
  return changed(at, `has ${size} bytes, and had at least ${wanted}`, size);
}

/** Whether it names a text by an http(s) or s3 address, not by a path. */
export function isAddress(at: string): boolean {
  return /^https?:\/\//.test(at) || isObject(at);
}

/** A file by its path, or what an http(s) or s3 address holds. */
export function openText(at: string): Promise<OpenText> {
  return isAddress(at) ? openAddress(at) : openPath(at);
}

async function openPath(path: string): Promise<OpenText> {
  // Asked for before the file is opened: what is written in between makes another version the next time.
  const found = await stat(path, { bigint: true }).catch(() => null);
  const version = found && [found.dev, found.ino, found.size, found.mtimeNs, found.ctimeNs].join("-");
  return { ...(await openFile(path)), version };
}

/**
 * Every answer must be of the version that the first one was of, where the server says which that is.
 * @throws SviError `E_FILE_READ` where the address does not answer a range request with that range
 */
async function openAddress(address: string): Promise<OpenText> {
  const request = isObject(address) ? objectFetch(address) : fetchOf(address);
  const first = await requestRange(address, request, 0, 1);
  await first.arrayBuffer();
  const size = sizeIn(first);
  if (size === null) throw unreadable(address, "does not say how long it is");
  const found = versionOf(first);
  const read = async (start: number, end: number) => {
    const answer = await requestRange(address, request, start, end, found);
    const now = sizeIn(answer);
    if (now !== size && now !== null) throw shrunk(address, size, now);
    return new Uint8Array(await answer.arrayBuffer());
  };
  return {
    size,
    version: found.etag ?? found.modified,
    read: async (start, end) => (start === end ? new Uint8Array(0) : read(start, end)),
    close: async () => {},
  };
}

/** Bytes of the whole text, by the answer to a range request. */
function sizeIn({ headers }: Response): number | null {
  const size = Number(/\/(\d+)$/.exec(headers.get("content-range") ?? "")?.[1]);
  return Number.isSafeInteger(size) ? size : null;
}

/** Both null where the server does not tell one version of a text from another. */
interface Version {
  readonly etag: string | null;
  readonly modified: string | null;
}

function versionOf({ headers }: Response): Version {
  return { etag: headers.get("etag"), modified: headers.get("last-modified") };
}

/** Conditions that a server which knows them refuses another version by; a weak tag can be none (RFC 9110, 13.1.1). */
function conditionsOf({ etag, modified }: Version): Record<string, string> {
  if (etag?.startsWith('"')) return { "if-match": etag };
  return modified ? { "if-unmodified-since": modified } : {};
}

function isOther(found: Version, version: Version): boolean {
  const differs = (a: string | null, b: string | null) => a !== null && b !== null && a !== b;
  return differs(found.etag, version.etag) || differs(found.modified, version.modified);
}

type FetchWith = (headers: Record<string, string>) => Promise<Response>;

function fetchOf(address: string): FetchWith {
  return (headers) =>
    fetch(address, { headers }).catch((cause) => {
      throw unreadable(address, "cannot be reached", cause);
    });
}

async function requestRange(
  address: string,
  request: FetchWith,
  start: number,
  end: number,
  version: Version = { etag: null, modified: null },
): Promise<Response> {
  const response = await request({ range: `bytes=${start}-${end - 1}`, ...conditionsOf(version) });
  if (response.status === 412 || isOther(versionOf(response), version)) throw rewritten(address);
  if (response.status !== 206) throw unreadable(address, `answered ${response.status} to a range request`);
  return response;
}

function rewritten(at: string): SviError {
  return changed(at, "was written again while it was read", at);
}

function unreadable(address: string, what: string, cause?: unknown): SviError {
  return new SviError("E_FILE_READ", `${address} ${what}`, {
    value: address,
    remedy: "Give an address whose server answers range requests, or a path",
    cause,
  });
}
