/** A model that was trained on documents heeds them everywhere, and its file keeps what they are. */
import { beforeAll, describe, expect, it } from "vitest";
import {
  adam,
  byteTokenizer,
  Corpus,
  characterTokenizer,
  evaluate,
  fit,
  LanguageModel,
  type TextScore,
} from "../../src/entries/index.ts";
import { readSafetensors, safetensorsChunks } from "../../src/formats/safetensors.ts";
import { errorOf } from "../support/errors.ts";
import { randomNumbers } from "../support/random.ts";

const random = randomNumbers(4);
const DOCUMENTS = Array.from({ length: 80 }, () => {
  const source = Array.from(
    { length: 1 + Math.floor(random() * 6) },
    () => "abc"[Math.floor(random() * 3)],
  ).join("");
  return `${source}=${source.toUpperCase()}`;
});
const TEXT = DOCUMENTS.map((document) => `${document}\n`).join("");
const tokenizer = characterTokenizer({ characters: `${TEXT}` });
const id = (symbol: string) => tokenizer.encode(symbol)[0];
const documents = { separator: id("\n"), after: id("=") };

let model: LanguageModel;
/** The same weights, without a word of documents. */
let plain: LanguageModel;

async function trained(options: object, corpus: object) {
  const created = await LanguageModel.create({ tokenizer, embedding: 6, hidden: 16, seed: 2 });
  const text = await Corpus.open(TEXT, { tokenizer, ...corpus });
  for await (const _ of fit(created, text, {
    inference: adam(),
    epochs: 2,
    batch: 4,
    sequence: 16,
    ...options,
  }));
  return created;
}

beforeAll(async () => {
  model = await trained({}, { scoreAfter: "=" });
  plain = await LanguageModel.load(model.toBytes());
  plain.documents = null;
});

describe("what a model remembers of its documents", () => {
  it("is what the corpus or the option said last, or nothing", async () => {
    expect(model.documents).toEqual(documents);
    expect((await trained({}, {})).documents).toBeNull();
    expect((await trained({ separator: id("\n") }, {})).documents).toEqual({ ...documents, after: null });
    for await (const _ of fit(plain, await Corpus.open(TEXT, { tokenizer }), {
      epochs: 0.1,
      batch: 4,
      sequence: 16,
      separator: null,
    }));
    expect(plain.documents).toBeNull();
    plain = await LanguageModel.load(model.toBytes());
    plain.documents = null;
  });

  it("is kept by its file; a file from before there were any loads without", async () => {
    expect((await LanguageModel.load(model.toBytes())).documents).toEqual(documents);
    expect((await LanguageModel.load(plain.toBytes())).documents).toBeNull();
    expect(plain.hash()).toBe(model.hash());
  });

  it.each([
    ["{}"],
    ['{"separator":99,"after":null}'],
    ['{"separator":1,"after":1}'],
    ['{"separator":1}'],
    ["null"],
    ["[1"],
  ])("is refused in a file where it cannot be: %s", async (written) => {
    const { tensors, metadata } = readSafetensors(model.toBytes());
    const chunks = safetensorsChunks(tensors, { ...metadata, documents: written });
    const file = Buffer.concat(chunks.map((chunk) => Buffer.from(chunk)));
    expect(await errorOf(() => LanguageModel.load(file))).toMatchObject({ code: "E_FORMAT" });
  });

  it("is heeded by a second run and by its validation, which no longer say so themselves", async () => {
    const again = await LanguageModel.load(model.toBytes());
    const said = await LanguageModel.load(model.toBytes());
    const run = async (own: LanguageModel, options: object) => {
      const corpus = await Corpus.open(TEXT, { tokenizer, ...options });
      let valid: unknown;
      const fitting = { inference: adam(), epochs: 1, batch: 4, sequence: 16, validation: { corpus } };
      for await (const record of fit(own, corpus, fitting)) valid = record.valid;
      return valid;
    };
    expect(await run(again, {})).toEqual(await run(said, { scoreAfter: "=" }));
    expect(again.hash()).toBe(said.hash());
  });
});

