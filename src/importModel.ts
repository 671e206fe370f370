/**
 * @module A model of weights that were trained elsewhere, under the names of a PyTorch state_dict. Sizes follow from
 * shapes; a tensor without a place is refused, since the model would not say what the other one says.
 */
import { SviError } from "./errors.ts";
import { type BytesSource, readAll } from "./formats/bytes.ts";
import { readSafetensors, toFloat32 } from "./formats/safetensors.ts";
import type { Kernels } from "./kernels/kernels.ts";
import { LanguageModel } from "./languageModel.ts";
import { configureModel, type ModelOptions } from "./model/configuration.ts";
import { CELLS, type CellName } from "./model/layers/cells.ts";
import { type Layout, layoutOf } from "./model/layout.ts";
import { finish } from "./model/work.ts";
import { type Kinds, requireOptions, shown } from "./options.ts";
import { requireTokenizer } from "./text/checks.ts";
import type { Tokenizer } from "./text/types.ts";

/** Values of a tensor, row-major: as many as the product of the shape. */
export interface TensorValues {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}

/** What a model is made of, by the names of its modules, such as `encoder` or `model.rnn`. */
export interface PartNames {
  /** The `nn.Embedding`. */
  readonly embedding?: string;
  /** The `nn.LSTM` or `nn.GRU`. */
  readonly recurrent?: string;
  /** Where tied weights are not as wide as the hidden layer: an `nn.Linear` without a bias. */
  readonly projection?: string;
  /** The `nn.Linear` that makes the logits, or an `nn.AdaptiveLogSoftmaxWithLoss`. */
  readonly output?: string;
}

export interface TensorOptions {
  /** The tokenizer that the model was trained with, of as many ids as the embedding has rows. */
  readonly tokenizer: Tokenizer;
  /** Names of modules, where they are not usual ones. */
  readonly names?: PartNames;
  /** As for `LanguageModel.create`. */
  readonly kernels?: Kernels;
}

export interface ImportOptions extends TensorOptions {
  readonly signal?: AbortSignal;
}

const TENSORS: Kinds<TensorOptions> = { tokenizer: "any", names: "object", kernels: "kernels" };
const IMPORT: Kinds<ImportOptions> = { ...TENSORS, signal: "signal" };
const NAMES: Kinds<PartNames> = {
  embedding: "string",
  recurrent: "string",
  projection: "string",
  output: "string",
};

/** Modules are often called so; of a recurrent one the tensors' own names tell it. */
const USUAL = {
  embedding: ["embedding", "embed", "emb", "encoder"],
  projection: ["projection", "proj"],
  output: ["output", "decoder", "linear", "fc", "lm_head"],
} as const;

/** Of recurrent modules alone. */
const RECURRENT = /(weight|bias)_(ih|hh)_l\d+$/;
const BIAS = /(^|\.)bias(_|$)/;
const UNKNOWN_FORMS: readonly (readonly [RegExp, string])[] = [
  [/_l\d+_reverse$/, "is of a bidirectional layer, which reads what it is to predict"],
  [/weight_hr_l\d+$/, "is of an LSTM with proj_size"],
];
const MODULES =
  "Give the state_dict of an nn.Embedding, an nn.LSTM or nn.GRU and an nn.Linear, or say in `names` what they are called";

/** A tensor that values are taken of once all shapes are known to fit. */
interface Found {
  readonly shape: readonly number[];
  values(): Float32Array;
}

type Tensors = ReadonlyMap<string, Found>;
/** What stands before the names of each part's tensors, dots included; null where there is none. */
type Parts = { readonly [K in keyof Required<PartNames>]: string | null };

/**
 * A model from a safetensors file of PyTorch's, such as `safetensors.torch.save_model` writes. It is as after
 * training by maximum likelihood: predictions are those of the file's weights.
 *
 * ```ts
 * import { readFile } from "node:fs/promises";
 *
 * const file = await readFile("whale.safetensors");
 * const imported = await importModel(file, { tokenizer: byteTokenizer() });
 * console.log(imported.configuration.cell, imported.parameters);
 * ```
 *
 * @throws SviError `E_FORMAT` for a tensor that is missing, too many or of another shape; `E_VOCABULARY_MISMATCH`
 *   where the tokenizer has another number of ids than the embedding has rows
 */
export async function importModel(source: BytesSource, options: ImportOptions): Promise<LanguageModel> {
  const { signal, ...rest } = requireOptions("importModel", options, IMPORT);
  requireTokenizer(rest.tokenizer);
  const bytes = await readAll(source, { signal });
  if (bytes[0] === 0x50 && bytes[1] === 0x4b)
    throw new SviError("E_FORMAT", "The file is a zip archive, as torch.save writes", {
      value: "PK",
      remedy: "Write it by safetensors.torch.save_model(model, file)",
    });
  const { tensors, metadata } = readSafetensors(bytes);
  if (metadata.format === "svi-lm")
    throw new SviError("E_FORMAT", "The file is a model that svi-lm saved", {
      value: metadata.format,
      remedy: "Read it by LanguageModel.load",
    });
  const found = Array.from(tensors, ([name, tensor]): [string, Found] => [
    name,
    { shape: tensor.shape, values: () => toFloat32(name, tensor) },
  ]);
  return assemble(new Map(found), rest);
}

