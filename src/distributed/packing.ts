/**
 * @module How blobs are packed, which are floats for the most part: signs and exponents, a byte of each float, say the
 * same again and again, the other three bytes never do. To deflate those takes three quarters of the time for nothing,
 * unless many of them are zero: what a round has not touched.
 */
import { promisify } from "node:util";
import { constants, deflate, inflate } from "node:zlib";

const squeeze = promisify(deflate) as (bytes: Uint8Array, options: object) => Promise<Buffer>;
const expand = promisify(inflate) as (bytes: Uint8Array) => Promise<Buffer>;

/** Runs of zeros and single bytes are all that packs: a search for repetitions takes longer and finds none. */
const PACKING = { level: 1, strategy: constants.Z_RLE };
/** Share of zeros from which on the other bytes are deflated too. */
const MANY_ZEROS = 0.1;
/** Bytes of the packed exponents, and whether the rest is packed. */
const HEADER = 8;

export async function packed(bytes: Uint8Array): Promise<Uint8Array> {
  const { exponents, rest } = apart(bytes);
  const sparse = zerosOf(rest) > MANY_ZEROS * rest.length;
  const [first, second] = await Promise.all([
    squeeze(exponents, PACKING),
    sparse ? squeeze(rest, PACKING) : rest,
  ]);
  const out = new Uint8Array(HEADER + first.length + second.length);
  const header = new DataView(out.buffer);
  header.setUint32(0, first.length);
  header.setUint32(4, Number(sparse));
  out.set(first, HEADER);
  out.set(second, HEADER + first.length);
  return out;
}

/** @throws where it is not what `packed` has made */
export async function unpacked(bytes: Uint8Array): Promise<Uint8Array> {
  const header = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const [length, sparse] = [header.getUint32(0), header.getUint32(4)];
  const [first, second] = [bytes.subarray(HEADER, HEADER + length), bytes.subarray(HEADER + length)];
  const [exponents, rest] = await Promise.all([expand(first), sparse ? expand(second) : second]);
  return together(exponents, rest);
}

/** Every fourth byte, and the others. */
function apart(bytes: Uint8Array): { exponents: Uint8Array; rest: Uint8Array } {
  const count = Math.floor(bytes.length / 4);
  const exponents = new Uint8Array(count);
  const rest = new Uint8Array(bytes.length - count);
  for (let i = 0; i < count; i++) {
    rest[3 * i] = bytes[4 * i];
    rest[3 * i + 1] = bytes[4 * i + 1];
    rest[3 * i + 2] = bytes[4 * i + 2];
    exponents[i] = bytes[4 * i + 3];
  }
  rest.set(bytes.subarray(4 * count), 3 * count);
  return { exponents, rest };
}

function together(exponents: Uint8Array, rest: Uint8Array): Uint8Array {
  const count = exponents.length;
  const bytes = new Uint8Array(count + rest.length);
  for (let i = 0; i < count; i++) {
    bytes[4 * i] = rest[3 * i];
    bytes[4 * i + 1] = rest[3 * i + 1];
    bytes[4 * i + 2] = rest[3 * i + 2];
    bytes[4 * i + 3] = exponents[i];
  }
  bytes.set(rest.subarray(3 * count), 4 * count);
  return bytes;
}

function zerosOf(bytes: Uint8Array): number {
  let zeros = 0;
  for (const byte of bytes) if (byte === 0) zeros++;
  return zeros;
}
