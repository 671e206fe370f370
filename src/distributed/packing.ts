/**
 * @module How blobs are packed, which are floats for the most part: signs and exponents, a byte of each float, say the
 * same again and again, the other three bytes never do. To deflate those takes three quarters of the time for nothing,
 * unless many floats equal their neighbours: what a round has not touched. Which is the case is said piece by piece.
 *
 * Packed: a header, a byte for each piece, the other bytes of pieces as they are, those of pieces that repeat themselves
 * (deflated), the exponents of all (deflated). Four floats at a time are taken apart, to a word of exponents and three
 * of the rest.
 */
import { promisify } from "node:util";
import { constants, deflate, inflate } from "node:zlib";
import { hostBytes, littleEndianBytes } from "../formats/endian.ts";

const deflating = promisify(deflate) as (bytes: Uint8Array, options: object) => Promise<Buffer>;
const inflating = promisify(inflate) as (bytes: Uint8Array, options: object) => Promise<Buffer>;

/** Exponents have no repetitions to be searched for, only values that are frequent. */
const EXPONENTS = { level: 1, memLevel: 9, strategy: constants.Z_HUFFMAN_ONLY };
const RUNS = { level: 1, strategy: constants.Z_RLE };
/** Groups of four floats in a piece. */
const PIECE = 2 ** 12;
/** Share of floats that equal their neighbour from which on a piece is deflated. */
const MANY_EQUAL = 0.1;
/** Of the header: bytes of the blob, and of what is deflated of it besides the exponents. */
const HEADER = 8;

/** A blob of so many bytes: floats in groups of four, and these in pieces. */
class Shape {
  readonly groups: number;
  readonly pieces: number;
  /** Where the first piece begins, at a word. */
  readonly start: number;

  constructor(length: number) {
    this.groups = Math.ceil(length / 16);
    this.pieces = Math.ceil(this.groups / PIECE);
    this.start = Math.ceil((HEADER + this.pieces) / 4) * 4;
  }

  groupsOf(piece: number): number {
    return Math.min(PIECE, this.groups - piece * PIECE);
  }
}

export async function packed(bytes: Uint8Array): Promise<Uint8Array> {
  const shape = new Shape(bytes.length);
  const { groups, start } = shape;
  const out = new Uint8Array(start + 12 * groups);
  const exponents = new Uint32Array(groups);
  const rest = new Uint32Array(out.buffer, start);
  const words = wordsOf(bytes, 4 * groups);
  const repeating: Uint32Array[] = [];
  let filled = 0;
  for (let piece = 0; piece < shape.pieces; piece++) {
    const [from, count] = [piece * PIECE, shape.groupsOf(piece)];
    const some = rest.subarray(filled, filled + 3 * count);
    const equal = takeApart(words.subarray(4 * from), exponents.subarray(from, from + count), some);
    out[HEADER + piece] = Number(equal > MANY_EQUAL * 4 * count);
    // What comes next is written over it.
    if (out[HEADER + piece]) repeating.push(some.slice());
    else filled += 3 * count;
  }
  const [second, third] = await Promise.all([
    repeating.length > 0
      ? squeezed(Buffer.concat(repeating.map((some) => littleEndianBytes(some))), RUNS)
      : NOTHING,
    squeezed(littleEndianBytes(exponents), EXPONENTS),
  ]);
  const header = new DataView(out.buffer);
  header.setUint32(0, bytes.length);
  header.setUint32(4, second.length);
  return Buffer.concat([out.subarray(0, start), littleEndianBytes(rest.subarray(0, filled)), second, third]);
}

const NOTHING = new Uint8Array(0);

/** @throws where it is not what `packed` has made */
export async function unpacked(bytes: Uint8Array): Promise<Uint8Array> {
  const header = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const length = header.getUint32(0);
  const shape = new Shape(length);
  const flags = bytes.subarray(HEADER, HEADER + shape.pieces);
  let [dense, sparse] = [0, 0];
  for (let piece = 0; piece < shape.pieces; piece++) {
    if (flags[piece]) sparse += shape.groupsOf(piece);
    else dense += shape.groupsOf(piece);
  }
  const second = shape.start + 12 * dense;
  const third = second + header.getUint32(4);
  const [repeating, exponents] = await Promise.all([
    sparse > 0 ? expanded(bytes.subarray(second, third), 12 * sparse) : NOTHING,
    expanded(bytes.subarray(third), 4 * shape.groups),
  ]);
  const sources = [wordsOf(bytes.subarray(shape.start, second), 3 * dense), wordsOf(repeating, 3 * sparse)];
  return joined(length, shape, flags, wordsOf(exponents, shape.groups), sources);
}

