/**
 * @module safetensors, read and written: 8 bytes of header length, a JSON header, the data; little-endian,
 * row-major. The format: https://github.com/huggingface/safetensors#format. Readers trust nothing.
 */
import { SviError } from "../errors.ts";
import { hostBytes, littleEndianBytes } from "./endian.ts";
import {
  dataStartOf,
  encodeHeader,
  parseHeader,
  type SafetensorsHeader,
  type TensorEntry,
} from "./header.ts";
import { formatError, shown } from "./scanner.ts";
import { ARRAYS, DIVERGED, elementSize, firstNonFinite, type Tensor } from "./tensor.ts";

export type { SafetensorsHeader, TensorEntry } from "./header.ts";
export { type Dtype, type Tensor, toFloat32 } from "./tensor.ts";

export interface ReadOptions {
  /** Refuse NaN and infinities in F32, F64, F16 and BF16 tensors. Default false. */
  finite?: boolean;
  /** Give every tensor a buffer of its own, so that the file's can be freed. Default false. */
  copy?: boolean;
}

export interface SafetensorsFile {
  /** In the order of the data. */
  tensors: Map<string, Tensor>;
  /** Without a prototype, so that only what the file says is in it. */
  metadata: Record<string, string>;
}

/** Something that is read by position: a file, or an address that serves ranges. */
export interface RangeSource {
  /** Bytes in all, where known; a file that is cut short is noticed only then. */
  readonly size?: number;
  /** The bytes from `start` to before `end`. */
  read(start: number, end: number): Uint8Array | Promise<Uint8Array>;
}

/**
 * A file in memory, whose tensors follow one another in the order given. Same input, same bytes, on any host.
 * The data starts at a multiple of 8; a tensor after one of odd size does not, as the format allows no gaps.
 *
 * @throws E_FORMAT where name, dtype, shape and data do not fit together or metadata is not a string;
 *   E_MEMORY where the host cannot hold the file
 */
export function writeSafetensors(
  tensors: ReadonlyMap<string, Tensor>,
  metadata: Readonly<Record<string, string>>,
): Uint8Array<ArrayBuffer> {
  const chunks = safetensorsChunks(tensors, metadata);
  const bytes = allocate(chunks.reduce((size, chunk) => size + chunk.length, 0));
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}

/**
 * The same bytes in pieces, header first, for a file or a stream that should not need twice the memory.
 * The pieces after the first are views of the tensors on little-endian hosts: write them before they change.
 */
export function safetensorsChunks(
  tensors: ReadonlyMap<string, Tensor>,
  metadata: Readonly<Record<string, string>>,
): Uint8Array[] {
  const header = encodeHeader(tensors, metadata);
  return [header, ...Array.from(tensors.values(), ({ data }) => littleEndianBytes(data))];
}

/**
 * A whole file. Tensors are views of `bytes` where their alignment allows it, unless `copy` is asked for.
 *
 * @throws E_FORMAT for anything that breaks the format, before any tensor is made
 */
export function readSafetensors(
  source: Uint8Array | ArrayBuffer,
  options: ReadOptions = {},
): SafetensorsFile {
  const bytes = plainBytes(source);
  const header = parseHeader(bytes, bytes.length);
  const tensors = new Map<string, Tensor>();
  for (const [name, entry] of header.tensors)
    tensors.set(name, decodeTensor(name, entry, bytes.subarray(entry.begin, entry.end), options));
  return { tensors, metadata: header.metadata };
}

/**
 * The header alone: two small reads, whatever the size of the file. With its entries, `decodeTensor` and
 * further reads a caller takes just the tensors it needs.
 *
 * @throws E_FORMAT for anything that breaks the format; what `source.read` throws passes through
 */
export async function readSafetensorsHeader(
  source: Uint8Array | ArrayBuffer | Blob | RangeSource,
): Promise<SafetensorsHeader> {
  const { size, read } = rangeSource(source);
  const first = await read(0, size === undefined ? 8 : Math.min(8, size));
  const dataStart = dataStartOf(first, size ?? null);
  const bytes = await read(0, dataStart);
  if (bytes.length !== dataStart)
    throw formatError(`The header takes ${dataStart} bytes, but ${bytes.length} were read`, bytes.length);
  return parseHeader(bytes, size ?? null);
}

/**
 * One tensor from its own bytes, those from `entry.begin` to `entry.end`.
 *
 * @throws E_FORMAT where the number of bytes is another, or where `finite` is asked for and a value is not
 */
export function decodeTensor(
  name: string,
  entry: TensorEntry,
  source: Uint8Array | ArrayBuffer,
  { finite = false, copy = false }: ReadOptions = {},
): Tensor {
  const { dtype, shape } = entry;
  const given = plainBytes(source);
  if (given.length !== entry.end - entry.begin)
    throw formatError(
      `Tensor ${shown(name)} takes ${entry.end - entry.begin} bytes, but ${given.length} were read`,
      given.length,
    );
  const size = elementSize(dtype);
  const host = hostBytes(given, size);
  const bytes = copy || host.byteOffset % size !== 0 ? new Uint8Array(host) : host;
  const data = new ARRAYS[dtype](bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.length / size);
  const tensor = { dtype, shape, data } as Tensor;
  const at = finite ? firstNonFinite(tensor) : -1;
  if (at >= 0)
    throw formatError(
      `Tensor ${shown(name)} has a value that is NaN or infinite at element ${at}`,
      at,
      DIVERGED,
    );
  return tensor;
}

/** Not a Buffer, whose `slice` shares memory. */
function plainBytes(source: Uint8Array | ArrayBuffer): Uint8Array {
  if (!ArrayBuffer.isView(source)) return new Uint8Array(source);
  return new Uint8Array(source.buffer, source.byteOffset, source.byteLength);
}

function rangeSource(source: Uint8Array | ArrayBuffer | Blob | RangeSource): RangeSource {
  if ("read" in source) return { size: source.size, read: (start, end) => source.read(start, end) };
  if ("arrayBuffer" in source)
    return {
      size: source.size,
      read: async (start, end) => new Uint8Array(await source.slice(start, end).arrayBuffer()),
    };
  const bytes = plainBytes(source);
  return { size: bytes.length, read: (start, end) => bytes.subarray(start, end) };
}

/** Bytes for a file. @throws SviError `E_MEMORY` where the host cannot hold it */
export function allocate(size: number): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(size);
  } catch (cause) {
    throw new SviError("E_MEMORY", `The file takes ${size} bytes, more than can be had`, {
      value: size,
      remedy: "Save a smaller model, or write it in pieces",
      cause,
    });
  }
}
