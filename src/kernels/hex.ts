/** @module Bytes that travel as text inside a JavaScript module. */

/** What Node and Bun decode with, where it is global. */
interface BufferLike {
  from(text: string, encoding: "hex"): Uint8Array;
}

/** What newer engines have of their own. */
interface HexConstructor {
  readonly fromHex?: (text: string) => Uint8Array<ArrayBuffer>;
}

/**
 * Two digits a byte: twice as long as the bytes, but gzip sees through it, where base64 hides what repeats; the
 * kernels come out 3 kB smaller. The host's own decoder where there is one: a loop over 72,000 characters takes 2 ms
 * of a start, since the engine has not compiled it yet.
 */
export function bytesOfHex(text: string): Uint8Array<ArrayBuffer> {
  const { Buffer } = globalThis as { Buffer?: BufferLike };
  // A copy: small Buffers share one piece of memory.
  if (Buffer) return new Uint8Array(Buffer.from(text, "hex"));
  const { fromHex } = Uint8Array as HexConstructor;
  if (fromHex) return fromHex.call(Uint8Array, text);
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = 16 * digit(text, 2 * i) + digit(text, 2 * i + 1);
  return bytes;
}

function digit(text: string, at: number): number {
  const code = text.charCodeAt(at);
  return code < 58 ? code - 48 : code - 87;
}
