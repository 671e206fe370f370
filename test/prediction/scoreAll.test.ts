/** Many texts at once: the bits of one by one, order, windows, failures, streams. */
import { getEventListeners } from "node:events";
import { describe, expect, test, vi } from "vitest";
import {
  byteTokenizer,
  characterTokenizer,
  int16Products,
  LanguageModel,
  type ScoreAllOptions,
  SviError,
  type TextScore,
  type Texts,
  wordTokenizer,
} from "../../src/entries/index.ts";
import { finish } from "../../src/kernels/tape.ts";
import { compareTokens, Trie } from "../../src/prediction/trie.ts";
import { randomNumbers } from "../support/random.ts";
import { createModel, sentences } from "../training/support.ts";

vi.setConfig({ testTimeout: 60_000 });

/** A model whose weights are spread out and whose samples differ. */
async function spreadModel(options: object = {}): Promise<LanguageModel> {
  const model = await createModel(options);
  const random = randomNumbers(8);
  const scale = 4 / Math.sqrt(model.configuration.hidden);
  const mean = model.posterior.mean.map(() => scale * (random() - 0.5));
  const precision = new Float32Array(mean.length);
  for (const s of model.layout.segments)
    if (!s.bias) for (let i = s.offset; i < s.offset + s.size; i++) precision[i] = 30 + 90 * random();
  finish(model.posterior.assign(mean, precision, 500));
  return model;
}

async function all(model: LanguageModel, texts: Texts, options?: ScoreAllOptions) {
  const found = [];
  for await (const one of model.scoreAll(texts, options)) found.push(one);
  return found;
}

/** Beginnings that are shared by none, by some and by many; lengths from 2 to 40; repeats. */
function manyTexts(): string[] {
  const random = randomNumbers(3);
  const lines = sentences(60, 5).split("\n").filter(Boolean);
  const texts = lines.flatMap((line) => [line, line.slice(0, 2 + Math.floor(random() * (line.length - 2)))]);
  const backwards = lines.slice(0, 20).map((line) => [...line].reverse().join(""));
  return [...texts, ...backwards, lines[0], "th"];
}

const FORMS: [string, object, ScoreAllOptions][] = [
  ["the mean", {}, {}],
  ["the mean after a context", {}, { context: "the ship " }],
  ["samples", { layers: 2 }, { samples: 3 }],
  ["samples after a context", {}, { samples: 3, context: "\n" }],
  ["a tied model deeper than a block of 256", { embedding: 270, hidden: 270, tied: true }, {}],
  ["tied to a narrower embedding", { embedding: 11, hidden: 30, tied: true }, { samples: 2 }],
  ["an adaptive softmax", { softmax: "adaptive", cutoffs: [5, 12] }, { samples: 2 }],
  ["8 bits", {}, { quantized: "int8" }],
  ["8 bits after a context", {}, { quantized: "int8", context: "the" }],
  ["Flipout", {}, { samples: 4, sampling: "flipout" }],
];

describe.each(FORMS)("%s", (_, shape, options) => {
  test("gives what score gives for every text by itself, bit for bit and in order", async () => {
    const model = await spreadModel(shape);
    const texts = manyTexts();
    const found = (await all(model, texts, { ...options, tokens: true })) as TextScore[];
    expect(found.map(({ index }) => index)).toEqual(texts.map((_, i) => i));
    const some = options.quantized || options.sampling ? texts.slice(0, 20) : texts;
    for (const [i, text] of some.entries()) {
      const { logProbability, tokens } = await model.score(text, options);
      expect(found[i].logProbability, text).toBe(logProbability);
      expect(found[i].scores, text).toEqual(tokens);
      expect(found[i].tokens).toBe(tokens.length);
      const least = Math.min(...tokens.map((token) => token.logProbability));
      expect(found[i].worst).toEqual(tokens.find((token) => token.logProbability === least));
      const information = tokens.map(({ mutualInformation }) => mutualInformation);
      expect(found[i].mutualInformation).toBeCloseTo(information.reduce((a, b) => a + b) / tokens.length, 12);
      expect(found[i].mostMutualInformation).toBe(Math.max(0, ...information));
    }
  });
});

test("sharing beginnings changes no bit", async () => {
  const model = await spreadModel();
  const texts = manyTexts();
  expect(await all(model, texts, { sharing: false })).toEqual(await all(model, texts));
});

