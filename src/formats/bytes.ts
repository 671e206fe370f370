/** @module All the bytes of a file, wherever it comes from. */
import { requireInteger, SviError, shown, wrongOption } from "../errors.ts";
import { bytesOfBlob, isBlob, memoryOf, messageOf } from "../shapes.ts";

/**
 * What a whole file is read from; a Node stream by way of `Readable.toWeb`, an object of a store such as R2 by its
 * `arrayBuffer`.
 */
export type BytesSource =
  | Uint8Array
  | ArrayBuffer
  | Blob
  | Response
  | ReadableStream<Uint8Array>
  | { arrayBuffer(): Promise<ArrayBuffer> };

export interface ReadAllOptions {
  /** The most bytes to take. Default 2^31. */
  limit?: number;
  /** Ends the reading; what is thrown then is its reason. */
  signal?: AbortSignal;
}

/** Room made in advance because a server says so; the rest only as bytes arrive. */
const LARGEST_TRUSTED = 2 ** 26;
const SMALLEST_BLOCK = 2 ** 16;

/**
 * Reads a source to its end. Bytes in memory are given back as they are, not copied.
 *
 * @throws E_FORMAT for a response that is not a success and for a web page in place of the file; E_FILE_READ for
 *   sources that fail or were read before; E_MEMORY above `limit`; E_OPTION for anything that is not such a source.
 *   An abort throws its reason
 */
export async function readAll(source: BytesSource, options: ReadAllOptions = {}): Promise<Uint8Array> {
  const limit = requireInteger("limit", options.limit ?? 2 ** 31, 0, Number.MAX_SAFE_INTEGER);
  options.signal?.throwIfAborted();
  const bytes = await read(source, limit, options.signal);
  requireLimit(bytes.length, limit);
  requireNoPage(bytes);
  return bytes;
}

/** All bytes of a stream, whatever they are. @throws E_FILE_READ, E_MEMORY above `limit`; an abort its reason */
export function readStream(
  stream: ReadableStream<Uint8Array>,
  { limit, signal }: { limit: number; signal?: AbortSignal },
): Promise<Uint8Array> {
  return drain(stream, 0, limit, signal);
}

// By what they can do, not instanceof: a polyfill's or another realm's Response is as good.
async function read(source: BytesSource, limit: number, signal?: AbortSignal): Promise<Uint8Array> {
  const bytes = memoryOf(source);
  if (bytes) return bytes;
  if (isObject(source)) {
    if ("getReader" in source) return drain(source, 0, limit, signal);
    if ("ok" in source && "headers" in source) return drainResponse(source, limit, signal);
    if (isBlob(source)) {
      requireLimit(source.size, limit);
      if (source.stream) return drain(source.stream(), source.size, limit, signal);
    }
    // Also a test environment's Blob, which may have no stream.
    if ("arrayBuffer" in source || isBlob(source)) return orExplain(() => bytesOfBlob(source), signal);
  }
  const wanted =
    "a Uint8Array, an ArrayBuffer, a Blob, a Response or a ReadableStream (Readable.toWeb makes one)";
  throw wrongOption("source", source, wanted, "The source");
}

async function drainResponse(response: Response, limit: number, signal?: AbortSignal): Promise<Uint8Array> {
  // Not waited for: a body may never finish to cancel.
  const letGo = () => void response.body?.cancel().catch(() => {});
  if (!response.ok) {
    letGo();
    throw statusError(response);
  }
  if (response.body === null) return new Uint8Array(0);
  // Of the compressed bytes where there is an encoding.
  const compressed = response.headers.get("content-encoding") !== null;
  const announced = compressed ? 0 : Number(response.headers.get("content-length") ?? 0);
  if (announced > limit) {
    letGo();
    requireLimit(announced, limit);
  }
  const expected = Number.isSafeInteger(announced) && announced > 0 ? announced : 0;
  return drain(response.body, Math.min(expected, LARGEST_TRUSTED), limit, signal);
}

function statusError({ status, statusText, type, url }: Response): SviError {
  // Without its query, which may hold a password.
  const from = url ? ` for ${url.split(/[?#]/, 1)[0].slice(0, 200)}` : "";
  // 0: an opaque response, or one that is an error, hides what the server sent.
  const answer =
    status === 0
      ? `The response is of type "${type}" and cannot be read`
      : `The server answered ${`${status} ${statusText}`.trim()}${from}, not with a model`;
  return new SviError("E_FORMAT", answer, {
    value: status,
    remedy:
      status === 0
        ? "Fetch with the mode cors, and let the server allow this origin"
        : "Check the address, and the right to read it",
  });
}

