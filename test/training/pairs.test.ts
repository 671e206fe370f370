/** Runs on pairs: the same bits again and after a break, and figures of the targets alone. */
import { describe, expect, test, vi } from "vitest";
import {
  adam,
  Corpus,
  characterTokenizer,
  evaluate,
  type FitOptions,
  fit,
  ivon,
  LanguageModel,
  schedule,
  wordTokenizer,
} from "../../src/entries/index.ts";
import { randomNumbers } from "../support/random.ts";

vi.setConfig({ testTimeout: 60_000 });

const random = randomNumbers(9);
const word = () =>
  Array.from({ length: 1 + Math.floor(random() * 9) }, () => "abc"[Math.floor(random() * 3)]).join("");
/** A word, and its letters in capitals. */
const PAIRS = Array.from({ length: 120 }, () => {
  const source = word();
  return [source, source.toUpperCase()] as const;
});
const tokenizer = characterTokenizer({ characters: "\n\tabcABC" });
const open = (pairs = PAIRS) => Corpus.pairs(pairs, { tokenizer });
const create = () => LanguageModel.create({ tokenizer, embedding: 8, hidden: 24, seed: 3 });

async function train(corpus: Corpus, options: FitOptions = {}) {
  const model = await create();
  const files: Uint8Array[] = [];
  const checkpoint = { every: 13, save: (bytes: Uint8Array) => void files.push(bytes) };
  let last = null;
  for await (const record of fit(model, corpus, { batch: 8, epochs: 3, checkpoint, ...options }))
    last = record;
  return { hash: model.hash(), files, last: last!, model };
}

describe.each([
  ["ivon", {}],
  ["ivon, int16", { products: "int16" }],
  ["adam with dropout", { inference: adam(), dropout: 0.2 }],
] as const)("a run of %s on pairs", (_, options) => {
  test("comes to the same hash again, and from any of its checkpoints; another seed to another", async () => {
    const corpus = await open();
    const whole = await train(corpus, options);
    expect((await train(await open(), options)).hash).toBe(whole.hash);
    expect((await train(corpus, { ...options, seed: 2 })).hash).not.toBe(whole.hash);
    for (const resume of whole.files.slice(0, -1))
      expect((await train(corpus, { ...options, resume })).hash).toBe(whole.hash);
  });
});

test("a run reads every document once in an epoch, and learns what targets have to do with sources", async () => {
  const corpus = await open();
  const { last, model } = await train(corpus, {
    epochs: 60,
    inference: adam({ learningRate: 0.02 }),
    validation: { corpus },
  });
  const perEpoch = PAIRS.reduce((sum, [source, target]) => sum + source.length + target.length + 2, 0);
  expect(last).toMatchObject({
    epoch: 60,
    steps: 60 * 15,
    tokens: 60 * perEpoch,
    lambda: await corpus.scored(),
  });
  // Six letters and an end: guessing costs about 1.6 nats.
  expect(last.valid!.nll).toBeLessThan(0.9);
  expect(await evaluate(model, corpus)).toMatchObject({
    nll: last.valid!.nll,
    tokens: await corpus.scored(),
  });
});

test.each([
  ["the mean", {}],
  ["samples", { samples: 2 }],
  ["8 bits", { quantized: "int8" }],
] as const)("pairs have the figures of their text with ignored targets, by %s", async (_, options) => {
  const { model } = await train(await open(), { epochs: 1, inference: ivon() });
  const text = `\n${PAIRS.map((pair) => `${pair.join("\t")}\n`).join("")}`;
  const stream = await evaluate(model, await Corpus.open(text, { tokenizer, scoreAfter: "\t" }), options);
  const pairs = await evaluate(model, await open(), options);
  expect(pairs.tokens).toBe(stream.tokens);
  expect(pairs.nll).toBeCloseTo(stream.nll, 6);
  expect(pairs.mutualInformation).toBeCloseTo(stream.mutualInformation, 6);
});

test("a document longer than a chunk of logits is scored whole", async () => {
  const words = Array.from({ length: 90_000 }, (_, i) => `w${i}`);
  const large = wordTokenizer({ words: [...words, "<sep>"] });
  const model = await LanguageModel.create({ tokenizer: large, embedding: 4, hidden: 4, seed: 1 });
  const pairs = [[words.slice(0, 20).join(" "), words.slice(0, 30).join(" ")]] as const;
  const corpus = await Corpus.pairs(pairs, { tokenizer: large });
  const text = await Corpus.open(`\n${pairs[0].join(" <sep> ")}\n`, {
    tokenizer: large,
    scoreAfter: "<sep>",
  });
  const [whole, parts] = [await evaluate(model, corpus), await evaluate(model, text)];
  expect(whole.tokens).toBe(31);
  expect(whole.nll).toBeCloseTo(parts.nll, 6);
  expect(whole.brier).toBeCloseTo(parts.brier, 6);
});

describe("windows of few scored tokens at ivon()'s own rate", () => {
  async function follow(told: string[], options: FitOptions): Promise<number> {
    let last = 0;
    for await (const { warning, nll } of fit(await create(), await open(), {
      batch: 8,
      epochs: 20,
      ...options,
    })) {
      if (warning?.includes("scored tokens")) told.push(warning);
      last = nll;
    }
    return last;
  }

  test("are not warned about where the run learns", async () => {
    const told: string[] = [];
    expect(await follow(told, {})).toBeLessThan(0.9 * Math.log(tokenizer.vocabularySize));
    expect(told).toEqual([]);
  });

  test("are told once, with the remedy, where it does not, before it ends by it", async () => {
    const told: string[] = [];
    const failing = { inference: ivon({ learningRate: 30, clip: 1 }), schedule: schedule("constant") };
    await expect(follow(told, failing)).rejects.toMatchObject({ code: "E_DIVERGED" });
    const scored = Math.round((await (await open()).scored()) / (PAIRS.length / 8));
    expect(told).toHaveLength(1);
    expect(told[0]).toContain(`about ${scored} scored tokens`);
    expect(told[0]).toMatch(/ivon\(\{ learningRate: 3 \}\).* or a batch above 8$/);
  });
});
