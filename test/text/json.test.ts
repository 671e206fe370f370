import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Corpus, tokenizerFromDescription } from "../../src/text/index.ts";
import { jsonTokenizer } from "../../src/text/json.ts";
import { errorOf } from "../support/errors.ts";
import { sourceOf, text, tokensOf } from "./support.ts";
import { byteLevel, wordPiece } from "./tokenizer-json.ts";

interface LosslessFile {
  added_tokens: object[];
  pre_tokenizer: object;
  model: object;
}

describe("a tokenizer.json", () => {
  it("of byte-level BPE merges, and gives every text back", () => {
    const tokenizer = jsonTokenizer(JSON.stringify(byteLevel()));
    expect(tokenizer.vocabularySize).toBe(263);
    expect(tokenizer).toMatchObject({ kind: "json", unknown: null, endOfLine: 10, lossless: true });
    expect([...tokenizer.encode("the\n the<|end|>")]).toEqual([257, 10, 32, 257, 262]);
    expect(tokenizer.decode(tokenizer.encode("it , is n't ."))).toBe("it , is n't .");
    fc.assert(fc.property(text, (x) => tokenizer.decode(tokenizer.encode(x)) === x));
  });

  it("never has a token across a line end", () => {
    const { encode } = jsonTokenizer(byteLevel());
    expect([...encode("\n\n\r\n")]).toEqual([10, 10, 260]);
  });

  it("of word pieces gets no special tokens, and has an unknown one", () => {
    const tokenizer = jsonTokenizer(wordPiece);
    expect(tokenizer).toMatchObject({ vocabularySize: 5, unknown: 0, endOfLine: null, lossless: false });
    expect([...tokenizer.encode("The whales\nsail")]).toEqual([4, 2, 3, 0]);
    expect(tokenizer.decode([4, 2, 3])).toBe("the whales");
    expect(tokenizer.decode([])).toBe("");
  });

  it("makes a saved model self-contained", () => {
    const described = JSON.parse(JSON.stringify(jsonTokenizer(wordPiece).describe()));
    const again = tokenizerFromDescription(described, { json: jsonTokenizer });
    expect([...again.encode("whales")]).toEqual([2, 3]);
  });

  it("gives a corpus the same tokens in memory and from the text", async () => {
    for (const tokenizer of [jsonTokenizer(byteLevel()), jsonTokenizer(wordPiece)])
      await fc.assert(
        fc.asyncProperty(text, fc.integer({ min: 8, max: 30 }), fc.boolean(), async (x, blockBytes, lf) => {
          const lineEnds = lf ? "lf" : "keep";
          const expected = tokenizer.encode(lf ? x.replace(/\r\n?/g, "\n") : x);
          fc.pre(expected.length > 1);
          const small = { tokenizer, lineEnds, blockBytes, cacheTokens: 0, anchorTokens: 5 } as const;
          const indexed = await Corpus.open(sourceOf(x), small);
          expect(await tokensOf(indexed)).toEqual([...expected]);
        }),
        { numRuns: 60 },
      );
  });

  it.each([
    [byteLevel({ normalizer: { type: "NFC" } })],
    [byteLevel({ pre_tokenizer: { type: "ByteLevel", add_prefix_space: true, use_regex: true } })],
  ])("is not called lossless where it changes the text", (json) => {
    expect(jsonTokenizer(json).lossless).toBe(false);
  });

  const changed = (change: (json: LosslessFile) => void): object => {
    const json = byteLevel() as LosslessFile;
    change(json);
    return json;
  };
  const end = { special: true, lstrip: false, rstrip: false, normalized: false, single_word: false };
  it.each<[string, object, string, string | null]>([
    [
      "a mark at words' ends",
      changed((json) => Object.assign(json.model, { end_of_word_suffix: "</w>" })),
      "the sea",
      "th se",
    ],
    [
      "a mark inside words",
      changed((json) => Object.assign(json.model, { continuing_subword_prefix: "##", merges: [] })),
      "the sea",
      "t ",
    ],
    [
      "an added token that is a byte's character",
      changed((json) => json.added_tokens.push({ id: 263, content: "é", ...end })),
      "café",
      "caf\ufffd",
    ],
    [
      "an added token that is a space's character",
      changed((json) => json.added_tokens.push({ id: 263, content: "Ġ", ...end })),
      "aĠb",
      "a b",
    ],
    [
      "an added token with the id of another",
      changed((json) => json.added_tokens.push({ id: 257, content: "<s>", ...end })),
      "the",
      null,
    ],
    [
      "two added tokens with one id",
      changed((json) => json.added_tokens.push({ id: 262, content: "<s>", ...end })),
      "<|end|>",
      "<s>",
    ],
    [
      "steps beside a pre-tokenizer of another kind",
      changed((json) =>
        Object.assign(json, {
          pre_tokenizer: { type: "WhitespaceSplit", pretokenizers: [json.pre_tokenizer] },
        }),
      ),
      "a b",
      "ab",
    ],
  ])("with %s is not called lossless, since it is not", (_, json, given, back) => {
    const tokenizer = jsonTokenizer(json);
    expect(tokenizer.lossless).toBe(false);
    const decoded = tokenizer.decode(tokenizer.encode(given));
    expect(decoded).not.toBe(given);
    if (back !== null) expect(decoded).toBe(back);
  });

  it.each([
    ["an added token of plain letters", { id: 263, content: "<s>", ...end }],
    ["an added token that no byte's character is in", { id: 263, content: "漢é", ...end }],
    ["an added token that the vocabulary has", { id: 257, content: "the", ...end }],
  ])("with %s is lossless", (_, token) => {
    const tokenizer = jsonTokenizer(changed((json) => json.added_tokens.push(token)));
    expect(tokenizer.lossless).toBe(true);
    const given = `a${token.content} b`;
    expect(tokenizer.decode(tokenizer.encode(given))).toBe(given);
  });

  it("that lacks a byte is not called lossless", () => {
    const json = byteLevel() as { model: { vocab: Record<string, number> } };
    delete json.model.vocab.q;
    const tokenizer = jsonTokenizer(json);
    expect(tokenizer.lossless).toBe(false);
    expect(tokenizer.decode(tokenizer.encode("queen"))).toBe("ueen");
  });

  it("has no ids beyond its vocabulary", async () => {
    expect(await errorOf(() => jsonTokenizer(byteLevel()).decode([263]))).toMatchObject({
      code: "E_TOKEN_RANGE",
    });
  });

  it("is read, or refused as one, whatever has happened to it", () => {
    const spoil = (value: unknown, path: number[], by: unknown): unknown => {
      if (typeof value !== "object" || value === null || path.length === 0) return by;
      const entries = Object.entries(value);
      if (entries.length === 0) return by;
      const chosen = path[0] % entries.length;
      const changed = entries.map(([key, x], i) => [key, i === chosen ? spoil(x, path.slice(1), by) : x]);
      const spoilt = Object.fromEntries(changed);
      return Array.isArray(value) ? Object.values(spoilt) : spoilt;
    };
    const codes = ["E_TOKENIZER", "E_UNKNOWN_SYMBOL", "E_TOKEN_RANGE"];
    fc.assert(
      fc.property(
        fc.constantFrom(byteLevel(), wordPiece),
        fc.array(fc.nat(), { minLength: 1, maxLength: 4 }),
        fc.jsonValue({ maxDepth: 1 }),
        (json, path, by) => {
          try {
            const tokenizer = jsonTokenizer(spoil(json, path, by) as object);
            tokenizer.decode(tokenizer.encode("the whale\nTHE €😀 <|end|>"));
          } catch (error) {
            expect(codes).toContain((error as { code: string }).code);
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  it("decodes each line as the text that was encoded", () => {
    const vocab = ["<unk>", "\n", "▁", "▁the", "▁sea", "s"].map((token, i) => [token, -i]);
    const step = { type: "Metaspace", replacement: "▁", prepend_scheme: "always", split: true };
    const parts = { pre_tokenizer: step, decoder: step, normalizer: null };
    const marked = jsonTokenizer({ ...wordPiece, ...parts, model: { type: "Unigram", unk_id: 0, vocab } });
    for (const text of ["the sea\nthe sea\n", "the\n\nthe seas", "the  sea\n", "\n"])
      expect(marked.decode(marked.encode(text))).toBe(text);
    expect(marked.continue(marked.encode("the"), marked.encode("sea\nthe"))).toBe(" sea\nthe");
  });

  it("decodes ids that no token has to nothing", () => {
    const end = { id: 9, content: "<end>", special: true, lstrip: false, rstrip: false };
    for (const decoder of [{ type: "WordPiece", prefix: "##", cleanup: false }, null]) {
      const gaps = jsonTokenizer({ ...wordPiece, decoder, added_tokens: [end] });
      expect(gaps.vocabularySize).toBe(10);
      expect(gaps.decode([4, 6, 2, 7])).toBe("the whale");
      expect(gaps.decode([5, 8])).toBe("");
      expect(gaps.continue([4, 7], [8, 2, 9])).toBe(" whale <end>");
    }
  });

  it("that is older than `type` is known by its fields", () => {
    const { type: _, ...pieces } = wordPiece.model;
    expect([...jsonTokenizer({ ...wordPiece, model: pieces }).encode("whales")]).toEqual([2, 3]);
    const level = { vocab: { "[UNK]": 0, whale: 1 }, unk_token: "[UNK]" };
    expect([...jsonTokenizer({ ...wordPiece, model: level }).encode("Whale whales")]).toEqual([1, 0]);
    const { type: __, ...merging } = (byteLevel() as { model: Record<string, unknown> }).model;
    expect([...jsonTokenizer(byteLevel({ model: { ...merging, unk_token: "" } })).encode("the")]).toEqual([
      257,
    ]);
    const scores = {
      unk_id: 0,
      vocab: [
        ["<unk>", 0],
        ["whale", -1],
      ],
    };
    expect([...jsonTokenizer({ ...wordPiece, model: scores }).encode("whale")]).toEqual([1]);
  });

  it("has Unicode's words and punctuation, and bytes for what a Unigram lacks", () => {
    const vocab = { "[UNK]": 0, café: 1, caf: 2, привет: 3, ",": 4, "!": 5, wait: 6, ".": 7 };
    const model = { type: "WordLevel", vocab, unk_token: "[UNK]" };
    const plain = { ...wordPiece, normalizer: null, model };
    expect([...jsonTokenizer(plain).encode("café, привет!")]).toEqual([1, 4, 3, 5]);
    const steps = [{ type: "WhitespaceSplit" }, { type: "Punctuation", behavior: "Isolated" }];
    const split = { ...plain, pre_tokenizer: { type: "Sequence", pretokenizers: steps } };
    expect([...jsonTokenizer(split).encode("wait...")]).toEqual([6, 7, 7, 7]);
    const bytes = Array.from(
      { length: 256 },
      (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`,
    );
    const scores = [["<unk>", 0], ["a", -1], ...bytes.map((byte) => [byte, -9])];
    const unigram = { type: "Unigram", unk_id: 0, vocab: scores, byte_fallback: true };
    const falling = jsonTokenizer({
      ...plain,
      pre_tokenizer: null,
      decoder: { type: "ByteFallback" },
      model: unigram,
    });
    expect([...falling.encode("aé\n")]).toEqual([1, 2 + 0xc3, 2 + 0xa9, 2 + 10]);
    expect(falling.decode(falling.encode("aé€😀\n"))).toBe("aé€😀\n");
  });

  it.each([
    [
      "truncation",
      { truncation: { max_length: 5, strategy: "LongestFirst", stride: 0, direction: "Right" } },
    ],
    ["padding", { padding: { strategy: { Fixed: 4 }, direction: "Right", pad_id: 0, pad_token: "[PAD]" } }],
    ["dropout", { model: { ...(byteLevel() as { model: object }).model, dropout: 0.1 } }],
    ["UnicodeScripts", { pre_tokenizer: { type: "UnicodeScripts" } }],
    ["CTC", { decoder: { type: "CTC", pad_token: "<pad>", word_delimiter_token: "|", cleanup: true } }],
    ["the normalizer Quote", { normalizer: { type: "Quote" } }],
    [
      "\\\\G in a regular expression",
      { pre_tokenizer: { type: "Split", pattern: { Regex: "\\Ga" }, behavior: "Isolated", invert: false } },
    ],
    [
      "a POSIX class",
      {
        pre_tokenizer: {
          type: "Split",
          pattern: { Regex: "[[:alpha:]]" },
          behavior: "Removed",
          invert: false,
        },
      },
    ],
    ["Replace decoder", { decoder: { type: "Replace", pattern: { Regex: "a+" }, content: "" } }],
    [
      "add_prefix_space false",
      { pre_tokenizer: { type: "Metaspace", replacement: "▁", add_prefix_space: false } },
    ],
  ])("with %s is refused by that name", async (feature, change) => {
    const error = await errorOf(() => jsonTokenizer({ ...wordPiece, ...change }));
    expect(error.code).toBe("E_TOKENIZER");
    expect(error.message).toMatch(new RegExp(feature));
  });

  it.each([
    ["{"],
    ["null"],
    ["[]"],
    [{}],
    [{ ...wordPiece, model: undefined }],
    [{ ...wordPiece, model: { ...wordPiece.model, type: "Morse", vocab: { a: 0 } } }],
    [{ ...wordPiece, model: { ...wordPiece.model, vocab: {} } }],
    [{ ...wordPiece, model: { ...wordPiece.model, vocab: { a: 0, b: 0 } } }],
    [{ ...wordPiece, model: { ...wordPiece.model, vocab: { a: 1e9 } } }],
    [{ ...wordPiece, model: { ...wordPiece.model, vocab: { a: -1 } } }],
    [{ ...wordPiece, added_tokens: [{ id: 0.5, content: "x" }] }],
    [{ ...wordPiece, added_tokens: null }],
    [{ ...wordPiece, decoder: undefined, normalizer: 5 }],
  ])("is refused where it is malformed (%#)", async (json) => {
    expect(await errorOf(() => jsonTokenizer(json as string))).toMatchObject({ code: "E_TOKENIZER" });
  });
});
