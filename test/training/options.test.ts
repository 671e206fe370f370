/** What TypeScript refuses is refused at run time too, before anything is trained. */
import { describe, expect, test } from "vitest";
import {
  adam,
  bbb,
  byteTokenizer,
  Corpus,
  characterTokenizer,
  evaluate,
  fit,
  ivon,
  LanguageModel,
  learnTokenizer,
  schedule,
  sgd,
} from "../../src/entries/index.ts";

const TEXT = "the cat sat on the mat. ".repeat(40);
const tokenizer = characterTokenizer({ characters: " .acehmnost", unknown: false });
const make = () => LanguageModel.create({ tokenizer, embedding: 4, hidden: 4 });
const open = (text = TEXT) => Corpus.open(text, { tokenizer });
const SMALL = { batch: 2, sequence: 8, epochs: 0.1 };
// Callers without TypeScript.
const any = (value: unknown) => value as never;

async function run(model: LanguageModel, corpus: Corpus, options: object): Promise<unknown[]> {
  const records: unknown[] = [];
  for await (const record of fit(model, corpus, any({ ...SMALL, ...options }))) records.push(record);
  return records;
}

describe("fit refuses, and leaves the model as it was", () => {
  test.each([
    ["a method that was not called", { inference: adam }, "inference", /adam\(\)/],
    ["a method's name", { inference: "sgd" }, "inference", /sgd\(\)/],
    ["half of a method", { inference: { kind: "adam", learningRate: 0.01 } }, "inference", /adam\(/],
    ["a method that there is not", { inference: { kind: "lion" } }, "inference", /ivon\(\)/],
    ["a method that is out of range", { inference: { ...adam(), beta1: 2 } }, "beta1", /./],
    ["a misspelt option", { batchSize: 4 }, "batchSize", /mean batch\?/],
    ["another one", { epoch: 4 }, "epoch", /mean epochs\?/],
    ["an option that there is not", { colour: 4 }, "colour", /batch, /],
    ["a number as text", { epochs: "2" }, "epochs", /number/],
    ["half of a schedule", { schedule: { kind: "cosine" } }, "schedule", /schedule\(/],
    ["a signal that is none", { signal: {} }, "signal", /AbortSignal/],
    ["until that is a boolean", { until: true }, "until", /function/],
    ["a checkpoint without a function", { checkpoint: { every: 2 } }, "checkpoint.save", /function/],
    ["a misspelt part of the validation", { validation: { corups: 1 } }, "corups", /mean corpus\?/],
    ["a validation text that is a string", { validation: { corpus: "text" } }, "validation corpus", /Corpus/],
  ])("%s", async (_name, options, option, remedy) => {
    const model = await make();
    const hash = model.hash();
    await expect(run(model, await open(), options)).rejects.toMatchObject({
      code: "E_OPTION",
      option,
      remedy: expect.stringMatching(remedy),
    });
    expect(model.hash()).toBe(hash);
  });

  test.each([0.25, 1.5, -3, Number.NaN])("%f samples for the validation", async (samples) => {
    const corpus = await open();
    const options = { inference: ivon(), validation: { corpus, samples } };
    await expect(run(await make(), corpus, options)).rejects.toMatchObject({ code: "E_OPTION" });
  });

  test("a validation text of one token, before the first step", async () => {
    const corpus = await open();
    const [one] = [corpus.slice(0, 1)];
    await expect(run(await make(), corpus, { validation: { corpus: one } })).rejects.toMatchObject({
      code: "E_TEXT_SHORT",
      option: "validation",
    });
  });

  test("a text in place of a corpus, a corpus in place of a model, options that are none", async () => {
    const [model, corpus] = [await make(), await open()];
    for (const [args, option] of [
      [[model, "text"], "corpus"],
      [[corpus, corpus], "model"],
      [[model, corpus, 3], "options"],
      [[model, corpus, null], "options"],
    ] as const)
      await expect(async () => {
        for await (const _ of (fit as never as (...all: unknown[]) => AsyncIterable<unknown>)(...args));
      }).rejects.toMatchObject({ code: "E_OPTION", option });
  });
});

test("a corpus of another tokenizer with as many ids is E_VOCABULARY_MISMATCH, one that is equal is taken", async () => {
  const model = await make();
  const other = characterTokenizer({ characters: " .acehmnosz", unknown: false });
  const foreign = Corpus.fromTokens(new Int32Array(200).fill(3), other);
  await expect(run(model, foreign, {})).rejects.toMatchObject({ code: "E_VOCABULARY_MISMATCH" });
  await expect(evaluate(model, foreign)).rejects.toMatchObject({ code: "E_VOCABULARY_MISMATCH" });
  const validation = { corpus: foreign };
  await expect(run(model, await open(), { validation })).rejects.toMatchObject({
    code: "E_VOCABULARY_MISMATCH",
  });
  const equal = characterTokenizer({ characters: " .acehmnost", unknown: false });
  expect(await run(model, await Corpus.open(TEXT, { tokenizer: equal }), {})).not.toHaveLength(0);
});

test.each([
  ["create without a tokenizer", () => LanguageModel.create(any({})), "tokenizer"],
  ["create without anything", () => LanguageModel.create(any(undefined)), "options"],
  ["a misspelt size", () => LanguageModel.create(any({ tokenizer, hiden: 99 })), "hiden"],
  ["Corpus.open without a tokenizer", () => Corpus.open(TEXT, any({})), "tokenizer"],
  ["Corpus.open with a text alone", () => Corpus.open(TEXT, any(undefined)), "options"],
  ["a misspelt part of a text", () => Corpus.open(TEXT, any({ tokenizer: "byte", stop: 3 })), "stop"],
  ["learnTokenizer without options", () => learnTokenizer(TEXT, any(undefined)), "options"],
  ["learnTokenizer misspelt", () => learnTokenizer(TEXT, any({ kind: "word", minCount: 2 })), "minCount"],
  ["load with a reader that is none", () => LanguageModel.load(new Uint8Array(8), any({ json: {} })), "json"],
  ["generate with a prompt alone", async () => (await make()).generate(any("Call me")).next(), "options"],
  ["generate misspelt", async () => (await make()).generate(any({ temprature: 1 })).next(), "temprature"],
  ["score of a number", async () => (await make()).score(any(3)), "text"],
  ["score misspelt", async () => (await make()).score("the", any({ sample: 3 })), "sample"],
  ["evaluate misspelt", async () => evaluate(await make(), await open(), any({ kernel: 1 })), "kernel"],
  ["evaluate of a text", async () => evaluate(await make(), any("text")), "corpus"],
  ["adam misspelt", () => adam(any({ lr: 0.1 })), "lr"],
  ["sgd with a number as its prior", () => sgd(any({ prior: 0.3 })), "prior"],
  ["bbb with a prior of ivon's", () => bbb(any({ prior: { kind: "posterior" } })), "prior"],
  ["ivon with a text", () => ivon(any("fast")), "options"],
])("%s is E_OPTION and names it", async (_name, call, option) => {
  await expect((async () => call())()).rejects.toMatchObject({ code: "E_OPTION", option });
});

test("a run that ends worse than guessing says so, one that learns does not", async () => {
  const corpus = await open();
  const longer = { epochs: 1 };
  const bad = (await run(await make(), corpus, { ...longer, inference: sgd({ learningRate: 60 }) })) as {
    warning: string | null;
  }[];
  expect(bad.at(-1)!.warning).toMatch(/worse than guessing among all 11 tokens/);
  const good = (await run(await make(), corpus, { ...longer, inference: adam() })) as typeof bad;
  expect(good.at(-1)!.warning).toBeNull();
});

test("a first loss that rises above its start is explained, once", async () => {
  const inference = sgd({ learningRate: 20, clip: Number.POSITIVE_INFINITY });
  const records = (await run(await make(), await open(), { inference, epochs: 1 })) as {
    nll: number;
    note: string | null;
  }[];
  expect(records.slice(0, 10).some(({ nll }) => nll > 1.1 * records[0].nll)).toBe(true);
  expect(records.filter(({ note }) => note?.includes("overshoot"))).toHaveLength(1);
  const calm = (await run(await make(), await open(), {
    inference: adam({ learningRate: 1e-4 }),
    schedule: schedule("constant"),
  })) as typeof records;
  expect(calm.every(({ note }) => note === null)).toBe(true);
});

test("a byte corpus of a byte model still needs no more than its tokenizer", async () => {
  const model = await LanguageModel.create({ tokenizer: byteTokenizer(), embedding: 4, hidden: 4 });
  const corpus = await Corpus.open(TEXT, { tokenizer: "byte" });
  expect(await run(model, corpus, {})).not.toHaveLength(0);
});

test.each(["memoryLimit", "epochs", "dropout", "samples", "temperature", "seed"])(
  "%s of NaN is refused wherever there is such an option",
  async (option) => {
    const [model, corpus] = [await make(), await open()];
    const calls = [
      (options: object) => run(model, corpus, options),
      (options: object) => model.score("the cat", any(options)),
      (options: object) => model.generate(any(options)).next(),
      (options: object) => model.scoreAll(["the cat"], any(options)).next(),
      (options: object) => evaluate(model, corpus, any(options)),
      (options: object) => model.session(any(options)),
    ];
    for (const call of calls)
      await expect((async () => call({ [option]: Number.NaN }))()).rejects.toMatchObject({
        code: "E_OPTION",
        option,
      });
  },
);
