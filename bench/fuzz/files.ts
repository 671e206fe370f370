/** @module Model files and checkpoints: safetensors with a header of JSON, in which JSON lies as text. */
import fc from "fast-check";
import {
  Corpus,
  characterTokenizer,
  fit,
  importModel,
  ivon,
  LanguageModel,
  wordTokenizer,
} from "../../src/entries/index.ts";
import { readSafetensors, writeSafetensors } from "../../src/formats/safetensors.ts";
import { readCheckpoint } from "../../src/training/checkpoint.ts";
import { readModel, writeModel } from "../../src/training/modelFile.ts";
import { fileOf } from "../../test/formats/hostile.ts";
import { type Boundary, must, refusedOrRead } from "./boundary.ts";
import { type Json, mutateBytes, mutateJson, mutateText } from "./mutate.ts";
import type { Random } from "./random.ts";

const TEXT = "a whale is a fish is a whale ";
const characters = characterTokenizer({ characters: "aefhilsw ", unknown: true });
const words = wordTokenizer({ words: ["a", "whale", "is", "fish"] });
const kinds = [
  { tokenizer: characters },
  { tokenizer: characters, layers: 2, cell: "gru" },
  { tokenizer: words, tied: true },
  { tokenizer: characters, tied: true, embedding: 3 },
  { tokenizer: words, softmax: "adaptive", cutoffs: [2] },
] as const;

/** Files of models, each after a step of training; and the checkpoints of those runs. */
async function written(): Promise<{ models: Uint8Array[]; checkpoints: Uint8Array[] }> {
  const [models, checkpoints]: Uint8Array[][] = [[], []];
  for (const kind of kinds) {
    const model = await LanguageModel.create({ embedding: 4, hidden: 4, ...kind });
    const corpus = await Corpus.open(TEXT, { tokenizer: kind.tokenizer });
    const save = (bytes: Uint8Array) => void checkpoints.push(bytes);
    const options = { batch: 1, sequence: 2, inference: ivon(), checkpoint: { every: 1, save } };
    for await (const _ of fit(model, corpus, options)) break;
    models.push(model.toBytes());
  }
  return { models, checkpoints };
}

/** A header by itself, what in it is JSON as such, and the data behind it. */
interface Opened {
  readonly bytes: Uint8Array;
  readonly header: Record<string, Json>;
  readonly data: Uint8Array;
}

function open(bytes: Uint8Array): Opened {
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const header = JSON.parse(Buffer.from(bytes.subarray(8, 8 + length)).toString());
  const metadata = header.__metadata__ as Record<string, string>;
  for (const name of ["model", "tokenizer", "lambda", "training"])
    if (metadata[name] !== undefined) metadata[name] = JSON.parse(metadata[name]);
  return { bytes, header, data: bytes.subarray(8 + length) };
}

function close({ data }: Opened, json: string): Uint8Array {
  const text = new TextEncoder().encode(json);
  const bytes = fileOf(text, data.length);
  bytes.set(data, 8 + text.length);
  return bytes;
}

function sealed(header: Json): string {
  const metadata = (header as Record<string, Json> | null)?.__metadata__;
  if (typeof metadata !== "object" || metadata === null) return JSON.stringify(header);
  const texts = Object.entries(metadata).map(([name, value]) => [
    name,
    typeof value === "object" ? JSON.stringify(value) : value,
  ]);
  return JSON.stringify({ ...(header as object), __metadata__: Object.fromEntries(texts) });
}

/** A file in which something is wrong, as a rule. */
function damaged(random: Random, opened: Opened): Uint8Array {
  const kind = random.below(8);
  if (kind < 2) return mutateBytes(random, opened.bytes);
  if (kind === 2) {
    const bytes = opened.bytes.slice();
    const length = [
      0n,
      1n,
      BigInt(bytes.length),
      BigInt(random.bits()),
      2n ** 53n,
      2n ** 63n,
      2n ** 64n - 1n,
    ];
    new DataView(bytes.buffer).setBigUint64(0, random.pick(length), true);
    return bytes;
  }
  if (kind === 3) return close(opened, mutateText(random, sealed(opened.header)));
  const { __metadata__: metadata } = opened.header;
  const header = random.once(2)
    ? mutateJson(random, opened.header)
    : { ...opened.header, __metadata__: mutateJson(random, metadata) };
  return close(opened, sealed(header));
}

/** One in so many of those that are read is also used: kernels cost more than reading. */
const USED = 64;

export const modelFiles: Boundary = {
  name: "model files",
  async prepare() {
    const models = (await written()).models.map(open);
    return (random) => {
      const bytes = damaged(random, random.pick(models));
      const read = refusedOrRead(() => {
        const model = readModel(bytes);
        must(model.posterior.mean.length < 64 * bytes.length, "the weights are larger than the file");
        if (random.once(8)) refusedOrRead(() => readModel(writeModel(model)));
      });
      if (read && random.once(USED)) return used(bytes);
    };
  },
  property: fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
    refusedOrRead(() => readSafetensors(bytes, { finite: true }));
  }) as fc.IRawProperty<unknown>,
};

/** A model that was read must also score. */
async function used(bytes: Uint8Array): Promise<void> {
  const model = await LanguageModel.load(bytes);
  await model.score("a whale");
  model.dispose();
}

/** The same tensors as others would save them: the means alone, under names of PyTorch's examples. */
function foreign(bytes: Uint8Array): Opened {
  const { tensors } = readSafetensors(bytes);
  const means = [...tensors].filter(([name]) => !name.includes("/"));
  const renamed = means.map(([name, tensor]): [string, typeof tensor] => [
    name.replace("embedding.", "encoder.").replace(/^(lstm|gru)/, "rnn"),
    tensor,
  ]);
  return open(writeSafetensors(new Map(renamed), { format: "pt" }));
}

export const importedFiles: Boundary = {
  name: "files of PyTorch's",
  async prepare() {
    const files = (await written()).models.map(foreign);
    return async (random) => {
      const which = random.below(kinds.length);
      const bytes = damaged(random, files[which]);
      const model = await importModel(bytes, { tokenizer: kinds[which].tokenizer });
      must(model.posterior.mean.length < 64 * bytes.length, "the weights are larger than the file");
      if (random.once(USED)) await model.score("a whale");
      model.dispose();
    };
  },
};

export const checkpoints: Boundary = {
  name: "checkpoints",
  async prepare() {
    const files = (await written()).checkpoints.map(open);
    return (random) => {
      const which = random.below(kinds.length);
      const bytes = damaged(random, files[which]);
      const read = refusedOrRead(() => readCheckpoint(bytes, kinds[which].tokenizer));
      if (read && random.once(USED)) return resumed(bytes, which);
    };
  },
};

/** What was read as a checkpoint is continued, or refused before anything is trained. */
async function resumed(resume: Uint8Array, which: number): Promise<void> {
  const model = await LanguageModel.create({ embedding: 4, hidden: 4, ...kinds[which] });
  const corpus = await Corpus.open(TEXT, { tokenizer: kinds[which].tokenizer });
  const options = { batch: 1, sequence: 2, inference: ivon(), resume };
  try {
    for await (const _ of fit(model, corpus, options)) break;
  } finally {
    model.dispose();
  }
}