describe("products of int16", () => {
  const SHAPES: [string, object, ScoreAllOptions][] = [
    ["the mean", {}, {}],
    ["two layers after a context", { layers: 2 }, { context: "the ship " }],
    ["samples", { layers: 2 }, { samples: 3 }],
    ["a depth of more than one block", { embedding: 270, hidden: 270, tied: true }, {}],
    ["a GRU", { cell: "gru" }, {}],
    ["an adaptive softmax", { softmax: "adaptive", cutoffs: [5, 12] }, {}],
  ];

  test.each(SHAPES)("of %s give nearly what float32 gives, and not the same", async (_, shape, options) => {
    const model = await spreadModel(shape);
    const texts = manyTexts();
    const exact = (await all(model, texts, options)) as TextScore[];
    const close = (await all(model, texts, { ...options, products: int16Products() })) as TextScore[];
    const apart = close.map(({ logProbability, tokens }, i) =>
      Math.abs((logProbability - exact[i].logProbability) / tokens),
    );
    expect(Math.max(...apart)).toBeLessThan(5e-3);
    expect(Math.max(...apart)).toBeGreaterThan(0);
  });

  test.each(SHAPES)("of %s give a text the same bits beside any others", async (_, shape, options) => {
    const model = await spreadModel(shape);
    const texts = manyTexts();
    const form = { ...options, products: int16Products() };
    const together = await all(model, texts, form);
    expect(await all(model, texts, { ...form, sharing: false })).toEqual(together);
    const alone = [];
    for (const text of texts.slice(0, 8)) alone.push(...(await all(model, [text], form)));
    const scores = (found: object[]) => found.map((one) => (one as TextScore).logProbability);
    expect(scores(alone)).toEqual(scores(together).slice(0, 8));
  });

  test.each([
    ["a name", { products: "int16" }],
    ["another object", { products: {} }],
    ["8 bits beside them", { products: int16Products(), quantized: "int8" }],
    ["Flipout beside them", { products: int16Products(), samples: 2, sampling: "flipout" }],
  ])("%s: an error that names the option", async (_, options) => {
    const model = await spreadModel();
    await expect(all(model, ["the sea"], options as never)).rejects.toMatchObject({
      code: "E_OPTION",
      option: "products",
    });
  });
});

const streamOf = (texts: readonly string[]) =>
  new ReadableStream<string>({
    start(controller) {
      for (const text of texts) controller.enqueue(text);
      controller.close();
    },
  });

test("more texts than a window holds, from every kind of source", async () => {
  const model = await spreadModel();
  const texts = Array.from({ length: 5000 }, (_, i) => `the ${"sea ship whale".slice(0, 2 + (i % 11))}`);
  const expected = await all(model, texts);
  expect(expected.length).toBe(5000);
  async function* slowly() {
    for (const [i, text] of texts.entries()) {
      if (i % 1000 === 7) await new Promise((resolve) => setTimeout(resolve, 2));
      yield text;
    }
  }
  expect(await all(model, slowly())).toEqual(expected);
  expect(await all(model, new Set(texts.slice(0, 11)))).toEqual(expected.slice(0, 11));
  expect(await all(model, streamOf(texts))).toEqual(expected);
  const reader = streamOf(texts.slice(0, 100)).getReader();
  const uniterable = { getReader: () => reader } as never;
  expect(await all(model, uniterable)).toEqual(expected.slice(0, 100));
});

test("texts that have come are scored while the source waits for more", async () => {
  const model = await spreadModel();
  let release = () => {};
  const waiting = new Promise<void>((resolve) => {
    release = resolve;
  });
  async function* live() {
    yield "the sea";
    yield "the ship";
    await waiting;
    yield "the sky";
  }
  const scores = model.scoreAll(live());
  expect((await scores.next()).value?.index).toBe(0);
  expect((await scores.next()).value?.index).toBe(1);
  const third = scores.next();
  release();
  expect((await third).value?.index).toBe(2);
  expect((await scores.next()).done).toBe(true);
});

describe("texts that cannot be scored", () => {
  const bad = ["the sea", "", "t", 7, null, "the sky", "x".repeat(50)] as string[];

  test("give an error with their index in their place, and the others are scored", async () => {
    const model = await spreadModel();
    const found = await all(model, bad, { longest: 40 });
    expect(found.map(({ error }) => error?.code ?? null)).toEqual([
      null,
      "E_TEXT_SHORT",
      "E_TEXT_SHORT",
      "E_OPTION",
      "E_OPTION",
      null,
      "E_TEXT_LONG",
    ]);
    for (const { index, error } of found)
      if (error) expect(error.message).toMatch(new RegExp(`^Text ${index}[: ]`));
    expect((found[5] as TextScore).logProbability).toBe((await model.score("the sky")).logProbability);
  });

  test("a symbol that the vocabulary has not is one of them", async () => {
    const model = await LanguageModel.create({
      tokenizer: characterTokenizer({
        characters: "the sa",
        unknown: false,
      }),
      embedding: 3,
      hidden: 5,
    });
    const [good, unknown] = await all(model, ["the sea", "the sky"]);
    expect(good.error).toBe(null);
    expect(unknown.error).toMatchObject({ code: "E_UNKNOWN_SYMBOL" });
    expect(unknown.error?.message).toMatch(/^Text 1: /);
  });

  test("end the others where that is asked, after those before them", async () => {
    const model = await spreadModel();
    const scores = model.scoreAll(bad, { strict: true });
    expect((await scores.next()).value?.index).toBe(0);
    await expect(scores.next()).rejects.toMatchObject({ code: "E_TEXT_SHORT", message: /^Text 1 / });
  });

  test("a source that fails says where, after what it gave was scored", async () => {
    const model = await spreadModel();
    async function* failing() {
      yield "the sea";
      yield "the sky";
      throw new Error("the pipe broke");
    }
    const scores = model.scoreAll(failing());
    const indices = [(await scores.next()).value?.index, (await scores.next()).value?.index];
    expect(indices).toEqual([0, 1]);
    await expect(scores.next()).rejects.toMatchObject({
      code: "E_TEXT_SOURCE",
      value: 2,
      message: /pipe broke/,
    });
  });

  test("what is not a collection of texts is refused", async () => {
    const model = await spreadModel();
    for (const texts of ["the sea", 5, null, undefined, {}])
      await expect(all(model, texts as never), String(texts)).rejects.toMatchObject({ code: "E_OPTION" });
    await expect(all(model, ["the"], { samples: 0.5 })).rejects.toBeInstanceOf(SviError);
    await expect(all(model, ["the"], { memoryLimit: 1000 })).rejects.toMatchObject({ code: "E_MEMORY" });
    await expect(all(await createModel(), ["the"], { samples: 2 })).rejects.toMatchObject({
      code: "E_OPTION",
    });
  });
});

