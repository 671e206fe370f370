/** Candidate lists in their new order: weights, choice, references, what is reported. */
import { beforeAll, describe, expect, test } from "vitest";
import { type CandidateList, modelScorer, rescore, type Scorer } from "../../src/entries/rescoring.ts";
import { ivon } from "../../src/inference/public.ts";
import { LanguageModel } from "../../src/languageModel.ts";
import { scoreAll } from "../../src/prediction/scoreAll.ts";
import { characterTokenizer } from "../../src/text/character.ts";
import { Corpus } from "../../src/text/corpus.ts";
import { fit } from "../../src/training/fit.ts";
import "../../src/kernels/embedded.ts";

const list = (id: string, ...candidates: [string, number][]): CandidateList => ({
  id,
  candidates: candidates.map(([text, score]) => ({ text, scores: { score } })),
});

/** Says of every text what a map says. */
const saying =
  (values: Record<string, number | number[]>): Scorer =>
  async (texts) =>
    texts.map((text) => {
      const value = values[text];
      if (typeof value === "number") return { logProbability: value };
      return { logProbability: value.reduce((a, b) => a + b) / value.length, samples: value };
    });

describe("the order of a list", () => {
  const lists = [list("u", ["a b", -1], ["a c", -2], ["d", -3])];
  const scorer = saying({ "a b": -10, "a c": -3, d: -8 });

  test("is that of Σ weight × score", async () => {
    const { lists: ranked, weights } = await rescore(lists, scorer, {
      weights: { score: 1, logProbability: 0.5, words: 2 },
    });
    expect(weights).toEqual({ score: 1, logProbability: 0.5, words: 2, unknown: 0 });
    expect(ranked[0]).toMatchObject({ id: "u", best: "a c", score: 0.5 });
    expect(ranked[0].candidates.map(({ text, total }) => [text, total])).toEqual([
      ["a c", 0.5],
      ["a b", -2],
      ["d", -5],
    ]);
    expect(ranked[0].candidates[0]).toMatchObject({ scores: { score: -2 }, logProbability: -3 });
  });

  test("weighs several models side by side, and words that are not in the vocabulary", async () => {
    const other = saying({ "a b": -1, "a c": -2, d: -3 });
    const { lists: ranked, weights } = await rescore(lists, [scorer, other], {
      weights: { score: 1, logProbability: 0.5, logProbability2: -4, unseen: -10 },
      vocabulary: new Set(["a", "b", "c"]),
    });
    expect(weights).toEqual({
      score: 1,
      logProbability: 0.5,
      words: 0,
      unknown: 0,
      logProbability2: -4,
      unknown2: 0,
      unseen: -10,
    });
    // −1 − 5 + 4, −2 − 1.5 + 8 and −3 − 4 + 12 − 10.
    expect(ranked[0].candidates.map(({ text, total }) => [text, total])).toEqual([
      ["a c", 4.5],
      ["a b", -2],
      ["d", -5],
    ]);
    expect(ranked[0].candidates[0]).toMatchObject({
      logProbability: -3,
      scores: { score: -2, logProbability2: -2 },
    });
    const own = await rescore(lists, [scorer, other]);
    expect(own.weights).toMatchObject({ logProbability: 0.15, logProbability2: 0.15 });
  });

  test("is the recogniser's own where there is no scorer", async () => {
    const { lists: ranked } = await rescore(lists, null);
    expect(ranked[0]).toMatchObject({ best: "a b", score: -1 });
    expect(ranked[0].candidates[0].logProbability).toBeNull();
  });

  test("asks the scorer once for every text, normalised", async () => {
    const asked: string[] = [];
    const spy: Scorer = async (texts) => {
      asked.push(...texts);
      return texts.map(() => ({ logProbability: 0 }));
    };
    await rescore([list("u", ["A", 0], ["a", 0]), list("v", ["A", 0], ["B", 0])], spy, {
      normalise: (text) => text.toLowerCase(),
    });
    expect(asked).toEqual(["a", "b"]);
  });
});

