/** @module All the bytes of a file, wherever it comes from. */
import { SviError } from "../errors.ts";

/** What a whole file is read from; a Node stream by way of `Readable.toWeb`. */
export type BytesSource = Uint8Array | ArrayBuffer | Blob | Response | ReadableStream<Uint8Array>;

export interface ReadAllOptions {
  /** The most bytes to take. Default 2^31. */
  limit?: number;
  /** Ends the reading; what is thrown then is its reason. */
  signal?: AbortSignal;
}

/**
 * Reads a source to its end. Bytes in memory are given back as they are, not copied.
 *
 * @throws E_FILE_MISSING for a response 404 or 410; E_FILE_READ for any other that is no success and for
 *   sources that fail or were read before; E_FORMAT for a web page in place of the file; E_MEMORY above `limit`;
 *   E_OPTION for anything that is no such source
 */
export async function readAll(source: BytesSource, options: ReadAllOptions = {}): Promise<Uint8Array> {
  const limit = options.limit ?? 2 ** 31;
  options.signal?.throwIfAborted();
  const bytes = await read(source, limit, options.signal);
  requireLimit(bytes.length, limit);
  requireNoPage(bytes);
  return bytes;
}

// By what they can do, not instanceof: a polyfill's or another realm's Response is as good.
async function read(source: BytesSource, limit: number, signal?: AbortSignal): Promise<Uint8Array> {
  if (ArrayBuffer.isView(source)) return new Uint8Array(source.buffer, source.byteOffset, source.byteLength);
  if (isObject(source)) {
    if ("getReader" in source) return drain(source, limit, signal);
    if ("ok" in source && "headers" in source) return drainResponse(source, limit, signal);
    if ("stream" in source) {
      requireLimit(source.size, limit);
      return drain(source.stream(), limit, signal);
    }
    if ("byteLength" in source) return new Uint8Array(source);
  }
  throw new SviError("E_OPTION", `The source is a ${typeof source}`, {
    value: source,
    remedy:
      "Give a Uint8Array, an ArrayBuffer, a Blob, a Response or a ReadableStream (Readable.toWeb makes one)",
  });
}

async function drainResponse(response: Response, limit: number, signal?: AbortSignal): Promise<Uint8Array> {
  const { status, url } = response;
  if (!response.ok) {
    await response.body?.cancel().catch(() => {});
    const missing = status === 404 || status === 410;
    throw new SviError(
      missing ? "E_FILE_MISSING" : "E_FILE_READ",
      `${url || "The server"} answered ${status}`,
      {
        value: status,
        remedy: missing ? "Check the address" : "Try again, or check the address and the right to read it",
      },
    );
  }
  if (response.body === null) return new Uint8Array(0);
  const announced = Number(response.headers.get("content-length") ?? 0);
  if (announced > limit) {
    await response.body.cancel().catch(() => {});
    requireLimit(announced, limit);
  }
  return drain(response.body, limit, signal);
}

async function drain(
  stream: ReadableStream<Uint8Array>,
  limit: number,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const reader = await orExplain(async () => stream.getReader());
  const cancel = () => void reader.cancel(signal?.reason).catch(() => {});
  signal?.addEventListener("abort", cancel, { once: true });
  try {
    const chunks: Uint8Array[] = [];
    let length = 0;
    for (;;) {
      const { done, value } = await orExplain(() => reader.read(), signal);
      signal?.throwIfAborted(); // A cancelled stream ends as if it were whole.
      if (done) return joined(chunks, length);
      requireBytes(value);
      chunks.push(value);
      length += value.length;
      requireLimit(length, limit);
    }
  } catch (error) {
    cancel();
    throw error;
  } finally {
    signal?.removeEventListener("abort", cancel);
  }
}

function joined(chunks: Uint8Array[], length: number): Uint8Array {
  if (chunks.length === 1) return chunks[0];
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}

async function orExplain<T>(action: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  try {
    return await action();
  } catch (cause) {
    signal?.throwIfAborted();
    const message = cause instanceof Error ? cause.message : String(cause);
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
    throw new SviError("E_FILE_READ", `The stream gave a ${typeof chunk}, no bytes`, {
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