/** `expected`: bytes to make room for at once; 0 where their number is not known. */
async function drain(
  stream: ReadableStream<Uint8Array>,
  expected: number,
  limit: number,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const reader = await orExplain(async () => stream.getReader());
  const cancel = (reason: unknown) => void reader.cancel(reason).catch(() => {});
  const abort = () => cancel(signal?.reason);
  signal?.addEventListener("abort", abort, { once: true });
  try {
    const collected = new Collected(expected);
    for (;;) {
      const { done, value } = await orExplain(() => reader.read(), signal);
      signal?.throwIfAborted(); // A cancelled stream ends as if it were whole.
      if (done) return collected.bytes();
      requireBytes(value);
      requireLimit(collected.length + value.length, limit);
      collected.add(value);
    }
  } catch (error) {
    cancel(error);
    throw error;
  } finally {
    signal?.removeEventListener("abort", abort);
  }
}

/** Bytes of unknown number, in blocks that grow with them: at the peak little more than twice their size. */
class Collected {
  readonly #full: Uint8Array[] = [];
  #block: Uint8Array;
  #used = 0;
  length = 0;

  constructor(expected: number) {
    this.#block = allocate(expected);
  }

  /** Copied: a chunk may be overwritten by who gave it, or be a small view of a large buffer. */
  add(chunk: Uint8Array): void {
    const room = this.#block.length - this.#used;
    this.#put(chunk.subarray(0, room));
    if (chunk.length <= room) return;
    if (this.#used > 0) this.#full.push(this.#block);
    this.#block = allocate(Math.max(chunk.length - room, SMALLEST_BLOCK, Math.floor(this.length / 4)));
    this.#used = 0;
    this.#put(chunk.subarray(room));
  }

  bytes(): Uint8Array {
    if (this.#full.length === 0 && this.#used === this.#block.length) return this.#block;
    const bytes = allocate(this.length);
    let offset = 0;
    for (const block of [...this.#full, this.#block.subarray(0, this.#used)]) {
      bytes.set(block, offset);
      offset += block.length;
    }
    return bytes;
  }

  #put(bytes: Uint8Array): void {
    this.#block.set(bytes, this.#used);
    this.#used += bytes.length;
    this.length += bytes.length;
  }
}

function allocate(size: number): Uint8Array {
  try {
    return new Uint8Array(size);
  } catch (cause) {
    throw new SviError("E_MEMORY", `The source takes ${size} bytes, more than can be had`, {
      value: size,
      remedy: "Load a smaller model, or free memory",
      cause,
    });
  }
}

async function orExplain<T>(action: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  try {
    return await action();
  } catch (cause) {
    signal?.throwIfAborted();
    // The signal may have been given to `fetch` instead.
    if ((cause as Error | null)?.name === "AbortError") throw cause;
    const message = messageOf(cause);
    throw new SviError("E_FILE_READ", `The source cannot be read: ${message}`, {
      value: message,
      remedy: "Give a source that is whole and was not read before, or fetch it again",
      cause,
    });
  }
}

function requireBytes(chunk: unknown): asserts chunk is Uint8Array {
  if (
    !ArrayBuffer.isView(chunk) ||
    !("subarray" in chunk) ||
    !("BYTES_PER_ELEMENT" in chunk) ||
    chunk.BYTES_PER_ELEMENT !== 1
  )
    throw new SviError("E_FILE_READ", `The stream gave ${shown(chunk)}, not bytes`, {
      value: typeof chunk,
      remedy: "Give a stream of Uint8Array",
    });
}

function requireLimit(length: number, limit: number): void {
  if (length > limit)
    throw new SviError("E_MEMORY", `The source has ${length} bytes or more, and the limit is ${limit}`, {
      value: length,
      remedy: "Give the right file, or a higher limit",
    });
}

/** Servers and captive portals like to answer an unknown address with a page and status 200. */
function requireNoPage(bytes: Uint8Array): void {
  const start = new TextDecoder().decode(bytes.slice(0, 512)).trimStart();
  if (/^<(!do|html)/i.test(start))
    throw new SviError(
      "E_FORMAT",
      `The source is a web page, not a model: ${JSON.stringify(start.slice(0, 60))}`,
      {
        value: start.slice(0, 60),
        remedy: "Check the address: servers answer with a page where a file is missing or a login is needed",
      },
    );
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}