/**
 * The same from tensors at hand.
 *
 * ```ts
 * const zeros = (...shape: number[]) => ({ shape, data: new Float32Array(shape.reduce((a, b) => a * b)) });
 * const tensors = {
 *   "embedding.weight": zeros(256, 4),
 *   "gru.weight_ih_l0": zeros(24, 4),
 *   "gru.weight_hh_l0": zeros(24, 8),
 *   "output.weight": zeros(256, 8),
 * };
 * const indifferent = await modelFromTensors(tensors, { tokenizer: byteTokenizer() });
 * console.log(indifferent.parameters);
 * ```
 *
 * @param tensors by their names in a PyTorch state_dict
 * @throws SviError as `importModel`
 */
export async function modelFromTensors(
  tensors: ReadonlyMap<string, TensorValues> | Readonly<Record<string, TensorValues>>,
  options: TensorOptions,
): Promise<LanguageModel> {
  requireOptions("modelFromTensors", options, TENSORS);
  requireTokenizer(options.tokenizer);
  const entries = tensors instanceof Map ? [...tensors] : Object.entries(tensors ?? {});
  const found = entries.map(([name, tensor]): [string, Found] => [name, given(name, tensor)]);
  return assemble(new Map(found), options);
}

function given(name: string, tensor: TensorValues): Found {
  const { shape, data } = (tensor ?? {}) as Partial<TensorValues>;
  const size = Array.isArray(shape) ? shape.reduce((product, n) => product * n, 1) : Number.NaN;
  if (data?.length !== size)
    throw new SviError(
      "E_FORMAT",
      `Tensor ${name} has ${String(data?.length)} values for ${shapeText(shape)}`,
      {
        value: shape,
        remedy: "Give { shape, data } with as many values as the product of the shape",
      },
    );
  const values = Float32Array.from(data!);
  return { shape: shape!, values: () => toFloat32(name, { dtype: "F32", shape: shape!, data: values }) };
}

/** What svi-lm itself writes beside the weights: it says nothing without its metadata, which other programs drop. */
const OWN = /^(posterior|training)\//;

async function assemble(
  all: Tensors,
  { tokenizer, names = {}, kernels }: TensorOptions,
): Promise<LanguageModel> {
  requireOptions("names", names, NAMES);
  const tensors = new Map([...all].filter(([name]) => !OWN.test(name)));
  for (const name of tensors.keys())
    for (const [form, what] of UNKNOWN_FORMS)
      if (form.test(name))
        throw new SviError("E_FORMAT", `Tensor ${name} ${what}`, { value: name, remedy: MODULES });
  const parts = partsOf(tensors, names);
  const sizes = sizesOf(tensors, parts);
  const layout = layoutOf(configureModel(tokenizer.vocabularySize, sizes));
  const sources = sourcesOf(tensors, parts, layout);
  const model = await LanguageModel.create({ tokenizer, ...sizes, kernels });
  const mean = new Float32Array(layout.length);
  for (const [name, offset] of sources) mean.set(tensors.get(name)!.values(), offset);
  finish(model.posterior.assign(mean, null, null));
  return model;
}

function partsOf(tensors: Tensors, names: PartNames): Parts {
  const recurrent = [...tensors.keys()].filter((name) => name.endsWith("weight_ih_l0"));
  const others = [...tensors.keys()].filter((name) => !RECURRENT.test(name));
  const find = (part: keyof typeof USUAL) => {
    const usual = new RegExp(`^((?:.*\\.)?(?:${USUAL[part].join("|")})\\.)(?=weight|bias|head|tail)`);
    return only(part, names[part], [...new Set(others.flatMap((name) => usual.exec(name)?.[1] ?? []))]);
  };
  const [embedding, output] = [find("embedding"), find("output")];
  const before = (name: string) => name.slice(0, -"weight_ih_l0".length);
  return {
    // Of weights that are tied, a file has one, under either name.
    embedding: embedding ?? (tensors.has(`${output}weight`) ? output : null),
    recurrent: only("recurrent", names.recurrent, recurrent.map(before)),
    projection: find("projection"),
    output,
  };
}

function only(part: keyof PartNames, named: string | undefined, usual: readonly string[]): string | null {
  if (named !== undefined) return named === "" ? "" : `${named}.`;
  if (usual.length < 2) return usual[0] ?? null;
  const all = usual.map((prefix) => prefix.slice(0, -1) || '""').join(" and ");
  throw new SviError("E_FORMAT", `Both ${all} may be the ${part}`, {
    option: "names",
    value: usual,
    remedy: `Say which one it is: names: { ${part}: … }`,
  });
}

