/** Sessions: text typed in pieces is the text, whatever the tokenizer; forks, bytes, completion, mistakes. */
import { describe, expect, test, vi } from "vitest";
import {
  byteTokenizer,
  Corpus,
  characterTokenizer,
  fit,
  ivon,
  LanguageModel,
  type Session,
  SviError,
  type Tokenizer,
  wordTokenizer,
} from "../../src/entries/index.ts";
import { jsonTokenizer } from "../../src/text/json.ts";
import { byteLevel, wordPiece } from "../text/tokenizer-json.ts";
import { sentences } from "../training/support.ts";

vi.setConfig({ testTimeout: 60_000 });

const TEXT = sentences(300, 4);
const WORDS = [...new Set(TEXT.split(/\s+/).filter(Boolean))].sort();

const TOKENIZERS: Record<string, () => Tokenizer> = {
  bytes: byteTokenizer,
  characters: () => characterTokenizer({ characters: TEXT }),
  words: () => wordTokenizer({ words: WORDS }),
  "byte-level pieces": () => jsonTokenizer(byteLevel()),
  "word pieces": () => jsonTokenizer(wordPiece),
};

const trained = new Map<string, Promise<LanguageModel>>();
/** A model that has learnt the sentences, made once for each tokenizer. */
function modelOf(name: string): Promise<LanguageModel> {
  let found = trained.get(name);
  if (!found) {
    found = (async () => {
      const tokenizer = TOKENIZERS[name]();
      const model = await LanguageModel.create({ tokenizer, embedding: 12, hidden: 24, seed: 3 });
      const corpus = await Corpus.open(TEXT, { tokenizer });
      const inference = ivon({ learningRate: 5, clip: 1, embeddingDecay: 0, probe: 5 });
      const options = { batch: 4, sequence: 16, epochs: 10, products: "float32", inference } as const;
      for await (const _ of fit(model, corpus, options));
      return model;
    })();
    trained.set(name, found);
  }
  return found;
}

const probabilitiesOf = (session: Session) => [...session.distribution().probabilities];

async function after(model: LanguageModel, pieces: readonly string[], options = {}): Promise<Session> {
  const session = await model.session(options);
  for (const piece of pieces) await session.read(piece);
  return session;
}

describe.each(Object.keys(TOKENIZERS))("%s", (name) => {
  const text = "the ship sees the moon.\nthe wha";

  test("text in pieces of any size is that text, and what score predicts from", async () => {
    const model = await modelOf(name);
    for (let length = 1; length <= text.length; length++) {
      const part = text.slice(0, length);
      const ids = model.tokenizer.encode(part);
      if (ids.length === 0) continue;
      const whole = probabilitiesOf(await after(model, [part]));
      expect(probabilitiesOf(await after(model, [...part])), part).toEqual(whole);
      const halves = [part.slice(0, length >> 1), part.slice(length >> 1)];
      expect(probabilitiesOf(await after(model, halves)), part).toEqual(whole);
    }
    const { tokens } = await model.score(text);
    const ids = model.tokenizer.encode(text);
    const place = tokens[tokens.length - 1].start;
    const before = model.tokenizer.kind === "json" ? null : await after(model, [text.slice(0, place)]);
    if (before)
      expect(Math.log(probabilitiesOf(before)[ids[ids.length - 1]])).toBeCloseTo(
        tokens[tokens.length - 1].logProbability,
        6,
      );
  });

  test("bytes hold the place: what was opened from them continues alike", async () => {
    const model = await modelOf(name);
    for (const cut of [0, 1, 6, 12, 25, 29]) {
      const options = cut % 2 ? { samples: 2, seed: 9 } : {};
      const first = await after(model, [text.slice(0, cut)], options);
      const second = await model.session({ from: first.toBytes() });
      expect(second.samples).toBe(first.samples);
      for (const session of [first, second]) await session.read(text.slice(cut));
      expect(second.distribution()).toEqual(first.distribution());
      expect(second.word).toBe("wha");
    }
  });
});

