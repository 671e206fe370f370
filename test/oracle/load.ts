import { readFileSync } from "node:fs";

/** A tensor of a dump: F64 for answers, F32 for inputs, I32 for token ids. */
export interface OracleTensor {
  shape: number[];
  data: Float64Array | Float32Array | Int32Array;
}

export interface OracleDump {
  tensors: Map<string, OracleTensor>;
  /** Shapes and constants of the case, as README.md lists them; values are strings. */
  metadata: Record<string, string>;
}

export interface PhiloxAnswers {
  /** Words in hexadecimal, separated by spaces. */
  knownAnswers: { counter: string; key: string; output: string }[];
  /** `words`: blocks 0 … 15; `normals`: elements 0 … 63; `seed` is decimal and may pass 2^53. */
  draws: {
    seed: string;
    step: number;
    stream: number;
    particle: number;
    words: string[];
    normals: number[];
  }[];
}

const ARRAYS = { F64: Float64Array, F32: Float32Array, I32: Int32Array };
interface Entry {
  dtype: keyof typeof ARRAYS;
  shape: number[];
  data_offsets: [number, number];
}

const read = (file: string): Uint8Array => readFileSync(new URL(`./dumps/${file}`, import.meta.url));

/**
 * Reads `dumps/<name>.safetensors`: u64 header length, JSON header, data. Trusts the file, and shares no code
 * with src/, so that a fault there cannot hide itself.
 */
export function loadOracle(name: string): OracleDump {
  const bytes = read(`${name}.safetensors`);
  const headerLength = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const dataStart = 8 + headerLength;
  const { __metadata__: metadata, ...entries } = JSON.parse(
    new TextDecoder().decode(bytes.subarray(8, dataStart)),
  ) as { __metadata__: Record<string, string> } & Record<string, Entry>;
  const tensors = new Map<string, OracleTensor>();
  for (const [tensor, { dtype, shape, data_offsets }] of Object.entries(entries as Record<string, Entry>)) {
    const [begin, end] = data_offsets;
    const copy = bytes.slice(dataStart + begin, dataStart + end); // its own buffer, hence aligned
    tensors.set(tensor, { shape, data: new ARRAYS[dtype](new Uint8Array(copy).buffer) });
  }
  return { tensors, metadata };
}

/** The tensors under `prefix/`, named without it, in the order of the segments. */
export function group(dump: OracleDump, prefix: string): Map<string, OracleTensor> {
  const start = `${prefix}/`;
  const found = [...dump.tensors].filter(([name]) => name.startsWith(start));
  return new Map(found.map(([name, tensor]) => [name.slice(start.length), tensor]));
}

/** Reads `dumps/philox.json`. */
export function loadPhilox(): PhiloxAnswers {
  return JSON.parse(new TextDecoder().decode(read("philox.json"))) as PhiloxAnswers;
}