describe("minimum Bayes risk", () => {
  test("takes what is near to several, where the likeliest stands alone", async () => {
    const lists = [list("u", ["x y z", -1], ["a b c", -1.2], ["a b d", -1.2])];
    expect((await rescore(lists, null)).lists[0].best).toBe("x y z");
    const { lists: ranked } = await rescore(lists, null, { choice: "mbr" });
    expect(ranked[0].best).toBe("a b c");
    expect(ranked[0].candidates[0].text).toBe("a b c");
    // Half of the errors of the other, all of the first's: p × 1 + q × 3, over three words.
    const [p, q] = [Math.exp(-1.2), Math.exp(-1)].map((w) => w / (2 * Math.exp(-1.2) + Math.exp(-1)));
    expect(ranked[0].uncertainty).toBeCloseTo((p + 3 * q) / 3, 12);
    expect(ranked[0].confidence).toBeCloseTo(p, 12);
  });

  test("averages the probabilities of samples, not their logarithms", async () => {
    const lists = [list("u", ["a", 0], ["b", 0])];
    const weights = { logProbability: 1 };
    // Two samples are sure of b; one abhors it.
    const scorer = saying({ a: [0, 0, 0], b: [3, 3, -20] });
    expect((await rescore(lists, scorer, { weights })).lists[0].best).toBe("a");
    const { lists: ranked } = await rescore(lists, scorer, { weights, choice: "mbr" });
    expect(ranked[0].best).toBe("b");
    expect(ranked[0].confidence).toBeCloseTo((2 * (1 / (1 + Math.exp(-3)))) / 3, 6);
  });

  test("goes by each sample of several models: the first ones belong together", async () => {
    const lists = [list("u", ["a", 0], ["b", 0])];
    const weights = { score: 1, logProbability: 1, logProbability2: 2 };
    const scorers = [saying({ a: [0, 0], b: [1, -1] }), saying({ a: [0, 0], b: [2, -2] })];
    const { lists: ranked } = await rescore(lists, scorers, { weights, choice: "mbr" });
    const sure = 1 / (1 + Math.exp(-5));
    expect(ranked[0].confidence).toBeCloseTo((sure + (1 - sure)) / 2, 6);
    const apart = [saying({ a: [0, 0], b: [1, -1] }), saying({ a: [0, 0], b: [4, -1] })];
    const { lists: other } = await rescore(lists, apart, { weights, choice: "mbr" });
    const [first, second] = [1 / (1 + Math.exp(-9)), 1 / (1 + Math.exp(3))];
    expect(other[0]).toMatchObject({ best: "b" });
    expect(other[0].confidence).toBeCloseTo((first + second) / 2, 6);
  });

  /** Lists of which two candidates are near to each other, and the likeliest stands alone. */
  const parted = (right: readonly string[]) => ({
    lists: right.map((_, i) => list(`u${i}`, ["x y z", -1], ["a b c", -1.2], ["a b d", -1.2])),
    references: new Map(right.map((said, i) => [`u${i}`, said])),
  });

  test("is tuned to the sharpest probabilities that make the fewest errors", async () => {
    const { lists, references } = parted(Array.from({ length: 8 }, () => "a b c"));
    const tuned = await rescore(lists, null, { references, tune: true, choice: "mbr" });
    expect(tuned.errors).toMatchObject({ wer: 0, first: 100 });
    // Risks p₁ + 3q and 6p₁ are equal where 5 e^(−0.2 s) = 3.
    const most = Math.log(5 / 3) / 0.2;
    expect(tuned.riskScale).toBeLessThan(most);
    expect(tuned.riskScale! * 1.25).toBeGreaterThan(most);
    const again = { weights: tuned.weights, scale: tuned.scale, choice: "mbr" as const };
    const same = await rescore(lists, null, { ...again, riskScale: tuned.riskScale! });
    expect(same.lists).toEqual(tuned.lists);
    const sharp = await rescore(lists, null, { ...again, riskScale: 50 });
    expect(sharp.lists[0].best).toBe("x y z");
    // What is said of the choice goes by the scale of the probabilities.
    const [p, q] = [-1, -1.2].map((total) => Math.exp(tuned.scale * total));
    expect(sharp.lists[0].confidence).toBeCloseTo(p / (p + 2 * q), 12);
  });

  test("is tuned to the highest total where fewer errors on a few lists may be chance", async () => {
    const { lists, references } = parted([..."abcdefghijk"].map((_, i) => (i < 6 ? "a b c" : "x y z")));
    const { lists: ranked, riskScale } = await rescore(lists, null, {
      references,
      tune: true,
      choice: "mbr",
    });
    expect(riskScale).toBeGreaterThan(50);
    expect(ranked.map(({ best }) => best)).toEqual(lists.map(() => "x y z"));
    expect((await rescore(lists, null, { references, tune: true })).riskScale).toBeNull();
  });
});

