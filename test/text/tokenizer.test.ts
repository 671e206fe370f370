import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  byteTokenizer,
  characterTokenizer,
  learnTokenizer,
  type Tokenizer,
  tokenizerFromDescription,
  wordTokenizer,
} from "../../src/text/index.ts";
import { byCodePoints, WordCounts } from "../../src/text/learn.ts";
import { errorOf } from "../support/errors.ts";
import { text } from "./support.ts";

const ids = (tokenizer: Tokenizer, x: string) => [...tokenizer.encode(x)];
const reread = (tokenizer: Tokenizer) =>
  tokenizerFromDescription(JSON.parse(JSON.stringify(tokenizer.describe())));

describe("the byte tokenizer", () => {
  it("gives the bytes of UTF-8", () => {
    expect(ids(byteTokenizer(), "aé€😀")).toEqual([97, 0xc3, 0xa9, 0xe2, 0x82, 0xac, 0xf0, 0x9f, 0x98, 0x80]);
    expect(byteTokenizer().vocabularySize).toBe(256);
    expect(byteTokenizer().endOfLine).toBe("\n".charCodeAt(0));
  });

  it("decodes what it encoded, a byte order mark included", () => {
    const { encode, decode } = byteTokenizer();
    expect(decode(encode("\uFEFFx"))).toBe("\uFEFFx");
    fc.assert(fc.property(text, (x) => decode(encode(x)) === x));
  });

  it("writes broken sequences as U+FFFD and refuses ids that are not bytes", async () => {
    expect(byteTokenizer().decode([0xe2, 0x82, 97])).toBe("\uFFFDa");
    expect(await errorOf(() => byteTokenizer().decode([256]))).toMatchObject({
      code: "E_TOKEN_RANGE",
      value: 256,
    });
  });
});

describe("the character tokenizer", () => {
  it("numbers code points in order, after the unknown id", () => {
    const tokenizer = characterTokenizer({ characters: "b😀a\nb" });
    expect(tokenizer.vocabularySize).toBe(5);
    expect(tokenizer.unknown).toBe(0);
    expect(tokenizer.endOfLine).toBe(1);
    expect(ids(tokenizer, "ab😀\n?😁")).toEqual([2, 3, 4, 1, 0, 0]);
    expect(tokenizer.decode([2, 0, 4])).toBe("a\uFFFD😀");
  });

  it("throws for other characters where there is no unknown id", async () => {
    const tokenizer = characterTokenizer({ characters: "ab", unknown: false });
    expect(tokenizer.vocabularySize).toBe(2);
    expect(ids(tokenizer, "ba")).toEqual([1, 0]);
    expect(await errorOf(() => tokenizer.encode("a😀"))).toMatchObject({
      code: "E_UNKNOWN_SYMBOL",
      value: "😀",
    });
    expect(await errorOf(() => tokenizer.decode([2]))).toMatchObject({ code: "E_TOKEN_RANGE" });
  });

  it("decodes what it encoded", () => {
    fc.assert(
      fc.property(text, (x) => {
        fc.pre(x.length > 0);
        const tokenizer = reread(characterTokenizer({ characters: x }));
        expect(tokenizer.decode(tokenizer.encode(x))).toBe(x);
        expect(tokenizer.vocabularySize).toBe(new Set(x).size + 1);
      }),
    );
  });

  it.each([[[]], [["ab"]], [[""]], [["\ud800"]]])("refuses the vocabulary %j", async (characters) => {
    expect(await errorOf(() => characterTokenizer({ characters }))).toMatchObject({ code: "E_TOKENIZER" });
  });
});

describe("the word tokenizer", () => {
  const tokenizer = wordTokenizer({ words: ["a", "b", "c"] });

  it("counts N words and M line feeds as N + M tokens, and reads a literal <unk>", () => {
    expect(ids(tokenizer, "a b <unk>\n c\n")).toEqual([2, 3, 0, 1, 4, 1]);
    expect(ids(tokenizer, "\uFEFFa\u00a0x\t\r\nb")).toEqual([2, 0, 1, 3]);
    expect(ids(tokenizer, " \t")).toEqual([]);
  });

  it("decodes to words with single spaces, lines by line", () => {
    expect(tokenizer.decode([2, 3, 0, 1, 1, 4, 1])).toBe("a b <unk>\n\nc\n");
    const tokens = fc.array(fc.integer({ min: 0, max: 4 }));
    fc.assert(
      fc.property(tokens, (x) => {
        expect(ids(tokenizer, tokenizer.decode(x))).toEqual(x);
      }),
    );
  });

  it("takes for whitespace what \\s matches, in all of Unicode's first plane", () => {
    const word = wordTokenizer({ words: ["x"] });
    const spaces = Array.from({ length: 65536 }, (_, unit) => String.fromCharCode(unit)).filter(
      (unit) => unit !== "\n" && word.encode(`x${unit}x`).length === 2,
    );
    expect(spaces).toEqual(
      Array.from({ length: 65536 }, (_, unit) => String.fromCharCode(unit)).filter((unit) =>
        /[^\S\n]/.test(unit),
      ),
    );
  });

  it.each([[["a", "a"]], [["<unk>"]], [["<eos>"]], [["a b"]], [[""]], [[1]], ["ab"], [["\udc00"]]])(
    "refuses the vocabulary %j",
    async (words) => {
      expect(await errorOf(() => wordTokenizer({ words: words as string[] }))).toMatchObject({
        code: "E_TOKENIZER",
      });
    },
  );

  it("refuses vocabularies beyond what a model can hold", async () => {
    expect(await errorOf(() => wordTokenizer({ words: new Array(2 ** 22) }))).toMatchObject({
      code: "E_TOKENIZER",
      value: 2 ** 22,
    });
  });
});

