/** One run of a comparison: what its record is of. */
import { beforeAll, expect, test } from "vitest";
import { type RunRecord, runOnce, type Texts } from "../../src/comparison/run.ts";
import { Corpus } from "../../src/text/corpus.ts";
import { learnTokenizer } from "../../src/text/learn.ts";
import { randomNumbers } from "../support/random.ts";

const SHAPE = { embedding: 8, hidden: 16, layers: 1, batch: 4, sequence: 16 };
let texts: Texts;

/** Letters without any order: what is learnt of the training text is no help elsewhere. */
function letters(count: number, seed: number): string {
  const random = randomNumbers(seed);
  return Array.from({ length: count }, () => "abcdefgh"[Math.floor(8 * random())]).join("");
}

beforeAll(async () => {
  const tokenizer = await learnTokenizer("abcdefgh", { kind: "character" });
  const open = (text: string) => Corpus.open(text, { tokenizer });
  const held = await open(letters(300, 2));
  texts = {
    train: await open(letters(300, 1)),
    valid: held,
    curve: held,
    test: held,
    sampled: held,
    reversed: held,
  };
});

function run(kind: "adam" | "ivon"): Promise<RunRecord> {
  return runOnce(texts, SHAPE, { method: { kind }, tokens: 10_000, seed: 1, points: 20, test: true });
}

test("early stopping scores the test with the weights of the lowest point, not with the last ones", async () => {
  const { curve, best, test } = await run("adam");
  const last = curve[curve.length - 1];
  expect(last.nll / best.nll).toBeGreaterThan(1.1);
  expect(test!.best.nll).toBeCloseTo(best.nll, 5);
  expect(test!.final.nll).toBeCloseTo(last.nll, 5);
  expect(test!.best.predictive).toBeNull();
});

test("several runs are averaged by their predictions, which are better than those of each on average", async () => {
  const setting = { method: { kind: "adam" as const }, tokens: 6000, points: 10, test: true };
  const four = await runOnce(texts, SHAPE, { ...setting, seed: 1, ensemble: 3 });
  const alone = await Promise.all([1, 101, 201].map((seed) => runOnce(texts, SHAPE, { ...setting, seed })));
  const mean = alone.reduce((sum, { test }) => sum + test!.best.nll, 0) / 3;
  expect(four.test!.best.nll).toBeLessThan(mean);
  expect(four.best.tokens).toBe(alone.reduce((sum, { best }) => sum + best.tokens, 0));
  expect(four.best.nll).toBeCloseTo(four.test!.best.nll, 5);
  expect(four.curve).toEqual([four.best]);
});

test("the temperature is that of the tuning text, and an average is what is tested", async () => {
  const setting = { method: { kind: "adam" as const }, tokens: 10_000, seed: 1, points: 20, test: true };
  const plain = await runOnce(texts, SHAPE, setting);
  const averaged = await runOnce(texts, SHAPE, { ...setting, average: 0.9 });
  expect(averaged.hash).not.toBe(plain.hash);
  const { scaled, nll } = averaged.test!.best;
  // Without any order guessing is best: there may be no temperature that is warm enough.
  if (scaled) {
    expect(scaled.temperature).toBeGreaterThan(1);
    expect(scaled.nll).toBeLessThan(nll);
  } else expect(scaled).toBeNull();
  expect(plain.test!.final.scaled).toBeNull();
});

test("of a posterior the lowest point is also scored by the average of samples", async () => {
  const { best, test } = await run("ivon");
  expect(test!.best.nll).toBeCloseTo(best.nll, 5);
  expect(test!.best.predictive!.nll).not.toBe(test!.best.nll);
  expect(test!.best.predictive!.nll / best.nll).toBeLessThan(1.05);
});
