import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Corpus, tokenizerFromDescription } from "../../src/text/index.ts";
import { jsonTokenizer } from "../../src/text/json.ts";
import { errorOf, sourceOf, text, tokensOf } from "./support.ts";
import { byteLevel, wordPiece } from "./tokenizer-json.ts";

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