describe("learning a vocabulary", () => {
  it("orders words by falling count, then code points", async () => {
    const words = await learnTokenizer("\uffff 𐀀 z b b <unk> <unk>\n<eos> a\n", { kind: "word" });
    expect(words.describe()).toEqual({ kind: "word", words: ["b", "a", "z", "\uffff", "𐀀"] });
    expect(reread(words).encode("b zz\n")).toEqual(Int32Array.of(2, 0, 1));
  });

  it("leaves out rare words, then the rarest above the maximum", async () => {
    const x = "a a a b b c c d";
    const least = await learnTokenizer(x, { kind: "word", minimumCount: 2 });
    expect(least.describe()).toEqual({ kind: "word", words: ["a", "b", "c"] });
    const most = await learnTokenizer(x, { kind: "word", maximumVocabulary: 4 });
    expect(most.describe()).toEqual({ kind: "word", words: ["a", "b"] });
    expect(most.vocabularySize).toBe(4);
    const characters = await learnTokenizer("cccbba", { kind: "character", maximumVocabulary: 3 });
    expect(characters.describe()).toEqual({ kind: "character", characters: "bc", unknown: true });
  });

  it("treats line ends as the corpus will", async () => {
    const kept = await learnTokenizer("a\r\n", { kind: "character" });
    const lf = await learnTokenizer("a\r\n", { kind: "character", lineEnds: "lf" });
    expect([kept.vocabularySize, lf.vocabularySize]).toEqual([4, 3]);
  });

  it("counts the words of several texts, none of which spans two of them", async () => {
    const word = await learnTokenizer(["a b", "b\n", "b c"], { kind: "word" });
    expect(word.describe()).toEqual({ kind: "word", words: ["b", "a", "c"] });
  });

  it("forgets the rarest words where there are too many", () => {
    const counts = new WordCounts(3);
    counts.add("a a b c");
    counts.add("d e f a");
    expect(Object.fromEntries(counts.entries())).toEqual({ a: 3, e: 1, f: 1 });
  });

  it("compares by code points", () => {
    expect(["𐀀", "\uffff", "a", "ab", ""].sort(byCodePoints)).toEqual(["", "a", "ab", "\uffff", "𐀀"]);
  });

  it.each([
    ["", { kind: "word" }, "E_TEXT_EMPTY"],
    [" ", { kind: "word" }, "E_TEXT_EMPTY"],
    ["\n".repeat(50), { kind: "word" }, "E_TEXT_EMPTY"],
    [" \r\n\t\n", { kind: "word", lineEnds: "lf", minimumCount: 3 }, "E_TEXT_EMPTY"],
    ["<unk> <eos>\n", { kind: "word" }, "E_TEXT_EMPTY"],
    ["", { kind: "character" }, "E_TEXT_EMPTY"],
    ["a b\n", { kind: "word", minimumCount: 2 }, "E_OPTION"],
    ["a", { kind: "byte" }, "E_OPTION"],
    ["a", { kind: "word", minimumCount: 0 }, "E_OPTION"],
    ["a", { kind: "word", maximumVocabulary: 2 }, "E_OPTION"],
    [7, { kind: "word" }, "E_OPTION"],
    [null, { kind: "word" }, "E_OPTION"],
  ])("learning from %j with %j throws %s", async (source, options, code) => {
    expect(await errorOf(() => learnTokenizer(source as string, options as never))).toMatchObject({ code });
  });
});

describe("tokenizerFromDescription", () => {
  it.each([
    null,
    "byte",
    [],
    {},
    { kind: "morse" },
    { kind: "character" },
    { kind: "character", characters: "ab" },
    { kind: "character", characters: "", unknown: true },
    { kind: "character", characters: "ba", unknown: true },
    { kind: "character", characters: "aa", unknown: true },
    { kind: "character", characters: "a\ud800", unknown: true },
    { kind: "word" },
    { kind: "word", words: {} },
    { kind: "word", words: ["a", "a"] },
    { kind: "word", words: [null] },
    { kind: "json" },
    { kind: "json", json: {}, config: 3 },
    { kind: "json", json: {}, config: null },
  ])("refuses %j", async (description) => {
    expect(await errorOf(() => tokenizerFromDescription(description))).toMatchObject({ code: "E_TOKENIZER" });
  });

  it("makes a tokenizer of anything, or says that it is none", () => {
    const anything = fc.jsonValue({ maxDepth: 2 });
    const description = fc.record(
      {
        kind: fc.constantFrom("byte", "character", "word", "json"),
        characters: fc.oneof(fc.string({ unit: "binary" }), anything),
        unknown: fc.oneof(fc.boolean(), anything),
        words: fc.oneof(fc.array(fc.string()), anything),
        json: anything,
        config: anything,
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.oneof(anything, description), (d) => {
        try {
          const tokenizer = tokenizerFromDescription(d);
          expect(tokenizer.describe()).toMatchObject({ kind: (d as { kind: string }).kind });
        } catch (error) {
          expect(error).toMatchObject({ code: "E_TOKENIZER" });
        }
      }),
      { numRuns: 500 },
    );
  });

  it("says what a tokenizer.json needs", async () => {
    const error = await errorOf(() => tokenizerFromDescription({ kind: "json", json: {}, config: null }));
    expect(error.message).toContain("{ json: jsonTokenizer } from svi-lm/tokenizers");
  });

  it("hands a tokenizer.json to its reader", () => {
    const seen: unknown[] = [];
    const json = (...given: unknown[]) => {
      seen.push(...given);
      return byteTokenizer();
    };
    tokenizerFromDescription({ kind: "json", json: { model: 1 }, config: null }, { json });
    expect(seen).toEqual([{ model: 1 }, null]);
  });
});