describe("sessions of one model", () => {
  test("take turns with their states, and forks part", async () => {
    const model = await modelOf("characters");
    const texts = ["the sea", "the ship sees", "the whale", "the sky finds the "];
    const alone = await Promise.all(texts.map(async (text) => probabilitiesOf(await after(model, [text]))));
    const sessions = await Promise.all(texts.map(() => model.session()));
    for (let i = 0; i < 20; i++)
      for (const [s, session] of sessions.entries()) await session.read(texts[s][i] ?? "");
    for (const [s, session] of sessions.entries()) expect(probabilitiesOf(session)).toEqual(alone[s]);
    const fork = sessions[0].fork();
    await fork.read(" sees");
    expect(probabilitiesOf(sessions[0])).toEqual(alone[0]);
    expect(probabilitiesOf(fork)).toEqual(probabilitiesOf(await after(model, ["the sea sees"])));
  });

  test("overlapping reads are taken in their order, and others keep their place meanwhile", async () => {
    const model = await modelOf("characters");
    const long = TEXT.slice(0, 3000);
    const session = await model.session();
    const other = await after(model, ["the w"]);
    const reads = [
      session.read(long.slice(0, 1500)),
      session.read(long.slice(1500, 1501)),
      session.read(long.slice(1501)),
    ];
    const expected = probabilitiesOf(await after(model, ["the w"]));
    expect(probabilitiesOf(other)).toEqual(expected);
    await Promise.all(reads);
    expect(probabilitiesOf(session)).toEqual(probabilitiesOf(await after(model, [long])));
  });

  test("see the weights of the time they were opened, and not those of a later training", async () => {
    const model = await LanguageModel.load((await modelOf("characters")).toBytes());
    const session = await after(model, ["the "]);
    const before = probabilitiesOf(session);
    const bytes = session.toBytes();
    const corpus = await Corpus.open(TEXT.slice(0, 400), { tokenizer: model.tokenizer });
    for await (const _ of fit(model, corpus, { batch: 2, sequence: 8, epochs: 1 }));
    expect(probabilitiesOf(session)).toEqual(before);
    expect(probabilitiesOf(await after(model, ["the "]))).not.toEqual(before);
    await expect(model.session({ from: bytes })).rejects.toMatchObject({ code: "E_MODEL" });
  });

  test("top is the distribution's order, with its uncertainty", async () => {
    const model = await modelOf("characters");
    const session = await after(model, ["the s"], { samples: 3 });
    const { probabilities, entropy, mutualInformation } = session.distribution();
    const order = [...probabilities.keys()].sort((a, b) => probabilities[b] - probabilities[a] || a - b);
    for (const count of [1, 5, probabilities.length, 1000]) {
      const top = session.top(count);
      expect(top.tokens.map(({ token }) => token)).toEqual(order.slice(0, count));
      expect(top).toMatchObject({ entropy, mutualInformation });
    }
    expect(session.top(1).tokens[0].text).toBe(model.tokenizer.decode([order[0]]));
    expect(mutualInformation).toBeGreaterThan(0);
  });

  test("before anything is read, the next token is the first of a line", async () => {
    const model = await modelOf("characters");
    const session = await model.session();
    expect(probabilitiesOf(session)).toEqual(probabilitiesOf(await after(model, ["\n"])));
    await session.read("the");
    expect(probabilitiesOf(session)).toEqual(probabilitiesOf(await after(model, ["the"])));
  });
});

