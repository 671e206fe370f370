import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  byteTokenizer,
  characterTokenizer,
  type Tokenizer,
  textPieces,
  wordTokenizer,
} from "../../src/text/index.ts";
import { jsonTokenizer } from "../../src/text/json.ts";
import { errorOf } from "../support/errors.ts";
import { text } from "./support.ts";
import { byteLevel, wordPiece } from "./tokenizer-json.ts";

const pieces = (tokenizer: Tokenizer, ids: ArrayLike<number>) => {
  const decoder = textPieces(tokenizer);
  return [...Array.from(ids, (id) => decoder.push(id)), decoder.end()];
};

const json = jsonTokenizer(byteLevel());

describe("pieces of text", () => {
  it("come with the token that completes them", () => {
    const euro = [..."a€b"].flatMap((x) => [...new TextEncoder().encode(x)]);
    expect(pieces(byteTokenizer(), euro)).toEqual(["a", "", "", "€", "b", ""]);
    expect(pieces(json, json.encode("a€b"))).toEqual(["a", "", "", "€", "b", ""]);
    expect(pieces(byteTokenizer(), [97, 0xe2, 0x82])).toEqual(["a", "", "", "\uFFFD"]);
    expect(pieces(json, json.encode("a€").slice(0, 3))).toEqual(["a", "", "", "\uFFFD"]);
    const words = wordTokenizer({ words: ["a", "b"] });
    expect(pieces(words, [2, 3, 1, 1, 2])).toEqual(["a", " b", "\n", "\n", "a", ""]);
    expect(pieces(jsonTokenizer(wordPiece), [4, 2, 3])).toEqual(["the", " whale", "s", ""]);
  });

  it.each([
    ["byte", byteTokenizer()],
    ["character", characterTokenizer({ characters: "ab€😀\n" })],
    ["word", wordTokenizer({ words: ["a", "b"] })],
    ["word piece", jsonTokenizer(wordPiece)],
  ])("of any %s tokens join to what they decode to", (_, tokenizer) => {
    const id = fc.integer({ min: 0, max: tokenizer.vocabularySize - 1 });
    fc.assert(
      fc.property(fc.array(id), (ids) => {
        expect(pieces(tokenizer, ids).join("")).toBe(tokenizer.decode(ids));
      }),
    );
  });

  it("of byte-level tokens join to their text", () => {
    fc.assert(fc.property(text, (x) => pieces(json, json.encode(x)).join("") === x));
  });

  it("begin anew after the end, and refuse ids that there are not", async () => {
    const decoder = textPieces(wordTokenizer({ words: ["a"] }));
    expect([decoder.push(2), decoder.end(), decoder.push(2)]).toEqual(["a", "", "a"]);
    for (const tokenizer of [byteTokenizer(), json, wordTokenizer({ words: [] })])
      expect(await errorOf(() => textPieces(tokenizer).push(300))).toMatchObject({ code: "E_TOKEN_RANGE" });
  });
});
