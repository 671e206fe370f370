/** @module The header of a safetensors file: what each tensor is and where it lies, checked before any is touched. */
import { CORRUPT, formatError, isIllFormed, JsonScanner, shown } from "./scanner.ts";
import { ARRAYS, type Dtype, elementCount, elementSize, isDtype, type Tensor } from "./tensor.ts";

/** Where a tensor lies: bytes `begin` to before `end`, counted from the start of the file. */
export interface TensorEntry {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

export interface SafetensorsHeader {
  /** In the order of the data. */
  readonly tensors: Map<string, TensorEntry>;
  /** Without a prototype, so that only what the file says is in it. */
  readonly metadata: Record<string, string>;
  /** Bytes before the data, the length itself included. */
  readonly dataStart: number;
  /** Bytes of the whole file. */
  readonly byteLength: number;
}

/** What the reference implementation allows. */
const LARGEST_HEADER = 100_000_000;
const LARGEST_RANK = 64;
const METADATA = "__metadata__";

/**
 * Where the data starts, from the first 8 bytes of a file.
 *
 * @param byteLength the size of the file, or null where it is not known
 */
export function dataStartOf(first: Uint8Array, byteLength: number | null): number {
  if (first.length < 8)
    throw formatError(
      `The file has ${first.length} bytes, fewer than the 8 of its header length`,
      first.length,
    );
  const view = new DataView(first.buffer, first.byteOffset, 8);
  const length = view.getUint32(0, true) + view.getUint32(4, true) * 2 ** 32;
  if (length > LARGEST_HEADER)
    throw formatError(
      `The first 8 bytes are not a header length: ${length} is over ${LARGEST_HEADER}`,
      length,
    );
  if (byteLength !== null && 8 + length > byteLength)
    throw formatError(
      `The header length is ${length} bytes, but only ${byteLength - 8} of the file follow`,
      length,
    );
  return 8 + length;
}

/**
 * @param bytes the file from its start, at least up to the data
 * @param byteLength the size of the file, or null where it is not known
 * @throws E_FORMAT for anything that breaks the format
 */
export function parseHeader(bytes: Uint8Array, byteLength: number | null): SafetensorsHeader {
  const dataStart = dataStartOf(bytes, byteLength);
  const found = scan(decodeUtf8(bytes, dataStart));
  const size = byteLength === null ? null : byteLength - dataStart;
  for (const [name, entry] of found.entries) checkEntry(name, entry, size);
  const inOrder = [...found.entries].sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end);
  const dataEnd = checkCover(inOrder, size);
  const tensors = new Map<string, TensorEntry>();
  for (const [name, entry] of inOrder)
    tensors.set(name, { ...entry, begin: dataStart + entry.begin, end: dataStart + entry.end });
  return { tensors, metadata: found.metadata, dataStart, byteLength: dataStart + dataEnd };
}

function decodeUtf8(bytes: Uint8Array, end: number): string {
  try {
    // Sliced: TextDecoder refuses views of shared memory.
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes.slice(8, end));
  } catch (cause) {
    throw formatError("The header is not valid UTF-8", null, CORRUPT, cause);
  }
}

function scan(text: string) {
  if (text[0] !== "{")
    throw formatError(`The header starts with ${shown(text.slice(0, 20))}, not with {`, text[0]);
  const scanner = new JsonScanner(text);
  const entries = new Map<string, TensorEntry>();
  let metadata: Record<string, string> = Object.create(null);
  scanner.object("the header", (name) => {
    if (name === METADATA) metadata = scanMetadata(scanner);
    else entries.set(name, scanEntry(scanner, name));
  });
  scanner.end();
  return { entries, metadata };
}

function scanMetadata(scanner: JsonScanner): Record<string, string> {
  const metadata: Record<string, string> = Object.create(null);
  scanner.object(METADATA, (key) => {
    metadata[key] = scanner.string(`the metadata ${shown(key)}`);
  });
  return metadata;
}

function scanEntry(scanner: JsonScanner, name: string): TensorEntry {
  const of = `of tensor ${shown(name)}`;
  let dtype: string | undefined;
  let shape: number[] | undefined;
  let offsets: number[] | undefined;
  scanner.object(`the entry ${of}`, (key) => {
    if (key === "dtype") dtype = scanner.string(`the dtype ${of}`);
    else if (key === "shape") shape = scanner.integers(`the shape ${of}`, LARGEST_RANK);
    else if (key === "data_offsets") offsets = scanner.integers(`the pair data_offsets ${of}`, 2);
    else throw formatError(`The entry ${of} has the key ${shown(key)}, which the format does not know`, key);
  });
  if (dtype === undefined || shape === undefined || offsets?.length !== 2)
    throw formatError(`The entry ${of} lacks its dtype, its shape or its two data_offsets`, name);
  if (!isDtype(dtype))
    throw formatError(
      `The dtype ${of} is ${shown(dtype)}`,
      dtype,
      `Convert the tensor to one of ${Object.keys(ARRAYS).join(", ")}`,
    );
  return { dtype, shape, begin: offsets[0], end: offsets[1] };
}