describe("a session with a cache", () => {
  const CACHE = { size: 20, theta: 0.5, lambda: 0.3 };
  const text = "the ship sees the moon.\nthe wha";

  test.each(Object.keys(TOKENIZERS))(
    "of %s: pieces of any size are the text, with score's probabilities",
    async (name) => {
      const model = await modelOf(name);
      for (const options of [{ cache: CACHE }, { cache: CACHE, samples: 2 }]) {
        const whole = (await after(model, [text], options)).distribution();
        expect((await after(model, [...text], options)).distribution()).toEqual(whole);
        expect([...whole.probabilities]).not.toEqual(probabilitiesOf(await after(model, [text])));
        // Subwords of the text and one more character need not begin alike.
        if (model.tokenizer.kind === "json") continue;
        const more = model.tokenizer.kind === "word" ? " sees" : "l";
        const { tokens } = await model.score(text + more, options);
        const { token, logProbability, mutualInformation } = tokens[tokens.length - 1];
        expect(Math.log(whole.probabilities[token])).toBeCloseTo(logProbability, 6);
        expect(whole.mutualInformation).toBeCloseTo(mutualInformation, 6);
      }
    },
  );

  test.each(Object.keys(TOKENIZERS))("of %s: bytes and forks hold it", async (name) => {
    const model = await modelOf(name);
    for (const cut of [0, 1, 12, 25, 29]) {
      const first = await after(model, [text.slice(0, cut)], { cache: CACHE });
      const bytes = first.toBytes();
      const fork = first.fork();
      const expected = (await after(model, [text], { cache: CACHE })).distribution();
      for (const session of [await model.session({ from: bytes }), fork]) {
        await session.read(text.slice(cut));
        expect(session.distribution()).toEqual(expected);
      }
      await first.read(text.slice(cut));
      expect(first.distribution()).toEqual(expected);
    }
  });

  test("keeps and writes no more than counts, and says what it was opened with", async () => {
    const model = await modelOf("characters");
    const session = await after(model, [TEXT.slice(0, 2000)], { cache: CACHE });
    const bytes = session.toBytes();
    expect(bytes.length).toBeLessThan(
      2 * (await after(model, [TEXT.slice(0, 60)], { cache: CACHE })).toBytes().length,
    );
    expect(probabilitiesOf(await model.session({ from: bytes }))).toEqual(probabilitiesOf(session));
    for (const cache of [false, true, { ...CACHE, size: 21 }])
      await expect(model.session({ from: bytes, cache })).rejects.toMatchObject({
        code: "E_OPTION",
        option: "cache",
      });
    await expect(model.session({ from: bytes, cache: CACHE })).resolves.toBeDefined();
    const plain = (await after(model, ["the "])).toBytes();
    await expect(model.session({ from: plain, cache: true })).rejects.toMatchObject({ code: "E_OPTION" });
  });

  test("completes with words that were typed before", async () => {
    for (const name of ["characters", "words"]) {
      const model = await modelOf(name);
      const typed = ["the ship sees the ship sees the ship sees the s"];
      const [plain, cached] = await Promise.all(
        [{}, { cache: { size: 50, theta: 2, lambda: 0.5 } }].map(async (options) => {
          const words = await (await after(model, typed, options)).complete({ count: 3 });
          return words.find((word) => word.text === "ship")!.probability;
        }),
      );
      expect(cached, name).toBeGreaterThan(plain);
    }
  });

  test("bytes whose cache is damaged are refused", async () => {
    const model = await modelOf("characters");
    const bytes = (await after(model, ["the sea"], { cache: CACHE })).toBytes();
    const end = bytes.indexOf(10);
    const header = JSON.parse(new TextDecoder().decode(bytes.subarray(0, end)));
    const { cache } = header;
    for (const wrong of [
      5,
      null,
      { ...cache, width: 1 },
      { ...cache, width: cache.width / 2, words: [...cache.words, ...cache.words] },
      { ...cache, words: cache.words.slice(1) },
      { ...cache, words: cache.words.map(() => 1e6) },
      { ...cache, dropped: 3 },
      { ...cache, form: { size: -1 } },
    ]) {
      const line = new TextEncoder().encode(JSON.stringify({ ...header, cache: wrong }));
      const damaged = new Uint8Array([...line, ...bytes.subarray(end)]);
      await expect(model.session({ from: damaged }), JSON.stringify(wrong)).rejects.toMatchObject({
        code: "E_FORMAT",
      });
    }
  });
});