/** What the shapes of a few tensors say of the model; whether the others agree is seen later. */
function sizesOf(tensors: Tensors, parts: Parts): ModelOptions {
  const { recurrent, output } = parts;
  if (recurrent === null)
    throw new SviError("E_FORMAT", "There is no tensor weight_ih_l0, as an nn.LSTM or nn.GRU has", {
      value: [...tensors.keys()].slice(0, 20),
      remedy: MODULES,
    });
  if (output === null)
    throw new SviError("E_FORMAT", "There is no output layer among the tensors", {
      value: [...tensors.keys()].slice(0, 20),
      remedy:
        "Say what it is called: names: { output: … }; one that is tied and without a bias as the embedding is",
    });
  const [, embedding] = matrix(tensors, `${recurrent}weight_ih_l0`, "[gates · hidden, embedding]");
  const [rows, hidden] = matrix(tensors, `${recurrent}weight_hh_l0`, "[4 · hidden, hidden], or 3 · hidden");
  const cell = Object.keys(CELLS).find((name) => CELLS[name as CellName].gates * hidden === rows);
  if (!cell) throw misfit(tensors, `${recurrent}weight_hh_l0`, `[${4 * hidden}, ${hidden}]`);
  let layers = 1;
  while (tensors.has(`${recurrent}weight_ih_l${layers}`)) layers++;
  const cutoffs = cutoffsOf(tensors, output);
  return {
    embedding,
    hidden,
    layers,
    cell: cell as CellName,
    tied: !cutoffs && (parts.embedding === output || !tensors.has(`${output}weight`)),
    ...(cutoffs && { softmax: "adaptive", cutoffs }),
  };
}

function matrix(tensors: Tensors, name: string, expected: string): readonly number[] {
  const shape = tensors.get(name)?.shape;
  if (shape?.length === 2 && shape.every((n) => n > 0)) return shape;
  throw misfit(tensors, name, expected);
}

/** First ids of an adaptive softmax's clusters; null for a full one. */
function cutoffsOf(tensors: Tensors, output: string): number[] | null {
  if (!tensors.has(`${output}head.weight`)) return null;
  const sizes: number[] = [];
  for (let i = 0; tensors.has(`${output}tail.${i}.1.weight`); i++)
    sizes.push(matrix(tensors, `${output}tail.${i}.1.weight`, "[tokens of the tail, its width]")[0]);
  const [head] = matrix(tensors, `${output}head.weight`, "[tokens of the head + tails, hidden]");
  const cutoffs = [head - sizes.length];
  for (const size of sizes.slice(0, -1)) cutoffs.push(cutoffs.at(-1)! + size);
  return cutoffs;
}

/**
 * Where each tensor goes; biases that a part does without are zeros.
 * @throws SviError `E_FORMAT`, `E_VOCABULARY_MISMATCH`
 */
function sourcesOf(tensors: Tensors, parts: Parts, layout: Layout): Map<string, number> {
  const sources = new Map<string, number>();
  const biases = [...tensors.keys()].filter((name) => BIAS.test(name));
  const without = (prefix: string, recurrent: boolean) =>
    !biases.some((name) => name.startsWith(prefix) && RECURRENT.test(name) === recurrent);
  const wanted = layout.segments.map((segment) => {
    const [part, ...rest] = segment.name.split(".");
    const recurrent = part in CELLS;
    const prefix = parts[(recurrent ? "recurrent" : part) as keyof Parts] ?? `${part}.`;
    return { ...segment, recurrent, prefix, source: prefix + rest.join(".") };
  });
  const known = new Set(wanted.map(({ source }) => source));
  for (const name of tensors.keys())
    if (!known.has(name))
      throw new SviError(
        "E_FORMAT",
        `Tensor ${name} of shape ${shapeText(tensors.get(name)!.shape)} has no place in a model of svi-lm`,
        { value: name, remedy: MODULES },
      );
  for (const { name, shape, offset, bias, recurrent, prefix, source } of wanted) {
    const found = tensors.get(source)?.shape;
    if (bias && !found && without(prefix, recurrent)) continue;
    if (found?.length !== shape.length || found.some((n, i) => n !== shape[i]))
      throw misfit(tensors, source, shapeText(shape), name === "embedding.weight" ? shape : undefined);
    sources.set(source, offset);
  }
  return sources;
}

function misfit(tensors: Tensors, name: string, expected: string, table?: readonly number[]): SviError {
  const value = tensors.get(name)?.shape;
  const problem = value
    ? `Tensor ${name} has shape ${shapeText(value)}, not ${expected}`
    : `Tensor ${name} is missing, of shape ${expected}`;
  if (value && table && value[1] === table[1])
    return new SviError("E_VOCABULARY_MISMATCH", problem, {
      value,
      remedy: `Give the tokenizer that the model was trained with, of ${value[0]} ids`,
    });
  return new SviError("E_FORMAT", problem, { value, remedy: MODULES });
}

function shapeText(shape: readonly number[] | undefined): string {
  return Array.isArray(shape) ? `[${shape.join(", ")}]` : shown(shape);
}