/** @param rest of the pieces as they are, and of those that repeat themselves */
function joined(
  length: number,
  shape: Shape,
  flags: Uint8Array,
  exponents: Uint32Array,
  rest: readonly Uint32Array[],
): Uint8Array {
  const words = new Uint32Array(4 * shape.groups);
  const at = [0, 0];
  for (let piece = 0; piece < shape.pieces; piece++) {
    const [from, count] = [piece * PIECE, shape.groupsOf(piece)];
    const which = Number(flags[piece] !== 0);
    const some = rest[which].subarray(at[which], at[which] + 3 * count);
    putTogether(words.subarray(4 * from), exponents.subarray(from, from + count), some);
    at[which] += 3 * count;
  }
  return littleEndianBytes(words).subarray(0, length);
}

/** Least bytes that zlib can be given room for. */
const LEAST_ROOM = 64;

/** In one go: with the room that zlib gives by itself there is a turn of the host for every 16 KiB. */
function squeezed(bytes: Uint8Array, options: object): Promise<Buffer> {
  return deflating(bytes, { ...options, chunkSize: bytes.length + LEAST_ROOM });
}

/** @throws where another number of bytes comes out: what is damaged must not fill the memory */
async function expanded(bytes: Uint8Array, length: number): Promise<Uint8Array> {
  // A byte more than comes out, or zlib would ask for more room to find that there is nothing more.
  const room = Math.max(LEAST_ROOM, length + 1);
  const found = await inflating(bytes, { chunkSize: room, maxOutputLength: room });
  if (found.length !== length) throw new RangeError(`${found.length} bytes, not ${length}`);
  return found;
}

/** Little-endian words, the last of them filled up with zeros: a view where the bytes allow it. */
function wordsOf(bytes: Uint8Array, count: number): Uint32Array {
  let host = hostBytes(bytes, 4);
  if (host.byteOffset % 4 !== 0 || host.length !== 4 * count) {
    host = new Uint8Array(4 * count);
    host.set(hostBytes(bytes, 4));
  }
  return new Uint32Array(host.buffer, host.byteOffset, count);
}

/** @returns how many floats equal their neighbour */
function takeApart(words: Uint32Array, exponents: Uint32Array, rest: Uint32Array): number {
  let equal = 0;
  for (let i = 0, from = 0, to = 0; i < exponents.length; i++, from += 4, to += 3) {
    const a = words[from];
    const b = words[from + 1];
    const c = words[from + 2];
    const d = words[from + 3];
    if (a === b) equal += 2;
    if (c === d) equal += 2;
    exponents[i] = (a >>> 24) | ((b >>> 16) & 0xff00) | ((c >>> 8) & 0xff0000) | (d & 0xff000000);
    rest[to] = (a & 0xffffff) | (b << 24);
    rest[to + 1] = ((b >>> 8) & 0xffff) | (c << 16);
    rest[to + 2] = ((c >>> 16) & 0xff) | (d << 8);
  }
  return equal;
}

function putTogether(words: Uint32Array, exponents: Uint32Array, rest: Uint32Array): void {
  for (let i = 0, from = 0, to = 0; i < exponents.length; i++, from += 3, to += 4) {
    const e = exponents[i];
    const x = rest[from];
    const y = rest[from + 1];
    const z = rest[from + 2];
    words[to] = (x & 0xffffff) | (e << 24);
    words[to + 1] = (x >>> 24) | ((y & 0xffff) << 8) | ((e & 0xff00) << 16);
    words[to + 2] = (y >>> 16) | ((z & 0xff) << 16) | ((e & 0xff0000) << 8);
    words[to + 3] = (z >>> 8) | (e & 0xff000000);
  }
}