describe("a model of documents", () => {
  it("evaluates a text as its documents, unless it is told otherwise", async () => {
    const text = await Corpus.open(TEXT, { tokenizer });
    const wanted = await evaluate(plain, await Corpus.open(TEXT, { tokenizer, scoreAfter: "=" }));
    expect(await evaluate(model, text)).toEqual(wanted);
    expect(await evaluate(model, text, { separator: null })).toEqual(await evaluate(plain, text));
    const lacking = await Corpus.open("abc\n", { tokenizer });
    expect(await errorOf(() => evaluate(model, lacking))).toMatchObject({ code: "E_OPTION" });
    const bytes = await Corpus.open("abc\n", { tokenizer: byteTokenizer() });
    expect(await errorOf(() => evaluate(model, bytes))).toMatchObject({ code: "E_VOCABULARY_MISMATCH" });
  });

  it("scores what follows the symbol, each document with a state of its own, one by one and side by side", async () => {
    const texts = ["ab=AB\n", "cab=CA", "a=A\nbb=BB\nc=C\n", "ba=BA\nc=C"];
    const all: TextScore[] = [];
    for await (const score of model.scoreAll(texts, { tokens: true })) all.push(score as TextScore);
    for (const [i, text] of texts.entries()) {
      const { tokens, logProbability } = await model.score(text);
      expect(all[i]).toMatchObject({
        index: i,
        error: null,
        tokens: tokens.length,
        logProbability,
        scores: tokens,
      });
      // Document by document, after the separator that every one of them begins with.
      const parts = text.split(/(?<=\n)/);
      const own = await Promise.all(parts.map((part) => plain.score(part, { context: "\n" })));
      const wanted = own.flatMap((score, d) => score.tokens.slice(parts[d].indexOf("=") + 1));
      expect(tokens.map((token) => token.logProbability)).toEqual(
        wanted.map((token) => token.logProbability),
      );
      expect(tokens.map(({ start, end }) => text.slice(start, end)).join("")).toBe(
        parts.map((part) => part.slice(part.indexOf("=") + 1)).join(""),
      );
    }
    const { logProbability } = await model.score("CA\n", { context: "ca=" });
    expect(logProbability).toBe((await model.score("ca=CA\n")).logProbability);
  });

  it("refuses a text without a scored part, and a context before several documents", async () => {
    expect(await errorOf(() => model.score("abc"))).toMatchObject({ code: "E_OPTION", option: "text" });
    const codes: string[] = [];
    for await (const { error } of model.scoreAll(["abc", "a=A"])) codes.push(error?.code ?? "");
    for await (const { error } of model.scoreAll(["A\nb=B", "A\n"], { context: "a=" }))
      codes.push(error?.code ?? "");
    expect(codes).toEqual(["E_OPTION", "", "E_OPTION", ""]);
  });

  it("writes the rest of a document and ends with it", async () => {
    const pieces = [];
    for await (const piece of model.generate({ prompt: "ab=", tokens: 500, seed: 3 })) pieces.push(piece);
    expect(pieces.at(-1)).toMatchObject({ token: documents.separator, text: "" });
    const text = pieces.map((piece) => piece.text).join("");
    expect(text).not.toContain("\n");
    const { tokens } = await model.score(`ab=${text}\n`);
    expect(pieces.map(({ probability }) => Math.log(probability))).toEqual(
      tokens.map(({ logProbability }) => expect.closeTo(logProbability, 5)),
    );
  });

  it("predicts in a session what it scores, document after document", async () => {
    const session = await model.session();
    const { tokens } = await model.score("ab=A\nca=C");
    for (const [typed, t] of [
      ["ab=", 0],
      ["A", 1],
      ["\nca=", 2],
    ] as const) {
      await session.read(typed);
      const expected = tokens[t];
      expect(Math.log(session.distribution().probabilities[expected.token])).toBeCloseTo(
        expected.logProbability,
        5,
      );
    }
    const empty = await model.session();
    const typed = await model.session();
    await typed.read("ab=AB\n");
    expect(empty.distribution().probabilities).toEqual(typed.distribution().probabilities);
  });
});