describe("references", () => {
  const lists = [
    list("u", ["x", -1], ["a", -1.5]),
    list("v", ["b c", -1], ["y", -1.5]),
    list("w", ["z z", -1], ["d d", -1.5]),
  ];
  const references = new Map([
    ["u", "a"],
    ["v", "b c"],
    ["w", "d d"],
  ]);
  const scorer = saying({ x: -9, a: -1, "b c": -2, y: -2, "z z": -9, "d d": -2 });

  test("give error rates of what was first, is chosen, and could be chosen", async () => {
    const { errors } = await rescore(lists, null, { references });
    expect(errors).toMatchObject({ wer: 60, first: 60, oracle: 0, missing: [] });
  });

  test("tune the weights for the fewest errors, with an interval", async () => {
    const {
      errors,
      weights,
      lists: ranked,
    } = await rescore(lists, scorer, {
      references,
      tune: true,
      weights: { score: 1 },
    });
    expect(errors).toMatchObject({ wer: 0, interval: { low: 0, high: 0, level: 0.95 } });
    expect(weights.score).toBe(1);
    expect(weights.logProbability).toBeGreaterThan(0.07);
    expect(ranked.map(({ best }) => best)).toEqual(["a", "b c", "d d"]);
  });

  test("without a list count as deletions, and are named", async () => {
    const more = new Map([...references, ["lost", "five words that are missing"]]);
    const { errors } = await rescore(lists, scorer, {
      references: more,
      weights: { score: 1, logProbability: 1 },
    });
    expect(errors).toMatchObject({ wer: 50, missing: ["lost"] });
  });

  test("must be there for every list", async () => {
    await expect(rescore(lists, null, { references: new Map([["u", "a"]]) })).rejects.toThrow(
      /2 lists have no reference, "v" the first/,
    );
  });
});

describe("the surest lists", () => {
  test("have fewer errors than all where uncertainty is right", async () => {
    const lists = Array.from({ length: 10 }, (_, i) => list(`u${i}`, ["a", 0], ["b", i < 2 ? -0.1 : -5]));
    const references = new Map(lists.map(({ id }, i) => [id, i < 2 ? "b" : "a"]));
    const { errors, lists: ranked } = await rescore(lists, null, { references });
    expect(errors).toMatchObject({ wer: 20, surest: 0 });
    expect(ranked[0].uncertainty).toBeGreaterThan(ranked[5].uncertainty);
    expect(ranked[0].confidence).toBeLessThan(ranked[5].confidence);
  });
});

describe("the signal ends what takes long", () => {
  const lists = Array.from({ length: 500 }, (_, i) => list(`u${i}`, ["a b", 0], ["b c", -1]));
  const references = new Map(lists.map(({ id }) => [id, "a c"]));
  test.each([
    ["tuning", { tune: true, references }],
    ["choosing by the least expected errors", { choice: "mbr" as const }],
  ])("%s", async (_, options) => {
    const controller = new AbortController();
    const reason = new Error("enough");
    setImmediate(() => controller.abort(reason));
    await expect(rescore(lists, null, { ...options, signal: controller.signal })).rejects.toBe(reason);
  });
});

