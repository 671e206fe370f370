/** The learning rate that ivon() takes from the run, and what a fresh embedding loses over one. */
import { expect, test } from "vitest";
import {
  adam,
  Corpus,
  characterTokenizer,
  fit,
  gaussianPrior,
  ivon,
  LanguageModel,
  type Method,
  posteriorPrior,
  schedule,
} from "../../src/entries/index.ts";
import { rateOf } from "../../src/inference/ivon/rate.ts";

const RUN = { steps: 300, tokens: 1024, epochs: 0.5, schedule: { kind: "cosine" } };

test.each([
  ["300 steps of 1,024 tokens", {}, 20],
  ["16 times the steps", { steps: 4800 }, 10],
  ["16 times the steps of a sixteenth of the tokens", { steps: 4800, tokens: 64 }, 5],
  ["16 epochs", { epochs: 16 }, 10],
  ["one epoch, as less than one", { epochs: 1 }, 20],
  [
    "few steps, as 80, and more of small minibatches",
    { steps: 3, tokens: 64 },
    20 * (300 / 320 / 16) ** 0.25,
  ],
  ["few steps of many tokens: bounded", { steps: 3, tokens: 4096 }, 28],
  ["a constant schedule", { schedule: { kind: "constant" } }, 10],
  ["a constant schedule of few steps", { steps: 3, tokens: 4096, schedule: { kind: "constant" } }, 14],
])("%s", (_name, run, rate) => {
  expect(rateOf(ivon(), { ...RUN, ...run })).toBeCloseTo(rate, 10);
});

const tokenizer = characterTokenizer({ characters: "abcdefgh" });
const corpusOf = () => Corpus.open("abcab bcabcaabc".repeat(200).replaceAll(" ", ""), { tokenizer });
const create = () => LanguageModel.create({ tokenizer, embedding: 16, hidden: 8, seed: 1 });
const OPTIONS = { batch: 4, sequence: 8, epochs: 2 };

async function train(model: LanguageModel, inference: Method, options: object = {}) {
  let highest = 0;
  for await (const { learningRate } of fit(model, await corpusOf(), { ...OPTIONS, ...options, inference }))
    highest = Math.max(highest, learningRate);
  return highest;
}

/** Length of the rows of symbols that the text does not have. */
function unread({ posterior }: LanguageModel): number {
  const rows = posterior.mean.subarray(4 * 16, 8 * 16);
  return Math.sqrt(rows.reduce((sum, x) => sum + x * x, 0));
}

test("a rate that is given, and that of another method, stand whatever the run", async () => {
  expect(rateOf(ivon({ learningRate: 3 }), RUN)).toBe(3);
  expect(rateOf(adam(), { ...RUN, steps: 10 })).toBe(0.01);
  expect(await train(await create(), ivon({ learningRate: 3 }))).toBe(3);
});

test("fit takes the rate of its own steps, minibatches and epochs", async () => {
  const corpus = await corpusOf();
  const steps = Math.round(2 * Math.floor((corpus.tokens - 1) / 32));
  const rate = await train(await create(), ivon());
  const counted = Math.max(80 * Math.sqrt(1024 / 32), steps);
  const epochs = (steps * 32) / corpus.tokens;
  expect(rate).toBeCloseTo(20 * ((300 / counted) * (32 / 1024 / epochs)) ** 0.25, 1);
  const half = await train(await create(), ivon(), { schedule: schedule("constant") });
  expect(half / rate).toBeCloseTo(0.5, 6);
});

test("what was learnt before has a rate that does not follow the run", async () => {
  const model = await create();
  await train(model, ivon());
  expect(rateOf(ivon({ prior: posteriorPrior(model.posterior) }), RUN)).toBe(8);
  expect(await train(model, ivon())).toBe(8);
});

test("an embedding that starts from N(0, 1) shrinks by e to embeddingDecay over the run", async () => {
  const shrunk = async (embeddingDecay: number) => {
    const model = await create();
    const before = unread(model);
    // A prior that does not pull beside it.
    await train(model, ivon({ embeddingDecay, prior: gaussianPrior(1000) }));
    return Math.log(before / unread(model));
  };
  for (const decay of [0, 0.5, 1.2]) expect(await shrunk(decay)).toBeCloseTo(decay, 1);
});

test("that of a model with a posterior does not, nor one that is tied, whose start is small", async () => {
  const model = await create();
  await train(model, ivon());
  const before = unread(model);
  await train(model, ivon());
  expect(unread(model) / before).toBeGreaterThan(0.97);
  const hashes = [0, 1.2].map(async (embeddingDecay) => {
    const tied = await LanguageModel.create({ tokenizer, hidden: 16, tied: true, seed: 1 });
    await train(tied, ivon({ embeddingDecay }));
    return tied.hash();
  });
  expect(await hashes[0]).toBe(await hashes[1]);
});

test.each([-1, Number.NaN, Number.POSITIVE_INFINITY])("embeddingDecay %d is refused", (embeddingDecay) => {
  expect(() => ivon({ embeddingDecay })).toThrowError(expect.objectContaining({ code: "E_OPTION" }));
});
