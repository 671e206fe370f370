/** @module What a file is that was given as one of weights, as far as its first bytes tell. */
import { Buffer } from "node:buffer";
import { SviError } from "../errors.ts";
import { packedBy } from "../text/source.ts";

/** What follows "The file is", and what to do about it. */
type Told = readonly [what: string, remedy: string];

const MODEL = "Give a model that svi-lm saved";
const WEIGHTS = "Give a safetensors file of PyTorch's weights";
const TORCH = "Write it by safetensors.torch.save_model(model, file), and give that to svi-lm import";
const ONNX = "Export the weights of its PyTorch model by safetensors.torch.save_model, and import these";

/** Texts of which so many bytes are told by. */
const START = 512;

/** First bytes, from a place on. */
const MAGIC: readonly (readonly [number, string, string, string?])[] = [
  [0, "GGUF", "a GGUF model"],
  [0, "\x89HDF", "an HDF5 file, as Keras writes"],
  [4, "TFL3", "a TensorFlow Lite model"],
  [0, "\x93NUMPY", "a NumPy array"],
  [257, "ustar", "a tar archive", "Unpack it first"],
  [0, "7z\xbc\xaf\x27", "packed by 7-Zip", "Unpack it first"],
  [0, "\0asm", "a WebAssembly module"],
  [0, "\x7fELF", "a program"],
  [0, "%PDF", "a PDF document"],
  [0, "\x89PNG", "a picture"],
  [0, "\xff\xd8\xff", "a picture"],
  [0, "SQLite format 3\0", "an SQLite database"],
];

/** Beginnings of texts that are not meant as such. */
const TEXTS: readonly (readonly [RegExp, string, string?])[] = [
  [
    /^version \S*git-lfs/,
    "a pointer of Git LFS to a file that was not fetched",
    "Fetch the file: git lfs pull",
  ],
  [
    /^\s*<(!doctype|html|\?xml|head)/i,
    "a page of HTML or XML",
    "Download the file itself, not a page about it",
  ],
  [/^\s*[{[]/, "JSON, not a model"],
];

/**
 * What is wrong with a file of weights, said of what it is; the error itself where that says more.
 * @param wanted what the command takes: a model of svi-lm's, or weights to import
 */
export function foreign(error: unknown, bytes: Uint8Array, wanted: "model" | "weights"): unknown {
  if (!(error instanceof SviError) || error.code !== "E_FORMAT") return error;
  const told = looksLike(bytes.subarray(0, START), bytes.length, wanted === "model" ? MODEL : WEIGHTS);
  if (!told) return error;
  const [what, remedy] = told;
  return new SviError("E_FORMAT", `The file is ${what}`, { value: what, remedy, cause: error });
}

/** null for a safetensors file, whatever is wrong with it. */
function looksLike(start: Uint8Array, size: number, wanted: string): Told | null {
  if (size === 0) return ["empty", wanted];
  if (size > 8 && start[8] === 0x7b && start.subarray(4, 8).every((byte) => byte === 0)) return null;
  const latin = Buffer.from(start).toString("latin1");
  return (
    zipped(latin) ??
    packed(start) ??
    binary(latin, wanted) ??
    protocol(start) ??
    text(start, size, wanted) ?? ["neither safetensors nor another kind that its first bytes tell", wanted]
  );
}

function zipped(latin: string): Told | null {
  if (!latin.startsWith("PK\x03\x04")) return null;
  if (latin.includes("/data.pkl") || latin.includes(".data/"))
    return ["a PyTorch file, as torch.save writes", TORCH];
  if (latin.includes(".npy")) return ["an archive of NumPy arrays", "Give their values to modelFromTensors"];
  return ["packed by zip", "Unpack it first; of what torch.save wrote, save the weights as safetensors"];
}

function packed(start: Uint8Array): Told | null {
  const program = packedBy(start);
  return program ? [`packed by ${program}`, "Unpack it first"] : null;
}

function binary(latin: string, wanted: string): Told | null {
  const found = MAGIC.find(([at, magic]) => latin.startsWith(magic, at));
  if (found) return [found[2], found[3] ?? wanted];
  const pickled = latin[0] === "\x80" && latin[1] >= "\x02" && latin[1] <= "\x05";
  return pickled ? ["a Python pickle, as torch.save wrote before 1.6", TORCH] : null;
}

/** A protocol buffer that begins with ONNX's version of the format and its producer's name. */
function protocol([tag, version, next, length, ...name]: Uint8Array): Told | null {
  const letters = name.slice(0, length);
  const named = letters.length === length && letters.every((byte) => byte >= 0x20 && byte < 0x7f);
  return tag === 0x08 && version > 0 && version < 0x20 && next === 0x12 && named
    ? ["an ONNX model", ONNX]
    : null;
}

function text(start: Uint8Array, size: number, wanted: string): Told | null {
  const mark = (start[0] === 0xff && start[1] === 0xfe) || (start[0] === 0xfe && start[1] === 0xff);
  if (mark) return ["a text in UTF-16, not a model", wanted];
  const read = decoded(start, size);
  if (read === null) return null;
  const found = TEXTS.find(([pattern]) => pattern.test(read));
  return found
    ? [found[1], found[2] ?? wanted]
    : ["a text, not a model", `${wanted}; svi-lm train makes one of texts`];
}

/** null for what is not UTF-8 without control characters. */
function decoded(start: Uint8Array, size: number): string | null {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(start, { stream: size > start.length });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: texts have none but these
    return /[\0-\x08\x0e-\x1a\x1c-\x1f]/.test(text) ? null : text;
  } catch {
    return null;
  }
}
