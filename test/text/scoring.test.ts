/** Documents of which a first part is read and not scored. */
import { describe, expect, it } from "vitest";
import {
  byteTokenizer,
  Corpus,
  characterTokenizer,
  evaluate,
  fit,
  LanguageModel,
} from "../../src/entries/index.ts";
import { randomNumbers } from "../support/random.ts";

const random = randomNumbers(3);
const letters = (most: number) =>
  Array.from({ length: 1 + Math.floor(random() * most) }, () => "abcd"[Math.floor(random() * 4)]).join("");
const DOCUMENTS = Array.from({ length: 60 }, (_, i) => `${letters(i === 30 ? 200 : 9)}=${letters(9)}\n`);
const TEXT = DOCUMENTS.join("");
const tokenizer = characterTokenizer({ characters: TEXT });
const open = (text = TEXT) => Corpus.open(text, { tokenizer, scoreAfter: "=" });

/** Whether the character at a position is scored, from the text itself. */
const scoredPosition = (text: string, at: number) =>
  text.slice(text.lastIndexOf("\n", at - 1) + 1, at).includes("=");

async function lanesOf(corpus: Corpus, batch: number, sequence: number, from = 0) {
  const lanes = corpus.lanes({ batch, sequence, partial: true });
  await lanes.seek(from);
  const [inputs, targets] = [new Int32Array(batch * sequence), new Int32Array(batch * sequence)];
  const rows: number[][] = Array.from({ length: batch }, () => []);
  for (let steps = await lanes.next(inputs, targets); steps > 0; steps = await lanes.next(inputs, targets))
    for (let i = 0; i < steps * batch; i++) rows[i % batch].push(targets[i]);
  return rows;
}

describe("targets of a corpus with scoreAfter", () => {
  it.each([
    [1, 7],
    [3, 5],
    [4, 64],
  ])("are ignored up to and with the symbol, in %i lanes of windows of %i", async (batch, sequence) => {
    const corpus = await open();
    const length = Math.floor((TEXT.length - 1) / batch);
    const ids = tokenizer.encode(TEXT);
    const wanted = Array.from({ length: batch }, (_, lane) =>
      Array.from({ length }, (_, t) => {
        const at = lane * length + t + 1;
        return scoredPosition(TEXT, at) ? ids[at] : -1;
      }),
    );
    expect(await lanesOf(corpus, batch, sequence)).toEqual(wanted);
    const later = await lanesOf(corpus, batch, sequence, 1);
    expect(later).toEqual(wanted.map((lane) => lane.slice(sequence)));
  });

  it("are counted, of the whole and of a part", async () => {
    const corpus = await open();
    const count = (from: number, to: number) =>
      Array.from({ length: to - from - 1 }, (_, i) => from + i + 1).filter((at) => scoredPosition(TEXT, at))
        .length;
    expect(await corpus.scored()).toBe(count(0, TEXT.length));
    expect(await corpus.slice(17, 140).scored()).toBe(count(17, 140));
    const all = await Corpus.open(TEXT, { tokenizer });
    expect(await all.scored()).toBe(TEXT.length - 1);
    expect(await all.fingerprint()).not.toBe(await corpus.fingerprint());
  });

  it("alone make the figures of an evaluation, with a state that starts anew in every document", async () => {
    const model = await LanguageModel.create({ tokenizer, embedding: 5, hidden: 9, seed: 2 });
    const corpus = await open();
    let nll = 0;
    for (const document of DOCUMENTS) {
      // What is before a document is the separator of the one before it.
      const { perToken } = await scored(model, `\n${document}`);
      for (let i = document.indexOf("=") + 1; i < document.length; i++) nll -= perToken[i];
    }
    const first = DOCUMENTS[0];
    const result = await evaluate(model, corpus);
    expect(result.tokens).toBe(await corpus.scored());
    // The first document has no separator before it; its own figures stand apart.
    const own = await evaluate(model, await open(first));
    const before = await scored(model, `\n${first}`);
    let firstNll = 0;
    for (let i = first.indexOf("=") + 1; i < first.length; i++) firstNll -= before.perToken[i];
    expect(result.nll * result.tokens).toBeCloseTo(nll - firstNll + own.nll * own.tokens, 2);
    expect(result).toMatchObject({ bitsPerByte: null, bitsPerByteMissing: "ignored" });
  });

  it.each(["float32", "int16"] as const)(
    "are what a run learns from: %s, to the end and resumed",
    async (products) => {
      const corpus = await open();
      const create = () => LanguageModel.create({ tokenizer, embedding: 5, hidden: 9, seed: 2 });
      const options = { batch: 5, sequence: 8, epochs: 4, products } as const;
      const model = await create();
      let saved: Uint8Array | undefined;
      const save = (bytes: Uint8Array) => {
        saved ??= bytes;
      };
      const checkpoint = { every: 9, save };
      let lambda = 0;
      for await (const record of fit(model, corpus, { ...options, checkpoint })) lambda = record.lambda;
      expect(lambda).toBe(await corpus.scored());
      const resumed = await create();
      for await (const _ of fit(resumed, corpus, {
        ...options,
        checkpoint: { every: 9, save() {} },
        resume: saved,
      }));
      expect(resumed.hash()).toBe(model.hash());
      const whole = await create();
      for await (const _ of fit(whole, await Corpus.open(TEXT, { tokenizer }), options));
      const source = async (of: LanguageModel) => (await evaluate(of, corpus)).nll;
      expect(await source(model)).toBeLessThan((await source(await create())) * 0.95);
      expect(whole.hash()).not.toBe(model.hash());
    },
  );
});

async function scored(model: LanguageModel, text: string): Promise<{ perToken: number[] }> {
  const { tokens } = await model.score(text);
  return { perToken: tokens.map(({ logProbability }) => logProbability) };
}

describe("refused", () => {
  it.each([
    ["a symbol that the vocabulary lacks", { scoreAfter: "#" }, /scoreAfter "#" is not in the vocabulary/],
    ["more than one token", { scoreAfter: "ab" }, /2 tokens/],
    ["a separator that is the symbol", { scoreAfter: "=", separator: "=" }, /both/],
    ["a separator alone", { separator: "\n" }, /separator applies only/],
  ])("%s", async (_, options, message) => {
    await expect(Corpus.open(TEXT, { tokenizer, ...options })).rejects.toMatchObject({
      code: "E_OPTION",
      message: expect.stringMatching(message),
    });
  });

  it("a document that lacks the symbol, by its number", async () => {
    const text = "a=b\nabc\na=b\n";
    await expect(Corpus.open(text, { tokenizer: byteTokenizer(), scoreAfter: "=" })).rejects.toMatchObject({
      code: "E_OPTION",
      value: { document: 2 },
    });
  });
});
