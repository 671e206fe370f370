/** @module A model as one safetensors file: means under PyTorch's names, then precisions, then training state. */
import { SviError } from "../errors.ts";
import { littleEndianBytes } from "../formats/endian.ts";
import {
  allocate,
  readSafetensors,
  safetensorsChunks,
  type Tensor,
  toFloat32,
} from "../formats/safetensors.ts";
import { Sha256 } from "../formats/sha256.ts";
import { configureModel, type ModelConfiguration } from "../model/configuration.ts";
import { CELLS } from "../model/layers/cells.ts";
import { type Layout, layoutOf } from "../model/layout.ts";
import { Posterior } from "../model/posterior.ts";
import { finish, type Slices, Work } from "../model/work.ts";
import type { Model } from "../prediction/model.ts";
import type { Documents } from "../text/scoring.ts";
import { tokenizerFromDescription } from "../text/tokenizer.ts";
import type { JsonTokenizerReader } from "../text/types.ts";

/** Grows when a reader of the old form could not read the new one: 2 has attention, which 1 would leave out. */
const FORMAT_VERSION = 1;
const ATTENTION_VERSION = 2;
const PRECISION = "posterior/precision/";
/** Bytes that are copied at a time, and operations that take as long as one of them. */
const PIECE = 2 ** 21;
const COPY = 15;
/** Operations that take as long as to check and copy a weight. */
const READ = 60;

/** Segments of a flat vector as tensors, each under prefix + name. */
function segmentsOf(layout: Layout, flat: Float32Array, prefix: string, wanted = (_bias: boolean) => true) {
  return layout.segments
    .filter((s) => wanted(s.bias))
    .map((s): [string, Tensor] => [
      prefix + s.name,
      {
        dtype: "F32",
        shape: s.shape,
        data: flat.subarray(s.offset, s.offset + s.size) as Float32Array<ArrayBuffer>,
      },
    ]);
}

/** What a run to be resumed adds to a file. */
export interface Training {
  readonly arrays: ReadonlyMap<string, Float32Array>;
  readonly metadata: string;
}

/** The file: means, precisions of the weights (biases have none), training state. */
export function writeModel(model: Model, training?: Training): Uint8Array<ArrayBuffer> {
  return finish(composeModel(model, training));
}

/** The same in slices; the weights must not change meanwhile. */
export function* composeModel(model: Model, training?: Training): Slices<Uint8Array<ArrayBuffer>> {
  const { posterior, tokenizer } = model;
  const { layout, mean, precision, lambda, configuration } = posterior;
  const tensors = new Map<string, Tensor>(segmentsOf(layout, mean, ""));
  if (precision)
    for (const [name, tensor] of segmentsOf(layout, precision, PRECISION, (bias) => !bias))
      tensors.set(name, tensor);
  for (const [name, data] of training?.arrays ?? [])
    tensors.set(`training/${name}`, {
      dtype: "F32",
      shape: [data.length],
      data: data as Float32Array<ArrayBuffer>,
    });
  const metadata: Record<string, string> = {
    format: "svi-lm",
    formatVersion: String(configuration.attention ? ATTENTION_VERSION : FORMAT_VERSION),
    model: JSON.stringify(configuration),
    tokenizer: JSON.stringify(tokenizer.describe()),
    lambda: JSON.stringify(lambda),
  };
  if (model.documents) metadata.documents = JSON.stringify(model.documents);
  if (training) metadata.training = training.metadata;
  const chunks = safetensorsChunks(tensors, metadata);
  const file = allocate(chunks.reduce((size, chunk) => size + chunk.length, 0));
  const work = new Work();
  let offset = 0;
  for (const chunk of chunks) {
    yield* work.parts(chunk.length, PIECE, COPY, (from, size) => {
      file.set(chunk.subarray(from, from + size), offset + from);
    });
    offset += chunk.length;
  }
  return file;
}

export interface ModelFile extends Model {
  /** Arrays and metadata of a run that the file was saved from, where it holds any. */
  readonly training: { arrays: Map<string, Float32Array>; metadata: string } | null;
}

