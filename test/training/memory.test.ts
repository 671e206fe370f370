/** What is done with leaves no memory behind: models that were disposed of, and the steps of a long run. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { byteTokenizer, Corpus, fit, ivon, LanguageModel } from "../../src/entries/index.ts";

const tokenizer = byteTokenizer();
setFlagsFromString("--expose-gc");
const collect: () => void = runInNewContext("gc");

/** Bytes that are reachable, of objects and of kernels' memories. */
async function held(): Promise<number> {
  // What a finalizer lets go of is collected by the next round.
  for (let round = 0; round < 3; round++) {
    collect();
    await new Promise((resolve) => setTimeout(resolve));
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

test("a thousand models that are trained, scored with, saved and disposed of leave nothing behind", async () => {
  const corpus = await Corpus.open("the whale and the sea", { tokenizer });
  const use = async (seed: number) => {
    const model = await LanguageModel.create({ tokenizer, embedding: 4, hidden: 4, seed });
    for await (const _ of fit(model, corpus, { batch: 1, sequence: 8, epochs: 0.5, inference: ivon() }));
    await model.score("the whale", { samples: 2 });
    (await LanguageModel.load(model.toBytes())).dispose();
    const session = await model.session();
    await session.read("the");
    session.dispose();
    model.dispose();
  };
  // Whatever is kept once, such as compiled code, is there after the first ones.
  for (let seed = 0; seed < 200; seed++) await use(seed);
  const before = await held();
  for (let seed = 200; seed < 1000; seed++) await use(seed);
  // One model's weights alone are 14 kB, and its kernels' memories ten times as much.
  expect(((await held()) - before) / 800).toBeLessThan(2000);
}, 600_000);

test("ten thousand steps of one run leave nothing behind", async () => {
  const model = await LanguageModel.create({ tokenizer, embedding: 4, hidden: 4 });
  const corpus = await Corpus.open("the whale and the sea ".repeat(4), { tokenizer });
  const { signal } = new AbortController();
  const options = {
    batch: 1,
    sequence: 8,
    epochs: 1e4,
    inference: ivon(),
    signal,
    validation: { corpus, every: 500 },
  };
  let before = 0;
  for await (const { step } of fit(model, corpus, options)) {
    if (step === 2000) before = await held();
    if (step === 10_000) break;
  }
  expect(((await held()) - before) / 8000).toBeLessThan(50);
}, 600_000);
