/** A text that its tokenizer does not know: told in the first record, refused where nothing of it is known. */
import { expect, test } from "vitest";
import {
  adam,
  Corpus,
  characterTokenizer,
  fit,
  LanguageModel,
  type StepRecord,
  type Tokenizer,
  wordTokenizer,
} from "../../src/entries/index.ts";
import { jsonTokenizer } from "../../src/entries/tokenizers.ts";
import { errorOf } from "../support/errors.ts";
import { sentences } from "./support.ts";

const ENGLISH = sentences(40);
const RUSSIAN = "море видит корабль и луну над белым китом.\n".repeat(40);
const GREEK = "ηθαλασσαβλεπειτοπλοιο".repeat(80);

const wordLevel = (words: readonly string[]) =>
  jsonTokenizer({
    version: "1.0",
    added_tokens: [],
    normalizer: null,
    pre_tokenizer: { type: "Whitespace" },
    post_processor: null,
    decoder: null,
    model: {
      type: "WordLevel",
      vocab: Object.fromEntries(["[UNK]", ...words].map((word, id) => [word, id])),
      unk_token: "[UNK]",
    },
  });

const words = [...new Set(ENGLISH.split(/[\s.]+/).filter(Boolean))];
const TOKENIZERS: Record<string, Tokenizer> = {
  character: characterTokenizer({ characters: ENGLISH }),
  word: wordTokenizer({ words: [...words, ...words.map((word) => `${word}.`)] }),
  "tokenizer.json": wordLevel(words),
};

async function records(tokenizer: Tokenizer, text: string, valid?: string, batch = 4): Promise<StepRecord[]> {
  const corpus = await Corpus.open(text, { tokenizer });
  const validation = valid ? { corpus: await Corpus.open(valid, { tokenizer }) } : undefined;
  const model = await LanguageModel.create({ tokenizer, embedding: 4, hidden: 8 });
  const options = { inference: adam(), batch, sequence: 8, epochs: 2, validation };
  const found: StepRecord[] = [];
  for await (const record of fit(model, corpus, options)) found.push(record);
  return found;
}

const warnings = (found: readonly StepRecord[]) =>
  found.filter(({ warning }) => warning?.includes("unknown to the tokenizer"));

test.each(Object.entries(TOKENIZERS))("a text that a %s tokenizer mostly does not know", async (_, own) => {
  const told = warnings(await records(own, `the sea\n${RUSSIAN}`));
  expect(told.map(({ step }) => step)).toEqual([1]);
  const [, share] = told[0].warning!.match(/^(\d+) % of the tokens of the text/)!;
  expect(Number(share)).toBeGreaterThan(75);
  expect(told[0].warning).toContain("give a tokenizer that was made for such texts");
});

test.each(Object.entries(TOKENIZERS))("a text that a %s tokenizer knows is not told of", async (_, own) => {
  expect(warnings(await records(own, ENGLISH))).toEqual([]);
});

test("a validation text is told of once, with its first figures", async () => {
  const told = warnings(await records(TOKENIZERS.character, ENGLISH, RUSSIAN));
  expect(told).toHaveLength(1);
  expect(told[0].valid).not.toBeNull();
  expect(told[0].warning).toContain("of the validation text");
});

test("one lane, which begins with what is known, is looked at further on", async () => {
  const found = await records(TOKENIZERS.character, `${ENGLISH.slice(0, 64)}${RUSSIAN}`, undefined, 1);
  expect(warnings(found)).toHaveLength(1);
});

test("a text of which nothing is known is refused, and the model stays as it was", async () => {
  const tokenizer = TOKENIZERS.character;
  const model = await LanguageModel.create({ tokenizer, embedding: 4, hidden: 8 });
  const before = model.hash();
  const corpus = await Corpus.open(GREEK, { tokenizer });
  const error = await errorOf(() => fit(model, corpus, { batch: 4, sequence: 8 }).next());
  expect(error.code).toBe("E_UNKNOWN_SYMBOL");
  expect(error.remedy).toContain("Give a tokenizer");
  expect(model.hash()).toBe(before);
  expect(model.posterior.precision).toBeNull();
});

test("one known token, far behind the first windows, is enough to be trained on", async () => {
  const text = `${GREEK.repeat(3)}the sea ${GREEK}`;
  const corpus = await Corpus.open(text, { tokenizer: TOKENIZERS.character });
  const model = await LanguageModel.create({ tokenizer: TOKENIZERS.character, embedding: 4, hidden: 8 });
  const { value } = await fit(model, corpus, { batch: 1, sequence: 8 }).next();
  expect((value as StepRecord).warning).toContain("99 %");
});
