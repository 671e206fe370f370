/** Word and character error rates: what is counted, what is refused. */
import { describe, expect, test } from "vitest";
import {
  characterErrorRate,
  characterErrors,
  percent,
  wordErrorRate,
  wordErrors,
} from "../../src/entries/metrics.ts";

describe("errors of one sentence", () => {
  test("are counted by kind, over the words of the reference", () => {
    expect(wordErrors("the cat sat on the mat", "the hat sat the mat now")).toMatchObject({
      errors: 3,
      substitutions: 1,
      insertions: 1,
      deletions: 1,
      correct: 4,
      words: 6,
      rate: 0.5,
      score: 50,
    });
  });

  test("come with an alignment, word by word", () => {
    const { alignment } = wordErrors("a b c", "A x c d");
    expect(alignment).toEqual([
      { kind: "correct", reference: "a", hypothesis: "A" },
      { kind: "substitution", reference: "b", hypothesis: "x" },
      { kind: "correct", reference: "c", hypothesis: "c" },
      { kind: "insertion", reference: null, hypothesis: "d" },
    ]);
  });

  test("have no rate where nothing was said, and count what was heard", () => {
    expect(wordErrors("", "a b")).toMatchObject({
      errors: 2,
      insertions: 2,
      words: 0,
      rate: null,
      score: null,
    });
    expect(wordErrors(" ", "")).toMatchObject({ errors: 0, alignment: [] });
  });

  test("fold the letters of every alphabet", () => {
    expect(wordErrors("привет über", "Привет Über").errors).toBe(0);
    expect(wordErrors("{ Привет / да } Über", "привет über", { alternations: true }).errors).toBe(0);
    expect(wordErrors("привет über", "Привет Über", { caseSensitive: true }).errors).toBe(2);
  });

  test("of characters are of code points, with or without blanks", () => {
    expect(characterErrors("the cat", "thecat").errors).toBe(0);
    expect(characterErrors("the  cat", "thecat", { blanks: true })).toMatchObject({ errors: 1, words: 7 });
    expect(characterErrors("😀é", "😁É")).toMatchObject({ errors: 1, words: 2 });
    expect(characterErrors("Ab", "aB", { caseSensitive: true }).errors).toBe(2);
  });

  test("treat marks as words unless asked", () => {
    expect(wordErrors("{ a / b }", "a").words).toBe(5);
    expect(wordErrors("(uh) a", "a").errors).toBe(1);
    expect(wordErrors("cat;dog cat*", "cat;dog cat*").correct).toBe(2);
  });
});

describe("marks of sclite's in a reference", () => {
  test("alternations: the alternative that costs least, @ for none", () => {
    const alternations = true;
    expect(wordErrors("the { grey / gray } cat", "the gray cat", { alternations })).toMatchObject({
      errors: 0,
      words: 3,
    });
    expect(wordErrors("{ uh / @ } yes", "yes", { alternations })).toMatchObject({ errors: 0, words: 1 });
    expect(wordErrors("{can not/cannot}", "can not", { alternations }).errors).toBe(0);
  });

  test("optional words: correct where they are absent", () => {
    const optionalWords = true;
    const { errors, words, alignment } = wordErrors("(%hesitation) yes", "yes", { optionalWords });
    expect([errors, words, alignment[0].kind]).toEqual([0, 2, "correct"]);
    expect(wordErrors("(uh) yes", "uh yes", { optionalWords }).correct).toBe(2);
  });

  test.each([
    ["{ a / { b / c } }", "a", /an alternation inside another/],
    ["{ a / b", "a", /{ without }/],
    ["a } b", "a", /} without {/],
    ["{ a / }", "a", /an empty alternative/],
    ["x{ a / b }", "a", /an alternation inside a word/],
    ["{ a / b }x", "a", /an alternation inside a word/],
    ["cat;dog", "a", /a comment that begins with ;/],
    ["{ cat* / b }", "a", /a word marked with \*/],
    ["a", "{ a", /an alternation in a hypothesis/],
    ["a", "@", /an alternation in a hypothesis/],
    ["a", "b;", /a comment that begins with ;/],
    ["a", "(uh)", /an optional word in a hypothesis/],
  ])("%s against %s is refused by name", (reference, hypothesis, message) => {
    const options = { alternations: true, optionalWords: true };
    expect(() => wordErrors(reference, hypothesis, options)).toThrow(message);
    expect(() => wordErrors(reference, hypothesis, options)).toThrow(
      expect.objectContaining({ code: "E_FORMAT" }),
    );
  });
});

describe("errors of many sentences", () => {
  test("are summed before they are divided", () => {
    const { score, sentences, sentencesWithErrors, missing } = wordErrorRate(["a b", "c"], ["a b", "d"]);
    expect(score).toBeCloseTo(100 / 3, 12);
    expect([sentences, sentencesWithErrors, missing]).toEqual([2, 1, []]);
  });

  test("count a missing hypothesis as deletions, and say which it was", () => {
    const said = new Map([
      ["u-1", "a b"],
      ["u-2", "c d e"],
    ]);
    const rate = wordErrorRate(said, new Map([["u-1", "a b"]]));
    expect(rate).toMatchObject({ errors: 3, deletions: 3, words: 5, missing: ["u-2"] });
    expect(wordErrorRate(["a b", "c"], ["a b", null]).missing).toEqual(["1"]);
    expect(characterErrorRate(["ab", "c"], [undefined, "c"])).toMatchObject({ deletions: 2, missing: ["0"] });
  });

  test("tell an empty hypothesis from a missing one", () => {
    expect(wordErrorRate(["a b"], [""])).toMatchObject({ deletions: 2, missing: [] });
  });

  test("are refused where texts do not fit together", () => {
    const map = (id: string) => new Map([[id, "a"]]);
    expect(() => wordErrorRate(["a", "b"], ["a"])).toThrow(/2 references and 1 hypotheses/);
    expect(() => wordErrorRate(map("1"), map("2"))).toThrow(/hypothesis "2" has no reference/);
    expect(() => wordErrorRate(["a"], map("0"))).toThrow(/not two lists, nor two maps/);
    expect(() => wordErrorRate(["", " "], ["a", "b"])).toThrow(/hold no words/);
    expect(() => characterErrorRate([], [])).toThrow(/hold no characters/);
    expect(() => wordErrorRate(["a", undefined], ["a", "b"])).toThrow(
      /Sentence 1: The reference is undefined/,
    );
    expect(() => wordErrorRate(["a", "{ b"], ["a", "b"], { alternations: true })).toThrow(
      /^Sentence 1: The reference "{ b" has { without }\. /,
    );
    expect(() => wordErrors("a", 7 as unknown as string)).toThrow(/The hypothesis is 7/);
  });
});

describe("a percentage", () => {
  test.each([
    [6.25, 1, "6.3"],
    [0.35, 1, "0.4"],
    [-6.25, 1, "-6.3"],
    [-0.01, 1, "0.0"],
    [100, 0, "100"],
    [16.755, 2, "16.76"],
    [null, 1, "none"],
  ])("%s with %i digits is shown as %s", (value, digits, shown) => {
    expect(percent(value, digits)).toBe(shown);
  });
});