/** `size`: bytes of data in the file. Offsets are still relative to the data. */
function checkEntry(name: string, { dtype, shape, begin, end }: TensorEntry, size: number | null): void {
  const tensor = `Tensor ${shown(name)}`;
  const count = elementCount(shape);
  const needed = count === null ? Number.POSITIVE_INFINITY : count * elementSize(dtype);
  if (!Number.isSafeInteger(needed))
    throw formatError(`${tensor} has the shape [${shape}], whose size overflows`, shape);
  if (begin > end) throw formatError(`${tensor} begins at ${begin}, after its end at ${end}`, [begin, end]);
  if (end - begin !== needed)
    throw formatError(
      `${tensor} takes ${end - begin} bytes, but ${dtype} of shape [${shape}] takes ${needed}`,
      [begin, end],
    );
  if (size !== null && end > size)
    throw formatError(
      `${tensor} ends at byte ${end} of the data, but the file has ${size}`,
      end,
      "The file was cut short; give it as it was saved",
    );
}

/** No overlap, no gap, nothing left over. Returns the bytes of data. */
function checkCover(inOrder: [string, TensorEntry][], size: number | null): number {
  let covered = 0;
  for (const [name, { begin, end }] of inOrder) {
    const tensor = `Tensor ${shown(name)}`;
    if (begin < covered)
      throw formatError(
        `${tensor} begins at byte ${begin}, within the tensor that ends at ${covered}`,
        begin,
      );
    if (begin > covered)
      throw formatError(`${tensor} begins at byte ${begin}, which leaves a gap after ${covered}`, begin);
    covered = end;
  }
  if (size !== null && size > covered)
    throw formatError(`The file has ${size - covered} bytes after its last tensor`, size - covered);
  return covered;
}

/**
 * The first bytes of a file, up to its data, whose start is a multiple of 8.
 *
 * @throws E_FORMAT for tensors and metadata that no reader would take
 */
export function encodeHeader(
  tensors: ReadonlyMap<string, Tensor>,
  metadata: Readonly<Record<string, string>>,
): Uint8Array<ArrayBuffer> {
  const parts: string[] = [];
  const pairs = Object.entries(metadata).map(([key, value]) => {
    requireText(value, `The metadata ${shown(key)}`);
    return `${quoted(key)}:${quoted(value)}`;
  });
  if (pairs.length > 0) parts.push(`${quoted(METADATA)}:{${pairs.join(",")}}`);
  let offset = 0;
  for (const [name, tensor] of tensors) {
    requireTensor(name, tensor);
    const end = offset + tensor.data.byteLength;
    const { dtype, shape } = tensor;
    parts.push(`${quoted(name)}:${JSON.stringify({ dtype, shape, data_offsets: [offset, end] })}`);
    offset = end;
  }
  return framed(new TextEncoder().encode(`{${parts.join(",")}}`));
}

/** The length, the header, and spaces up to a multiple of 8. */
function framed(json: Uint8Array): Uint8Array<ArrayBuffer> {
  const length = Math.ceil(json.length / 8) * 8;
  if (length > LARGEST_HEADER)
    throw formatError(
      `The header takes ${length} bytes, more than ${LARGEST_HEADER}`,
      length,
      "Give less metadata or fewer tensors",
    );
  const bytes = new Uint8Array(8 + length).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
  bytes.set(json, 8);
  return bytes;
}

function quoted(text: string): string {
  requireText(text, shown(text));
  return JSON.stringify(text);
}

function requireText(text: unknown, what: string): void {
  if (typeof text !== "string")
    throw formatError(
      `${what} is a ${typeof text}`,
      text,
      "Give a string: the format has nothing else there",
    );
  if (isIllFormed(text))
    throw formatError(`${what} has half a surrogate pair`, text, "Give well-formed Unicode");
}

function requireTensor(name: string, { dtype, shape, data }: Tensor): void {
  const tensor = `Tensor ${shown(name)}`;
  if (name === METADATA) throw formatError(`${tensor} has a reserved name`, name, "Give it another name");
  if (!isDtype(dtype) || !(data instanceof ARRAYS[dtype]))
    throw formatError(
      `${tensor} is given as ${String(dtype)}, which its array does not hold`,
      dtype,
      "Give an array of that type",
    );
  const valid = shape.length <= LARGEST_RANK && shape.every((d) => Number.isSafeInteger(d) && d >= 0);
  if (!valid || elementCount(shape) !== data.length)
    throw formatError(
      `${tensor} has the shape [${shape}] and ${data.length} elements`,
      shape,
      "Give a shape whose product is the number of elements",
    );
}
