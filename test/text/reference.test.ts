/** Whatever a tokenizer.json says, the Rust library (npm's native `tokenizers`) is asked the same. */
import fc from "fast-check";
import { Tokenizer as Native } from "tokenizers";
import { describe, expect, it } from "vitest";
import { textPieces } from "../../src/text/index.ts";
import { jsonTokenizer } from "../../src/text/json.ts";
import { CHARSMAP } from "./charsmap.ts";
import { layouts } from "./layouts.ts";

const RUNS = 1000;

/** Strings of what tokenizers trip over: contractions, marks, controls, spaces of all kinds, new and old scripts. */
const strings = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        ..."a e s t 'S 're 'LL 'ſ don't The whale wake café e\u0301 É İ ß ẞ ſ K ς Σ ΑΣ ﬁ ﬆ ½ Ⅷ ① ٣ 1234 10:30 ... ?! ``".split(
          " ",
        ),
        ...[
          "  ",
          " ",
          "\t",
          "\r",
          "\u00a0",
          "\u3000",
          "\u2028",
          "\u0085",
          "\u200b",
          "\u200d",
          "\ufeff",
          "\ufffd",
        ],
        ...["\u0000", "\u0001", "\u001f", "\u007f", "\u009f", "\u00ad", "\u0301", "\u0316", "\u0345"],
        ...[
          "▁",
          "▁▁",
          "Ġ",
          "##",
          "</w>",
          "<0x41>",
          "<s>",
          "</s>",
          "<unk>",
          "[MASK]",
          " [UNK] ",
          "<mask>",
          "<|eot_id|>",
        ],
        ...[
          "東京",
          "한국",
          "नमस्ते",
          "привет",
          "😀",
          "👩‍👩‍👧",
          "🇫🇷",
          "\u{1e030}",
          "\u{105c9}",
          "\u{10ec5}",
          "ㇷ゚",
          "\u1734",
        ],
      ),
      fc.string({ unit: "binary", maxLength: 3 }),
      fc.string({ unit: "grapheme", maxLength: 3 }),
      fc.string({ unit: "grapheme-ascii", maxLength: 6 }),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join("").replace(/\p{Surrogate}/gu, "?"));

const linesOf = (text: string) => text.match(/[^\n]*\n|[^\n]+/g) ?? [];

const cases = Object.entries(layouts(CHARSMAP));

describe("a tokenizer.json laid out as published ones are gives the ids and the text of the Rust library", () => {
  it("and there are at least 12 layouts", () => expect(cases.length).toBeGreaterThanOrEqual(12));

  it.each(cases)(
    "%s",
    async (_, file) => {
      const native = Native.fromString(JSON.stringify(file));
      const ours = jsonTokenizer(file);
      await fc.assert(
        fc.asyncProperty(strings, fc.boolean(), async (x, ends) => {
          const line = x.replaceAll("\n", " ") + (ends ? "\n" : "");
          fc.pre(line !== "");
          const ids = (await native.encode(line, null, { addSpecialTokens: false })).getIds();
          const own = [...ours.encode(line)];
          expect(own).toEqual([...ids]);
          if (ids.length > 0) expect(ours.decode(own)).toBe(await native.decode(own, false));
        }),
        { numRuns: RUNS },
      );
    },
    120_000,
  );

  it.each(cases)(
    "%s, by lines",
    async (_, file) => {
      const native = Native.fromString(JSON.stringify(file));
      const ours = jsonTokenizer(file);
      await fc.assert(
        fc.asyncProperty(fc.array(strings, { maxLength: 4 }), async (lines) => {
          const text = lines.join("\n");
          const each = await Promise.all(
            linesOf(text).map(async (line) =>
              (await native.encode(line, null, { addSpecialTokens: false })).getIds(),
            ),
          );
          expect([...ours.encode(text)]).toEqual(each.flat());
        }),
        { numRuns: 50 },
      );
    },
    60_000,
  );

  it.each(cases)("%s: pieces of any tokens join to their text, from any place on", (_, file) => {
    const ours = jsonTokenizer(file);
    const id = fc.integer({ min: 0, max: ours.vocabularySize - 1 });
    fc.assert(
      fc.property(fc.array(id, { maxLength: 30 }), fc.nat({ max: 30 }), (ids, cut) => {
        const pieces = textPieces(ours, ids.slice(0, cut));
        const written = ids.slice(cut).map((one) => pieces.push(one));
        const whole = ours.decode(ids);
        expect(ours.continue([], ids)).toBe(whole);
        if (whole.startsWith(ours.decode(ids.slice(0, cut))))
          expect(written.join("") + pieces.end()).toBe(ours.continue(ids.slice(0, cut), ids.slice(cut)));
      }),
      { numRuns: 200 },
    );
  });
});