/**
 * Reads what `writeModel` wrote; nothing in it is trusted.
 * @throws SviError `E_FORMAT`, `E_VERSION`, `E_TOKENIZER`, `E_VOCABULARY_MISMATCH`
 */
export function readModel(bytes: Uint8Array, options?: { json?: JsonTokenizerReader }): ModelFile {
  return finish(openModel(bytes, options));
}

/** The same in slices: a file may hold hundreds of megabytes. */
export function* openModel(
  bytes: Uint8Array,
  options: { json?: JsonTokenizerReader } = {},
): Slices<ModelFile> {
  const { tensors, metadata } = readSafetensors(bytes);
  requireFormat(metadata);
  const configuration = readConfiguration(metadata);
  const tokenizer = tokenizerFromDescription(parse(metadata, "tokenizer"), options);
  if (tokenizer.vocabularySize !== configuration.vocabulary)
    throw new SviError(
      "E_VOCABULARY_MISMATCH",
      `The file's tokenizer has ${tokenizer.vocabularySize} ids, its model ${configuration.vocabulary}`,
      { value: tokenizer.vocabularySize, remedy: "Use a file that svi-lm wrote" },
    );
  const layout = layoutOf(configuration);
  const work = new Work();
  const mean = yield* readFlat(work, tensors, layout, "", () => true);
  const known = [...tensors.keys()].some((name) => name.startsWith(PRECISION));
  const precision = known ? yield* readFlat(work, tensors, layout, PRECISION, (bias) => !bias) : null;
  const lambda = parse(metadata, "lambda");
  return {
    posterior: new Posterior(
      configuration,
      mean,
      precision,
      typeof lambda === "number" && lambda > 0 ? lambda : null,
    ),
    tokenizer,
    documents: readDocuments(metadata, configuration),
    training: readTraining(tensors, metadata),
  };
}

function readConfiguration(metadata: Record<string, string>): ModelConfiguration {
  const described = parse(metadata, "model") as Partial<ModelConfiguration> | null;
  const known = Object.keys(CELLS).join(", ");
  if (typeof described?.cell === "string" && !Object.hasOwn(CELLS, described.cell))
    throw new SviError(
      "E_FORMAT",
      `The file's model is made of ${described.cell.slice(0, 40)} cells, this version knows ${known}`,
      { value: described.cell, remedy: "Install the version of svi-lm that wrote the file" },
    );
  try {
    if (typeof described?.tied === "boolean")
      return configureModel(described.vocabulary as number, described);
  } catch {
    // A size that is out of range; told below, since the remedy is not another option.
  }
  throw new SviError("E_FORMAT", "The file's model is not one that svi-lm can have written", {
    value: metadata.model.slice(0, 80),
    remedy: "Give a file that svi-lm saved",
  });
}

/** Files from before there were any have none. */
function readDocuments(
  metadata: Record<string, string>,
  { vocabulary }: ModelConfiguration,
): Documents | null {
  if (metadata.documents === undefined) return null;
  const { separator, after } = (parse(metadata, "documents") ?? {}) as Partial<Documents>;
  const isId = (id: unknown) => Number.isInteger(id) && (id as number) >= 0 && (id as number) < vocabulary;
  if (isId(separator) && (after === null || (isId(after) && after !== separator)))
    return Object.freeze({ separator: separator!, after: after! });
  throw new SviError("E_FORMAT", "The file's documents are not ones that svi-lm can have written", {
    value: metadata.documents.slice(0, 80),
    remedy: "Give a file that svi-lm saved",
  });
}

function requireFormat(metadata: Record<string, string>): void {
  if (metadata.format !== "svi-lm")
    throw new SviError("E_FORMAT", `The file's format is ${metadata.format ?? "not given"}`, {
      value: metadata.format,
      remedy: "Give a file that svi-lm saved; importModel reads PyTorch's",
    });
  if (![FORMAT_VERSION, ATTENTION_VERSION].map(String).includes(metadata.formatVersion))
    throw new SviError("E_VERSION", `The file has format version ${metadata.formatVersion}`, {
      value: metadata.formatVersion,
      remedy: `This version of svi-lm reads ${FORMAT_VERSION} and ${ATTENTION_VERSION}; install the one that wrote the file`,
    });
}

