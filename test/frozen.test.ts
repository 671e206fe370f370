/** What a model and a corpus show of themselves cannot be written to: their own arithmetic reads it. */
import { expect, test } from "vitest";
import "../src/kernels/embedded.ts";
import { LanguageModel } from "../src/languageModel.ts";
import { Corpus } from "../src/text/corpus.ts";
import { byteTokenizer, characterTokenizer, wordTokenizer } from "../src/text/tokenizer.ts";
import { fit } from "../src/training/fit.ts";

const SMALL = { embedding: 4, hidden: 4 };
const PAIRS = [
  ["a b", "c"],
  ["d e", "f"],
] as const;

/** Tries to write to everything that is within reach. @returns what took it */
function written(value: unknown, path: string): string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.keys(value).flatMap((key) => {
    const own = value as Record<string, unknown>;
    const found = written(own[key], `${path}.${key}`);
    try {
      own[key] = 99;
      return [...found, `${path}.${key}`];
    } catch (error) {
      expect(error).toBeInstanceOf(TypeError);
      return found;
    }
  });
}

const models: [string, () => Promise<LanguageModel>][] = [
  ["created", () => LanguageModel.create({ ...SMALL, tokenizer: byteTokenizer() })],
  [
    "with attention and clusters",
    () =>
      LanguageModel.create({ ...SMALL, tokenizer: byteTokenizer(), softmax: "adaptive", attention: true }),
  ],
  [
    "loaded, of pairs",
    async () => {
      const corpus = await Corpus.pairs(PAIRS, { tokenizer: "character" });
      const model = await LanguageModel.create({ ...SMALL, tokenizer: corpus.tokenizer });
      for await (const _ of fit(model, corpus, { epochs: 1, batch: 2 }));
      expect(written(model.documents, "documents")).toEqual([]);
      return LanguageModel.load(model.toBytes());
    },
  ],
];

test.each(models)("nothing that a model shows of itself can be written to: %s", async (_, open) => {
  const model = await open();
  const bytes = model.toBytes();
  const { configuration, layout, documents } = model;
  expect(written({ configuration, layout, documents }, "model").sort()).toEqual(
    // Of the literal here.
    ["model.configuration", "model.documents", "model.layout"],
  );
  expect(written([configuration.cutoffs], "cutoffs")).toEqual(["cutoffs.0"]);
  expect(model.toBytes()).toEqual(bytes);
});

test.each([
  ["a text", () => Corpus.open("a b\tc\n", { tokenizer: "character" })],
  ["a text with a first part", () => Corpus.open("a\tb\n", { tokenizer: "character", scoreAfter: "\t" })],
  ["pairs", () => Corpus.pairs(PAIRS, { tokenizer: "word" })],
  [
    "a part",
    async () => (await Corpus.open("a\tbcdef\n", { tokenizer: "byte", scoreAfter: "\t" })).slice(0, 6),
  ],
])("nor what a corpus says of what is scored: %s", async (_, open) => {
  const corpus = await open();
  const { scoring, documents } = corpus;
  expect([...written(scoring, "scoring"), ...written(documents, "documents")]).toEqual([]);
  expect(await corpus.scored()).toBeGreaterThan(0);
});

test("options that were given are not frozen with it", async () => {
  const options = { ...SMALL, tokenizer: byteTokenizer(), attention: { span: 4 }, cutoffs: [16, 64] };
  await LanguageModel.create({ ...options, softmax: "adaptive" });
  for (const own of [options, options.attention, options.cutoffs]) expect(Object.isFrozen(own)).toBe(false);
});

test.each([
  ["bytes", byteTokenizer()],
  ["characters", characterTokenizer({ characters: "abc" })],
  ["words", wordTokenizer({ words: ["a", "b"] })],
])("what a tokenizer describes is a copy: %s", (_, tokenizer) => {
  const description = JSON.stringify(tokenizer.describe());
  written(tokenizer.describe(), "description");
  expect(JSON.stringify(tokenizer.describe())).toBe(description);
});