test("leaving the loop and aborting close the source, also one that waits", async () => {
  const model = await spreadModel();
  let closed = 0;
  async function* endless() {
    try {
      for (;;) yield "the sea";
    } finally {
      closed++;
    }
  }
  for await (const { index } of model.scoreAll(endless())) if (index === 100) break;
  expect(closed).toBe(1);
  const silent = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }) };
  const reason = new Error("enough");
  const controller = new AbortController();
  const waiting = all(model, silent, { signal: controller.signal });
  controller.abort(reason);
  await expect(waiting).rejects.toBe(reason);
});

test("a signal that outlives many calls keeps nothing of them", async () => {
  const model = await spreadModel();
  const { signal } = new AbortController();
  for (let call = 0; call < 3; call++) await all(model, ["the sea", "the whale"], { signal });
  for await (const _ of model.scoreAll(["the sea", "the whale"], { signal })) break;
  expect(getEventListeners(signal, "abort")).toEqual([]);
});

test("bits per byte, unknown tokens and offsets follow from the tokenizer", async () => {
  const bytes = await LanguageModel.create({ tokenizer: byteTokenizer(), embedding: 4, hidden: 6 });
  const [whale] = (await all(bytes, ["aé🐋b"], { tokens: true })) as TextScore[];
  expect(whale.scores?.map(({ start, end }) => [start, end])).toEqual([
    ...[1, 1].map(() => [1, 2]),
    ...[2, 2, 2, 2].map(() => [2, 4]),
    [4, 5],
  ]);
  expect(whale.bitsPerByte).toBeCloseTo(-whale.logProbability / Math.LN2 / 7, 12);
  const words = await LanguageModel.create({
    tokenizer: wordTokenizer({ words: ["the", "sea"] }),
    embedding: 4,
    hidden: 6,
  });
  const [sea] = (await all(words, ["the  sea\nthe kraken"], { tokens: true })) as TextScore[];
  expect(sea.scores?.map(({ start, end }) => "the  sea\nthe kraken".slice(start, end))).toEqual([
    "sea",
    "\n",
    "the",
    "kraken",
  ]);
  expect(sea.unknown).toBe(1);
  expect(sea.bitsPerByte).toBe(null);
  const characters = await spreadModel();
  const [é] = (await all(characters, ["the sé"])) as TextScore[];
  expect([é.unknown, é.bitsPerByte]).toEqual([1, null]);
  const [plain] = (await all(characters, ["the sea"])) as TextScore[];
  expect(plain.bitsPerByte).toBeCloseTo(-plain.logProbability / Math.LN2 / 6, 12);
});

test("rows never exceed their capacity, and every position of every text is visited once", () => {
  const random = randomNumbers(2);
  const texts = Array.from({ length: 700 }, () =>
    Int32Array.from({ length: 1 + Math.floor(random() * 9) }, () => Math.floor(random() * 3)),
  ).sort(compareTokens);
  for (const capacity of [16, 100]) {
    const trie = new Trie(texts, capacity);
    const seen = texts.map((text) => Array.from(text, () => 0));
    const visit = (from: number, to: number, position: number, token: number) => {
      for (let i = from; i < to; i++) {
        expect(texts[i][position]).toBe(token);
        seen[i][position]++;
      }
    };
    while (trie.step(visit)) {
      expect(trie.count).toBeLessThanOrEqual(capacity);
      for (let row = 0; row < trie.count; row++) trie.follow(row, visit);
    }
    for (const counts of seen) expect(counts.every((count) => count === 1)).toBe(true);
  }
});