describe("complete", () => {
  /** Product of a path's probabilities, and of a character that ends a word behind it. */
  async function probabilityOf(model: LanguageModel, before: string, rest: string): Promise<number> {
    const session = await after(model, [before]);
    let probability = 1;
    for (const character of rest) {
      const [id] = model.tokenizer.encode(character);
      probability *= session.distribution().probabilities[id];
      await session.read(character);
    }
    let end = 0;
    // Bytes from 128 on, which decode to U+FFFD by themselves, are parts of letters.
    for (const [id, p] of session.distribution().probabilities.entries())
      if (/[^\p{L}\p{M}\p{N}'’\ufffd-]/u.test(model.tokenizer.decode([id]))) end += p;
    return probability * end;
  }

  test.each(["characters", "bytes"])(
    "of %s: the likeliest words, with the product of their probabilities",
    async (name) => {
      const model = await modelOf(name);
      const found = await (await after(model, ["the s"])).complete({ count: 3 });
      expect(found.map(({ text }) => text).sort()).toEqual(["sea", "ship", "sky"]);
      for (const { text, probability } of found)
        expect(probability).toBeCloseTo(await probabilityOf(model, "the s", text.slice(1)), 4);
      const falling = found.map(({ probability }) => probability);
      expect(falling).toEqual([...falling].sort((a, b) => b - a));
      const asked = await (await after(model, ["the "])).complete({ prefix: "s", count: 3 });
      expect(asked).toEqual(found);
    },
  );

  test("of words: exact, among those that begin so", async () => {
    const model = await modelOf("words");
    const session = await after(model, ["the s"]);
    const found = await session.complete({ count: 10 });
    const { probabilities } = (await after(model, ["the "])).distribution();
    const wanted = WORDS.filter((word) => word.startsWith("s"));
    const sum = wanted.reduce((total, word) => total + probabilities[model.tokenizer.encode(word)[0]], 0);
    expect(found.map(({ text }) => text).sort()).toEqual(wanted.sort());
    for (const { text, probability } of found)
      expect(probability).toBeCloseTo(probabilities[model.tokenizer.encode(text)[0]] / sum, 6);
    expect((await (await model.session()).complete({ prefix: "t", count: 1 }))[0].text).toBe("the");
  });

  test("of subwords: words whose tokens span what is typed and what is not", async () => {
    const model = await modelOf("byte-level pieces");
    const found = await (await after(model, ["the s"])).complete({ count: 3 });
    expect(found.map(({ text }) => text).sort()).toEqual(["sea", "ship", "sky"]);
    expect(found.reduce((sum, { probability }) => sum + probability, 0)).toBeLessThanOrEqual(1);
    expect(found.reduce((sum, { probability }) => sum + probability, 0)).toBeGreaterThan(0.5);
    // In this vocabulary "the" is one token: a half-typed "th" is not how it is written.
    const whole = await (await after(model, ["the sea sees th"])).complete({ count: 1 });
    expect(whole[0].text).toBe("the");
    expect(whole[0].probability).toBeGreaterThan(0.8);
    const pieces = await (await after(await modelOf("word pieces"), ["the wha"])).complete({ count: 2 });
    expect(pieces[0].text.startsWith("wha")).toBe(true);
  });

  test("until says where it ends, and a word that cannot be written is an error", async () => {
    const model = await modelOf("characters");
    const [line] = await (await after(model, ["the moon"])).complete({ until: /\n/, count: 1, effort: 400 });
    expect(line.text).toMatch(/^moon/);
    const words = await after(await modelOf("words"), ["the q"]);
    await expect(words.complete()).rejects.toMatchObject({ code: "E_PREFIX", value: "q" });
    await expect(words.complete({ count: 0 })).rejects.toMatchObject({ code: "E_OPTION" });
    await expect(words.complete({ until: "x" as never })).rejects.toMatchObject({ code: "E_OPTION" });
    const reason = new Error("typed on");
    const aborted = (await after(model, ["the "])).complete({ signal: AbortSignal.abort(reason) });
    await expect(aborted).rejects.toBe(reason);
  });
});

describe("mistakes", () => {
  test("a disposed session, one that is still reading, options that are none", async () => {
    const model = await modelOf("characters");
    const session = await model.session();
    const reading = session.read(TEXT.repeat(4));
    for (const use of [
      () => session.top(),
      () => session.distribution(),
      () => session.fork(),
      () => session.toBytes(),
    ])
      expect(use).toThrow(expect.objectContaining({ code: "E_BUSY" }));
    await reading;
    await expect(session.read(5 as never)).rejects.toMatchObject({ code: "E_OPTION" });
    expect(() => session.top(0)).toThrow(expect.objectContaining({ code: "E_OPTION" }));
    const loose = session as unknown as Record<string, (...given: unknown[]) => unknown>;
    for (const [method, ...given] of [
      ["top", 1, { samples: 2 }],
      ["top", undefined, null],
      ["distribution", { temperature: 2 }],
      ["fork", { samples: 1 }],
      ["toBytes", { quantized: "int8" }],
    ] as const)
      expect(() => loose[method](...given), method).toThrow(expect.objectContaining({ code: "E_OPTION" }));
    expect(session.top(1, ...([undefined] as unknown as [])).tokens).toHaveLength(1);
    session.dispose();
    await expect(session.read("a")).rejects.toMatchObject({ code: "E_DISPOSED" });
    await expect(session.complete()).rejects.toMatchObject({ code: "E_DISPOSED" });
    expect(() => session.top()).toThrow(expect.objectContaining({ code: "E_DISPOSED" }));
    for (const options of [{ samples: -1 }, { sampels: 2 }, { cache: { size: 0 } }, { cache: 5 }, 5, null])
      await expect(model.session(options as never), JSON.stringify(options)).rejects.toMatchObject({
        code: "E_OPTION",
      });
    const another = await LanguageModel.load(model.toBytes());
    await expect(another.session({ memoryLimit: 1000 })).rejects.toMatchObject({ code: "E_MEMORY" });
  });

  test("bytes that are not a session's are refused, however they are damaged", async () => {
    const model = await modelOf("characters");
    const bytes = (await after(model, ["the "])).toBytes();
    await expect(model.session({ from: bytes, samples: 2 })).rejects.toMatchObject({ code: "E_OPTION" });
    await expect((await modelOf("words")).session({ from: bytes })).rejects.toMatchObject({
      code: "E_MODEL",
    });
    for (let i = 0; i < bytes.length; i += 7) {
      const cut = await model.session({ from: bytes.slice(0, i) }).catch((error) => error);
      expect(cut, `cut at ${i}`).toBeInstanceOf(SviError);
    }
    const end = bytes.indexOf(10);
    for (let i = 0; i < end; i++) {
      const damaged = bytes.slice();
      damaged[i] ^= 1 << (i % 7);
      const found = await model.session({ from: damaged }).catch((error) => error);
      if (found instanceof Error) expect(found, `byte ${i}`).toBeInstanceOf(SviError);
    }
    const later = new TextDecoder().decode(bytes.subarray(0, end)).replace('"version":1', '"version":2');
    const other = new Uint8Array([...new TextEncoder().encode(later), ...bytes.subarray(end)]);
    await expect(model.session({ from: other })).rejects.toMatchObject({ code: "E_VERSION" });
  });

  test("a symbol that the vocabulary has not leaves the session as it was", async () => {
    const tokenizer = characterTokenizer({ characters: "the sa", unknown: false });
    const model = await LanguageModel.create({ tokenizer, embedding: 3, hidden: 5 });
    const session = await after(model, ["the"]);
    const before = probabilitiesOf(session);
    await expect(session.read(" sky")).rejects.toMatchObject({ code: "E_UNKNOWN_SYMBOL" });
    expect(probabilitiesOf(session)).toEqual(before);
  });
});
