/** @module Where text comes from: anything whose bytes can be read again from any position. */
import { SviError } from "../errors.ts";
import { bytesIn, bytesOfBlob, isBlob } from "../shapes.ts";

/** Bytes that can be read from any position, as often as asked. */
export interface ByteSource {
  /** Length in bytes. */
  readonly size: number;
  /** The bytes from `start` up to, not including, `end`; both lie in 0 … size. */
  read(start: number, end: number): Promise<Uint8Array>;
}

/** Strings are encoded as UTF-8 once (half surrogate pairs become U+FFFD); the rest is read in pieces. */
export type TextSource = string | Uint8Array | ArrayBuffer | Blob | ByteSource;

/** How line ends are read: as they are, or with `\r\n` and lone `\r` turned into `\n`. */
export type LineEnds = "keep" | "lf";

/**
 * One source over one text or over several in order. Each is a document: a `\n` is put behind a text without a
 * line end where another one follows, so that no word or character sequence spans two texts.
 *
 * @throws E_OPTION for anything that is not a text source; E_TEXT_ENCODING for files that are packed or UTF-16
 */
export async function openBytes(source: TextSource | readonly TextSource[]): Promise<ByteSource> {
  const parts = (Array.isArray(source) ? source : [source as TextSource]).map(single);
  for (const part of parts)
    requirePlain(await readExactly(part, 0, Math.min(part.size, LONGEST_START)), part.size);
  return parts.length === 1 ? parts[0] : concatenated(await separated(parts));
}

async function separated(parts: readonly ByteSource[]): Promise<ByteSource[]> {
  const out: ByteSource[] = [];
  const filled = parts.filter(({ size }) => size > 0);
  for (const [i, part] of filled.entries()) {
    out.push(part);
    if (i === filled.length - 1) break;
    const [last] = await readExactly(part, part.size - 1, part.size);
    if (last !== LF && last !== CR) out.push(fromBytes(Uint8Array.of(LF)));
  }
  return out;
}

const LF = 10;
const CR = 13;

/** First bytes of files that hold no text, whatever their names. */
const PACKED: readonly (readonly [string, readonly number[]])[] = [
  ["gzip", [0x1f, 0x8b, 0x08]],
  ["zip", [0x50, 0x4b, 0x03, 0x04]],
  ["Zstandard", [0x28, 0xb5, 0x2f, 0xfd]],
  ["xz", [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ["bzip2", [0x42, 0x5a, 0x68, 0x39, 0x31, 0x41, 0x59, 0x26]],
];
/** Bytes that tell. */
export const LONGEST_START = 64;

/** What a file was packed by, as far as its first bytes tell. */
export function packedBy(start: Uint8Array): string | undefined {
  return PACKED.find(([, magic]) => magic.every((byte, i) => start[i] === byte))?.[0];
}

/**
 * Bytes of a packed text teach nothing, with whatever tokenizer.
 * @param start its first bytes, of which 64 tell
 * @param size all of its bytes
 * @throws SviError `E_TEXT_ENCODING`
 */
export function requirePlain(start: Uint8Array, size: number): void {
  const packed = packedBy(start);
  if (packed)
    throw new SviError("E_TEXT_ENCODING", `The text is packed by ${packed}`, {
      value: packed,
      remedy: "Unpack it first",
    });
  const mark = start[0] === 0xff ? start[1] === 0xfe : start[0] === 0xfe && start[1] === 0xff;
  if (mark && size % 2 === 0 && start.includes(0))
    throw new SviError("E_TEXT_ENCODING", "The text is UTF-16", {
      value: "UTF-16",
      remedy: "Convert it to UTF-8 first",
    });
}

function single(source: TextSource): ByteSource {
  if (typeof source === "string") return fromBytes(new TextEncoder().encode(source));
  const bytes = bytesIn(source);
  if (bytes) return fromBytes(bytes);
  if (isBlob(source)) return fromBlob(source);
  const { read, size } = (source ?? {}) as Partial<ByteSource>;
  if (typeof read === "function" && Number.isSafeInteger(size) && size! >= 0) return source as ByteSource;
  throw new SviError("E_OPTION", "The text is neither a string, bytes, a Blob nor a ByteSource", {
    value: source,
    remedy: "Give one of those, or an array of them; Corpus.fromStream takes one-shot streams",
  });
}

function fromBytes(bytes: Uint8Array): ByteSource {
  return { size: bytes.length, read: async (start, end) => bytes.subarray(start, end) };
}

function fromBlob(blob: Blob): ByteSource {
  return {
    size: blob.size,
    read: async (start, end) => {
      try {
        return await bytesOfBlob(blob.slice(start, end));
      } catch (cause) {
        throw new SviError("E_FILE_READ", "The Blob cannot be read", {
          value: { start, end },
          remedy: "Choose the file again; browsers refuse files that changed since they were chosen",
          cause,
        });
      }
    },
  };
}

function concatenated(parts: readonly ByteSource[]): ByteSource {
  const starts = [0];
  for (const part of parts) starts.push(starts[starts.length - 1] + part.size);
  return {
    size: starts[parts.length],
    async read(start, end) {
      const out = new Uint8Array(end - start);
      for (let i = 0; i < parts.length; i++) {
        const from = Math.max(start, starts[i]);
        const to = Math.min(end, starts[i + 1]);
        if (from < to) out.set(await readExactly(parts[i], from - starts[i], to - starts[i]), from - start);
      }
      return out;
    },
  };
}

/** Reads `end − start` bytes; throws `E_TEXT_CHANGED` where the source gives another number. */
export async function readExactly(source: ByteSource, start: number, end: number): Promise<Uint8Array> {
  const bytes = await source.read(start, end);
  if (bytes.length !== end - start)
    throw new SviError(
      "E_TEXT_CHANGED",
      `The text gave ${bytes.length} of ${end - start} bytes at byte ${start}`,
      {
        value: { start, end, read: bytes.length },
        remedy: "Leave the text as it is while it is in use, and open the corpus again",
      },
    );
  return bytes;
}
