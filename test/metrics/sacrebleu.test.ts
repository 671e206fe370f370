/** BLEU and chrF beside sacreBLEU 2.6.0, whose values golden.py wrote down. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { bleu, chrf, sentenceBleu, sentenceChrf } from "../../src/entries/metrics.ts";
import golden from "./golden.json" with { type: "json" };

/** sacreBLEU's names of options and ours. */
const NAMES: Record<string, string> = {
  lowercase: "lowercase",
  smooth_method: "smoothing",
  tokenize: "tokenize",
  effective_order: "effectiveOrder",
  max_ngram_order: "maximumOrder",
  word_order: "wordOrder",
  char_order: "characterOrder",
  beta: "beta",
  whitespace: "blanks",
};
const ours = (settings: object = {}) =>
  Object.fromEntries(Object.entries(settings).map(([name, value]) => [NAMES[name], value]));

const present = (text: string | null): text is string => text !== null;

describe.each(golden.cases)("as sacreBLEU has it: $name", ({ settings, ...expected }) => {
  const { bleu: forBleu, chrf: forChrf } = settings as { bleu?: object; chrf?: object };
  const { hypotheses, references } = expected;

  test("BLEU and chrF of the corpus, with their signatures", () => {
    const [b, c] = [bleu(hypotheses, references, ours(forBleu)), chrf(hypotheses, references, ours(forChrf))];
    expect(b.score).toBeCloseTo(expected.bleu, 9);
    expect(c.score).toBeCloseTo(expected.chrf, 9);
    expect([b.signature, c.signature]).toEqual(expected.signatures);
  });

  test("BLEU and chrF of every sentence", () => {
    for (const [i, hypothesis] of hypotheses.entries()) {
      const own = references.map((set) => set[i]).filter(present);
      expect(sentenceBleu(hypothesis, own, ours(forBleu)).score).toBeCloseTo(expected.sentenceBleu[i], 9);
      expect(sentenceChrf(hypothesis, own, ours(forChrf)).score).toBeCloseTo(expected.sentenceChrf[i], 9);
    }
  });
});

/** A folder with further values, bleu.json, where the environment names one. */
const further = join(process.env.SVI_LM_GOLDEN ?? "", "bleu.json");
test.skipIf(!process.env.SVI_LM_GOLDEN || !existsSync(further))("further golden values", () => {
  for (const each of JSON.parse(readFileSync(further, "utf8")).cases) {
    const { hypotheses, references, signatures } = each;
    const plusPlus = chrf(hypotheses, references, { wordOrder: 2 });
    expect(bleu(hypotheses, references).score).toBeCloseTo(each.bleu, 9);
    expect(chrf(hypotheses, references).score).toBeCloseTo(each.chrf, 9);
    expect(plusPlus.score).toBeCloseTo(each["chrf++"], 9);
    expect(plusPlus.signature).toBe(signatures["chrf++"]);
  }
});

describe("what cannot be scored is refused with what was found", () => {
  test.each([
    [
      "sets shorter than the hypotheses",
      ["a", "b"],
      [["a"]],
      /references\[0\] holds 1 texts and hypotheses 2/,
    ],
    ["no references", ["a"], [], /references is empty/],
    ["no hypotheses", [], [[]], /hypotheses is empty/],
    ["texts where sets belong", ["a"], ["a"], /references\[0\] is not a list/],
    ["a hypothesis that is not a text", [undefined], [["a"]], /hypotheses\[0\] is undefined/],
    ["a reference that is not a text", ["a"], [[7]], /references\[0\]\[0\] is 7/],
    ["a sentence without a reference", ["a"], [[null]], /hypotheses\[0\] has no reference/],
  ])("%s", (_, hypotheses, references, message) => {
    for (const metric of [bleu, chrf] as ((h: unknown, r: unknown) => unknown)[]) {
      expect(() => metric(hypotheses, references)).toThrow(message);
      expect(() => metric(hypotheses, references)).toThrow(expect.objectContaining({ code: "E_OPTION" }));
    }
  });

  test("options out of range", () => {
    expect(() => bleu(["a"], [["a"]], { maximumOrder: 0 })).toThrow(/maximumOrder is 0/);
    expect(() => bleu(["a"], [["a"]], { smoothingValue: Number.NaN })).toThrow(/smoothingValue is NaN/);
    expect(() => bleu(["a"], [["a"]], { tokenize: "intl" as "13a" })).toThrow(/tokenize is "intl"/);
    expect(() => chrf(["a"], [["a"]], { beta: -1 })).toThrow(/beta is -1/);
  });
});
