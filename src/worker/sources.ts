/** @module Texts and files as the worker gets them: what can be posted as it is, else read here, or from here. */
import { type BytesSource, readAll } from "../formats/bytes.ts";
import { bytesIn, isBlob, memoryOf } from "../shapes.ts";
import type { ByteSource, TextSource } from "../text/source.ts";
import { move } from "./channel.ts";
import type { Connection } from "./connection.ts";
import type { Callback, WireSource } from "./protocol.ts";

interface Kept {
  readonly callback: Callback;
  readonly text: TextSource;
}

export function wireSources(
  connection: Connection,
  source: TextSource | readonly TextSource[],
): { wire: WireSource[]; sources: Kept[] } {
  const sources: Kept[] = [];
  const wire = [source].flat().map((one): WireSource => {
    const text = one as TextSource;
    if (typeof text === "string" || isBlob(text)) return text;
    const bytes = bytesIn(text);
    if (bytes) return bytes;
    const { size, read } = (text ?? {}) as Partial<ByteSource>;
    if (typeof read !== "function" || typeof size !== "number") return text as never;
    const callback = connection.keep((start: number, end: number) => (text as ByteSource).read(start, end));
    sources.push({ callback, text });
    return { size, read: callback };
  });
  return { wire, sources };
}

export async function wireBytes(
  source: BytesSource,
  signal?: AbortSignal,
): Promise<Uint8Array | ArrayBuffer | Blob> {
  const memory = memoryOf(source);
  if (memory) return memory;
  if (isBlob(source)) return source;
  const bytes = await readAll(source, { signal });
  return move(bytes, bytes.buffer);
}
