/** Weights of PyTorch's become a model: under usual and unusual names, with PyTorch's own predictions. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  adam,
  byteTokenizer,
  Corpus,
  characterTokenizer,
  evaluate,
  fit,
  importModel,
  LanguageModel,
  modelFromTensors,
  type PartNames,
  type TensorValues,
} from "../src/entries/index.ts";
import { writeSafetensors } from "../src/formats/safetensors.ts";
import { relativeError } from "./model/support.ts";
import { group, loadOracle } from "./oracle/load.ts";

const read = (name: string) => readFileSync(new URL(`./oracle/dumps/${name}`, import.meta.url));
const FILE = read("pytorch.safetensors");
const ANSWERS = JSON.parse(read("pytorch.json").toString()) as { text: string; logProbabilities: number[] };
const tokenizer = byteTokenizer();

/** A tokenizer of as many ids. */
const ids = (count: number) => {
  const characters = String.fromCodePoint(...Array.from({ length: count }, (_, i) => 65 + i));
  return characterTokenizer({ characters, unknown: false });
};

type Tensors = Record<string, TensorValues>;
const zeros = (...shape: number[]): TensorValues => ({
  shape,
  data: new Float32Array(shape.reduce((a, b) => a * b)),
});
const small = (): Tensors => ({
  "embedding.weight": zeros(256, 3),
  "lstm.weight_ih_l0": zeros(20, 3),
  "lstm.weight_hh_l0": zeros(20, 5),
  "lstm.bias_ih_l0": zeros(20),
  "lstm.bias_hh_l0": zeros(20),
  "output.weight": zeros(256, 5),
  "output.bias": zeros(256),
});
const from = (tensors: Tensors, names?: PartNames) => modelFromTensors(tensors, { tokenizer, names });

test("a file of PyTorch's predicts what PyTorch does, is saved, loaded and trained further", async () => {
  const model = await importModel(FILE, { tokenizer });
  expect(model.configuration).toMatchObject({
    embedding: 6,
    hidden: 14,
    layers: 2,
    cell: "lstm",
    tied: false,
  });
  const { tokens } = await model.score(ANSWERS.text);
  const own = tokens.map(({ logProbability }) => logProbability);
  expect(relativeError(own, ANSWERS.logProbabilities)).toBeLessThan(2e-6);
  expect(own.reduce((a, b) => a + b)).toBeGreaterThan(-120);
  expect((await LanguageModel.load(model.toBytes())).hash()).toBe(model.hash());
  const corpus = await Corpus.open(ANSWERS.text.repeat(8), { tokenizer });
  const before = await evaluate(model, corpus);
  for await (const _ of fit(model, corpus, {
    inference: adam({ learningRate: 0.02 }),
    batch: 2,
    sequence: 16,
    epochs: 30,
  }));
  expect((await evaluate(model, corpus)).nll).toBeLessThan(0.9 * before.nll);
});

describe.each([
  "model-two-layers",
  "model-tied",
  "model-adaptive",
  "model-gru-two-layers",
  "model-projection",
  "model-projection-gru",
])("the tensors of %s", (name) => {
  const dump = loadOracle(name);
  const parameters = group(dump, "parameters");
  const own = ids(Number(dump.metadata.vocabulary));

  test.each([
    ["under their own names", (n: string) => n, undefined],
    ["within another module", (n: string) => `model.${n}`, undefined],
    [
      "under names of PyTorch's examples",
      (n: string) =>
        n
          .replace("embedding.", "encoder.")
          .replace(/^(lstm|gru)\./, "rnn.")
          .replace("output.", "decoder."),
      undefined,
    ],
    [
      "under names that are given",
      (n: string) =>
        n
          .replace("embedding.", "a.b.")
          .replace(/^(lstm|gru)\./, "")
          .replace("projection.", "p.")
          .replace("output.", "z."),
      { embedding: "a.b", recurrent: "", projection: "p", output: "z" },
    ],
  ])("%s have their places, and the model the sizes", async (_, rename, names) => {
    const tensors = new Map(
      [...parameters].map(([n, { shape, data }]) => [rename(n), { shape, data }]),
    ) as Map<string, TensorValues>;
    const model = await modelFromTensors(tensors, { tokenizer: own, names });
    const { embedding, hidden, layers, tied, cell, cutoffs } = model.configuration;
    const expected = Object.fromEntries(
      Object.entries(dump.metadata)
        .filter(([key]) => /^(embedding|hidden|layers|tied|cell|cutoffs)$/.test(key))
        .map(([key, value]) => [key, JSON.parse(value)]),
    );
    expect({ embedding, hidden, layers, tied, cell, cutoffs }).toMatchObject(expected);
    expect(model.layout.segments.map((s) => s.name)).toEqual([...parameters.keys()]);
    for (const { name, offset, size } of model.layout.segments)
      expect(model.posterior.mean.slice(offset, offset + size)).toEqual(parameters.get(name)!.data);
  });
});