describe("what cannot be reordered is refused", () => {
  const lists = [list("u", ["a", 0])];
  test.each([
    ["no lists", [], {}, /There are no lists/],
    ["an empty list", [{ id: "u", candidates: [] }], {}, /The list "u" is empty/],
    ["an id twice", [...lists, ...lists], {}, /The list "u" is there twice/],
    ["a weight of no score", lists, { weights: { lm: 1 } }, /weights names "lm"/],
    ["a weight that is not a number", lists, { weights: { score: Number.NaN } }, /weights.score is NaN/],
    [
      "a weight beyond all sums",
      lists,
      { weights: { score: -1e308 } },
      /weights.score is -1e\+308.*up to 1e\+100/,
    ],
    ["a scale that is not a number", lists, { scale: Number.NaN }, /scale is NaN/],
    ["a scale below 0", lists, { scale: -1 }, /scale is -1/],
    ["a risk scale below 0", lists, { riskScale: -1 }, /riskScale is -1/],
    ["a score beyond all sums", [list("u", ["a", 1e308])], {}, /A score of list "u" is 1e\+308/],
    [
      "a score that one lacks",
      [
        {
          id: "u",
          candidates: [
            { text: "a", scores: { am: 1 } },
            { text: "b", scores: {} },
          ],
        },
      ],
      {},
      /A score of list "u" is undefined/,
    ],
    ["tuning without references", lists, { tune: true }, /tune is true without references/],
    ["another choice", lists, { choice: "worst" as "best" }, /choice is "worst"/],
    ["a score that is not a number", [list("u", ["a", Number.NaN])], {}, /A score of list "u" is NaN/],
    [
      "a score with the name of the vocabulary's",
      [{ id: "u", candidates: [{ text: "a", scores: { unseen: 1 } }] }],
      { vocabulary: new Set(["a"]) },
      /a score called "unseen"/,
    ],
    [
      "a score with the model's name",
      [{ id: "u", candidates: [{ text: "a", scores: { logProbability: 1 } }] }],
      {},
      /a score called "logProbability"/,
    ],
  ])("%s", async (_, given, options, message) => {
    await expect(rescore(given, null, options)).rejects.toThrow(message);
  });

  test("a scorer that does not answer for every text", async () => {
    await expect(rescore(lists, async () => [])).rejects.toThrow(/0 scores for 1 texts/);
  });
});

describe("a model as a scorer", () => {
  let model: LanguageModel;
  beforeAll(async () => {
    model = await LanguageModel.create({
      tokenizer: characterTokenizer({ characters: "\n abcd", unknown: false }),
      embedding: 8,
      hidden: 16,
      seed: 3,
    });
  });

  test("reads every text as a line of its own", async () => {
    const [scored] = await modelScorer(model)(["ab cd"]);
    const reference = scoreAll(model, ["ab cd\n"], { context: "\n" });
    const { value } = await reference.next();
    expect(scored.logProbability).toBe(value && !value.error && value.logProbability);
  });

  test("passes over symbols outside of the vocabulary, and counts them", async () => {
    const scores = await modelScorer(model)(["ab", "a-éb", "--", ""]);
    expect(scores.map(({ unknown }) => unknown)).toEqual([0, 2, 2, 0]);
    expect(scores[1].logProbability).toBe(scores[0].logProbability);
    expect(scores[3].logProbability).toBe(scores[2].logProbability);
    const { unknown } = await rescore([list("u", ["ab", 0], ["a-b", 0])], modelScorer(model));
    expect(unknown).toEqual({ candidates: 1, symbols: 1 });
  });

  test("counts unknown tokens where the vocabulary has one", async () => {
    const tokenizer = characterTokenizer({ characters: "\n abcd" });
    const other = await LanguageModel.create({ tokenizer, embedding: 8, hidden: 16 });
    const scores = await modelScorer(other)(["ab", "a-éb"]);
    expect(scores.map(({ unknown }) => unknown)).toEqual([0, 2]);
    expect(scores[1].logProbability).toBeLessThan(scores[0].logProbability);
  });

  test("scores by each sample where they are wanted apart", async () => {
    const corpus = await Corpus.open("ab cd\ndc ba\n".repeat(20), { tokenizer: model.tokenizer });
    for await (const _ of fit(model, corpus, { inference: ivon(), epochs: 1, batch: 2, sequence: 8 }));
    const [scored] = await modelScorer(model, { samples: 3, apart: true, seed: 5 })(["ab cd"]);
    const [second] = await modelScorer(model, { samples: 1, seed: 6 })(["ab cd"]);
    expect(scored.samples).toHaveLength(3);
    expect(scored.samples![1]).toBe(second.logProbability);
    const [together] = await modelScorer(model, { samples: 3 })(["ab cd"]);
    expect(together.samples).toBeUndefined();
  });

  test("scores nothing of an empty text without an ending", async () => {
    const [scored] = await modelScorer(model, { ending: "" })([""]);
    expect(scored.logProbability).toBe(0);
  });
});
