/** Values of another realm, which are not instances of this one's classes. */
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { bytesIn, isBlob, isResponse, memoryOf, messageOf } from "../src/shapes.ts";
import { Corpus } from "../src/text/corpus.ts";
import { byteTokenizer } from "../src/text/tokenizer.ts";

const foreign = (expression: string) => runInNewContext(expression);

describe("bytes of another realm are bytes", () => {
  test.each([
    "Uint8Array.of(97, 98)",
    "Uint8Array.of(97, 98).buffer",
    "new Uint8ClampedArray([97, 98])",
    "new DataView(Uint8Array.of(97, 98).buffer)",
    "Uint8Array.of(0, 97, 98).subarray(1)",
  ])("%s", async (expression) => {
    const value = foreign(expression);
    expect([...bytesIn(value)!]).toEqual([97, 98]);
    const corpus = await Corpus.open(value, { tokenizer: byteTokenizer() });
    expect(corpus.tokens).toBe(2);
  });

  test("a piece of a stream", async () => {
    const stream = (async function* () {
      yield foreign("Uint8Array.of(97, 98, 99)");
    })();
    const corpus = await Corpus.fromStream(stream, {
      tokenizer: byteTokenizer(),
      tokens: 3,
      lanes: "contiguous-buffered",
    });
    const lanes = corpus.lanes({ batch: 1, sequence: 2 });
    expect(await lanes.next(new Int32Array(2), new Int32Array(2))).toBe(2);
  });
});

test("other things are not", () => {
  for (const value of [null, undefined, 1, "ab", [97], {}, { byteLength: 2 }, new Float32Array(2)])
    expect(bytesIn(value)).toBeNull();
  expect(memoryOf(new Float32Array(2))).toHaveLength(8);
  expect([isBlob(null), isBlob({ size: 1 }), isResponse(null), isResponse({ ok: true })]).toEqual(
    Array(4).fill(false),
  );
});

test("an error of another realm keeps its message", () => {
  expect(messageOf(foreign("new TypeError('lost')"))).toBe("lost");
  expect([messageOf("text"), messageOf(null), messageOf(undefined)]).toEqual(["text", "null", "undefined"]);
});