test("tied weights are found under either name; biases that a module does without are zeros", async () => {
  const tied: Tensors = { ...small(), "lstm.weight_ih_l0": zeros(20, 5) };
  const { "embedding.weight": _, ...outputOnly } = tied;
  const { "output.weight": weight, ...embeddingOnly } = tied;
  for (const tensors of [outputOnly, { ...embeddingOnly, "embedding.weight": weight }])
    expect((await from(tensors)).configuration).toMatchObject({ tied: true, embedding: 5, hidden: 5 });
  const bare = Object.entries(small()).filter(([name]) => !name.includes("bias"));
  const model = await from(Object.fromEntries(bare));
  for (const { bias, offset, size } of model.layout.segments)
    if (bias) expect(model.posterior.mean.slice(offset, offset + size)).toEqual(new Float32Array(size));
  const { "output.weight": __, ...one } = Object.fromEntries(bare);
  const shared = { ...one, "lstm.weight_ih_l0": zeros(20, 5), "embedding.weight": zeros(256, 5) };
  await expect(from(shared)).rejects.toThrow(/no output layer/);
  expect((await from(shared, { output: "embedding" })).configuration.tied).toBe(true);
});

const without = (name: string): Tensors =>
  Object.fromEntries(Object.entries(small()).filter(([key]) => key !== name));

test.each<[string, Tensors, RegExp]>([
  ["a missing bias", without("lstm.bias_hh_l0"), /lstm\.bias_hh_l0 is missing, of shape \[20\]/],
  ["a missing embedding", { ...without("embedding.weight"), "wte.weight": zeros(256, 3) }, /wte\.weight/],
  ["no recurrent layer", without("lstm.weight_ih_l0"), /no tensor weight_ih_l0/],
  ["a missing state matrix", without("lstm.weight_hh_l0"), /lstm\.weight_hh_l0 is missing/],
  [
    "another width of the output layer",
    { ...small(), "output.weight": zeros(256, 6) },
    /output\.weight has shape \[256, 6\], not \[256, 5\]/,
  ],
  [
    "gates that no cell has",
    { ...small(), "lstm.weight_hh_l0": zeros(5, 5) },
    /lstm\.weight_hh_l0 has shape \[5, 5\], not \[20, 5\]/,
  ],
  ["a tensor of three dimensions", { ...small(), "lstm.weight_ih_l0": zeros(20, 3, 1) }, /\[20, 3, 1\]/],
  ["a tensor too many", { ...small(), "norm.weight": zeros(5) }, /norm\.weight of shape \[5\] has no place/],
  ["a bidirectional layer", { ...small(), "lstm.weight_ih_l0_reverse": zeros(20, 3) }, /bidirectional/],
  ["an LSTM with a projection", { ...small(), "lstm.weight_hr_l0": zeros(2, 5) }, /proj_size/],
  ["two output layers", { ...small(), "decoder.weight": zeros(256, 5) }, /Both decoder|Both output/],
  ["two recurrent modules", { ...small(), "gru.weight_ih_l0": zeros(15, 3) }, /Both lstm and gru/],
  [
    "too few values",
    { ...small(), "output.bias": { shape: [256], data: [1] } },
    /output\.bias has 1 values for \[256\]/,
  ],
  ["no shape", { ...small(), "output.bias": { data: [] } as never }, /output\.bias has 0 values/],
  ["no tensor", { ...small(), "output.bias": null as never }, /output\.bias/],
  [
    "what is not a number",
    { ...small(), "output.bias": { shape: [256], data: new Float32Array(256).fill(Number.NaN) } },
    /output\.bias.*NaN/,
  ],
  ["nothing", {}, /no tensor weight_ih_l0/],
])("%s is told by name and shapes", async (_, tensors, message) => {
  await expect(from(tensors)).rejects.toMatchObject({
    code: "E_FORMAT",
    message: expect.stringMatching(message),
  });
});

test("another tokenizer, names and files are refused with a remedy", async () => {
  await expect(modelFromTensors(small(), { tokenizer: ids(30) })).rejects.toMatchObject({
    code: "E_VOCABULARY_MISMATCH",
    message: expect.stringMatching(/embedding\.weight has shape \[256, 3\], not \[30, 3\].*256 ids/),
  });
  for (const options of [
    {},
    { tokenizer: "byte" },
    { tokenizer, names: { lstm: "rnn" } },
    { tokenizer, name: {} },
  ])
    await expect(modelFromTensors(small(), options as never)).rejects.toMatchObject({ code: "E_OPTION" });
  await expect(modelFromTensors(null as never, { tokenizer })).rejects.toMatchObject({ code: "E_FORMAT" });
  await expect(importModel("x" as never, { tokenizer })).rejects.toMatchObject({ code: "E_OPTION" });
  await expect(importModel(Uint8Array.of(0x50, 0x4b, 3, 4), { tokenizer })).rejects.toThrow(
    /torch\.save.*save_model/,
  );
  const own = (await from(small())).toBytes();
  await expect(importModel(own, { tokenizer })).rejects.toThrow(/LanguageModel\.load/);
  await expect(LanguageModel.load(FILE)).rejects.toThrow(/importModel/);
  const whole = new Map([
    ["lstm.weight_ih_l0", { dtype: "I32", shape: [4, 1], data: new Int32Array(4) } as const],
  ]);
  await expect(importModel(writeSafetensors(whole, {}), { tokenizer })).rejects.toMatchObject({
    code: "E_FORMAT",
  });
});

test("what svi-lm writes beside the weights is passed over, where its metadata is gone", async () => {
  const own = { "posterior/precision/lstm.weight_ih_l0": zeros(20, 3), "training/h": zeros(1) };
  const [model, plain] = [
    await modelFromTensors({ ...small(), ...own }, { tokenizer }),
    await modelFromTensors(small(), { tokenizer }),
  ];
  expect(model.hash()).toBe(plain.hash());
});