function parse(metadata: Record<string, string>, name: string): unknown {
  try {
    return JSON.parse(metadata[name] ?? "");
  } catch (cause) {
    throw new SviError("E_FORMAT", `The file's ${name} is not JSON`, {
      value: metadata[name]?.slice(0, 80),
      remedy: "Give a file that svi-lm saved",
      cause,
    });
  }
}

function* readFlat(
  work: Work,
  tensors: ReadonlyMap<string, Tensor>,
  layout: Layout,
  prefix: string,
  wanted: (bias: boolean) => boolean,
): Slices<Float32Array> {
  const segments = layout.segments.filter((s) => wanted(s.bias));
  // All shapes before any memory: then no more is taken than the file itself has.
  for (const s of segments) {
    const name = prefix + s.name;
    const tensor = tensors.get(name);
    if (!tensor || tensor.shape.length !== s.shape.length || tensor.shape.some((n, i) => n !== s.shape[i]))
      throw new SviError(
        "E_FORMAT",
        `Tensor ${name} has shape [${tensor?.shape ?? "missing"}], not [${s.shape}]`,
        {
          value: tensor?.shape,
          remedy: "Give a file that svi-lm saved",
        },
      );
  }
  const flat = new Float32Array(layout.length);
  for (const s of segments) {
    flat.set(toFloat32(prefix + s.name, tensors.get(prefix + s.name)!), s.offset);
    if (prefix === PRECISION) requirePositive(prefix + s.name, flat.subarray(s.offset, s.offset + s.size));
    yield* work.spend(READ * s.size);
  }
  return flat;
}

function requirePositive(name: string, precision: Float32Array): void {
  if (allPositive(precision)) return;
  const value = precision.find((each) => !(each > 0));
  throw new SviError("E_FORMAT", `Tensor ${name} holds ${value}`, {
    value,
    remedy: "Give a file that svi-lm saved: precisions are above 0",
  });
}

/** Of finite numbers. Those above 0 are the ones whose bits are so as integers; clamped to bytes, the others are 0. */
function allPositive(values: Float32Array): boolean {
  const bits = new Int32Array(values.buffer, values.byteOffset, values.length);
  return !new Uint8ClampedArray(bits).includes(0);
}

function readTraining(tensors: ReadonlyMap<string, Tensor>, metadata: Record<string, string>) {
  if (metadata.training === undefined) return null;
  const arrays = new Map<string, Float32Array>();
  for (const [name, tensor] of tensors)
    if (name.startsWith("training/")) arrays.set(name.slice("training/".length), toFloat32(name, tensor));
  return { arrays, metadata: metadata.training };
}

/**
 * SHA-256 of the posterior in canonical form: mean, then precision of the weights, little-endian float32,
 * unpadded, in the order of the segments. The same run has the same hash on every runtime.
 */
export function hashPosterior(posterior: Posterior): string {
  return finish(hashing(posterior));
}

/** The same in slices. */
export function* hashing({ layout, mean, precision }: Posterior, hash: Hash = new Sha256()): Slices<string> {
  const work = new Work();
  const weights = precision ? segmentsOf(layout, precision, "", (bias) => !bias) : [];
  for (const [, { data }] of [...segmentsOf(layout, mean, ""), ...weights]) {
    hash.update(littleEndianBytes(data as Float32Array<ArrayBuffer>));
    yield* work.spend(READ * data.length);
  }
  return hash.hex();
}

/** Takes SHA-256: our own anywhere, a host's where it is faster. */
interface Hash {
  update(bytes: Uint8Array): void;
  hex(): string;
}

/** SHA-256, in hexadecimal, of numbers as little-endian float32. */
export function hashFloats(parts: readonly Float32Array[]): string {
  const hash = new Sha256();
  for (const part of parts) hash.update(littleEndianBytes(part as Float32Array<ArrayBuffer>));
  return hash.hex();
}
