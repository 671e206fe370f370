/** What makes `surprise` more than a likelihood: a counting background, checked by hand, and what it tells apart. */
import { describe, expect, test, vi } from "vitest";
import { adam, Background, Corpus, fit, type TextScore } from "../../src/entries/index.ts";
import { createModel, sentences, tokenizer } from "../training/support.ts";

vi.setConfig({ testTimeout: 60_000 });

const TEXT = sentences(200, 6);

describe("a background that counts", () => {
  test("interpolates by Witten and Bell", async () => {
    const corpus = await Corpus.open("the the sea", { tokenizer });
    const background = await Background.count(corpus, { order: 2 });
    const [t, h, e] = background.read(tokenizer.encode("the"), Math.log);
    const V = tokenizer.vocabularySize;
    // Of 11 characters, 6 different ones: two t, two h, three e.
    const alone = (seen: number) => (seen + 6 / V) / 17;
    expect(t.inContext).toBeCloseTo(Math.log(alone(2)), 12);
    expect(h.alone).toBeCloseTo(Math.log(alone(2)), 12);
    // After a t only h came, twice.
    expect(h.inContext).toBeCloseTo(Math.log((2 + alone(2)) / 3), 12);
    expect(e.inContext).toBeCloseTo(Math.log((2 + alone(3)) / 3), 12);
  });

  test("is a distribution after any context, also one that was never seen", async () => {
    const background = await Background.count(await Corpus.open(TEXT, { tokenizer }));
    for (const before of ["the s", "xq", ""]) {
      const context = tokenizer.encode(before);
      let sum = 0;
      for (let id = 0; id < tokenizer.vocabularySize; id++)
        sum += Math.exp(background.read(Int32Array.of(...context, id), Math.log).at(-1)!.inContext);
      expect(sum, before).toBeCloseTo(1, 9);
    }
  });
});

test("surprise tells other texts from those learnt, better with a background", async () => {
  const model = await createModel({ hidden: 24 });
  const corpus = await Corpus.open(TEXT, { tokenizer });
  for await (const _ of fit(model, corpus, { inference: adam(), batch: 4, sequence: 16, epochs: 3 }));
  const usual = sentences(40, 77).split("\n").filter(Boolean);
  const unusual = usual.map((line) => line.split(" ").reverse().join(" "));
  const score = async (lines: string[], background?: Background) => {
    const found: number[] = [];
    for await (const one of model.scoreAll(lines, { background })) found.push((one as TextScore).surprise);
    return found;
  };
  const auroc = (a: number[], b: number[]) => {
    const wins = a.flatMap((x) => b.map((y) => (y > x ? 1 : y === x ? 0.5 : 0)));
    return wins.reduce((sum: number, win) => sum + win, 0) / wins.length;
  };
  const background = await Background.count(corpus);
  const withOne = auroc(await score(usual, background), await score(unusual, background));
  expect(auroc(await score(usual), await score(unusual))).toBeGreaterThan(0.8);
  expect(withOne).toBeGreaterThan(0.95);
});

test("a background knows words that were never seen, and words that stand apart from where they did", async () => {
  const corpus = await Corpus.open("The sea, the ship. ".repeat(600), { tokenizer: "byte" });
  const background = await Background.count(corpus);
  const words = (text: string) => background.words(text, Math.log);
  expect(words("zebra")).toBe(1);
  expect(words("the sea zebra")).toBeGreaterThan(words("the sea"));
  // Letters count whatever their case, also at a border of what is counted at a time.
  expect(words("THE SEA, THE SHIP.")).toBe(words("the sea, the ship."));
  expect(words("sea the the ship")).toBeGreaterThan(words("the sea the ship"));
  for (const nothing of ["", " \n\t"]) expect(words(nothing)).toBe(0);
});

test("a background of other tokens is refused", async () => {
  const model = await createModel();
  const bytes = await Background.count(await Corpus.open(TEXT, { tokenizer: "byte" }));
  const scores = model.scoreAll(["the sea"], { background: bytes });
  await expect(scores.next()).rejects.toMatchObject({ code: "E_VOCABULARY_MISMATCH", option: "background" });
  await expect(Background.count(await Corpus.open(TEXT, { tokenizer }), { order: 0 })).rejects.toMatchObject({
    code: "E_OPTION",
  });
});
