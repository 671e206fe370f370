/** A model of pairs with attention: learnt in windows that name what rows attend to, used token by token. */
import { beforeAll, expect, test, vi } from "vitest";
import { adam, Corpus, evaluate, fit, LanguageModel } from "../../src/entries/index.ts";
import { translate, translateAll } from "../../src/entries/translation.ts";
import { randomNumbers } from "../support/random.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

/** Words, and the same backwards: what a state alone remembers badly. */
function pairs(count: number, seed: number) {
  const random = randomNumbers(seed);
  return Array.from({ length: count }, () => {
    const letters = Array.from(
      { length: 4 + Math.floor(5 * random()) },
      () => "abcdefgh"[Math.floor(8 * random())],
    );
    return [letters.join(""), letters.reverse().join("")] as const;
  });
}

let corpus: Corpus;
let held: Corpus;
let models: LanguageModel[];
beforeAll(async () => {
  corpus = await Corpus.pairs(pairs(600, 1), { tokenizer: "character" });
  const { tokenizer } = corpus;
  held = await Corpus.pairs(pairs(60, 2), { tokenizer });
  const form = { span: 12, ...corpus.scoring! };
  models = [];
  for (const attention of [form, undefined]) {
    const model = await LanguageModel.create({ tokenizer, embedding: 16, hidden: 40, attention });
    const options = { inference: adam({ learningRate: 0.01 }), batch: 12, epochs: 8 };
    for await (const _ of fit(model, corpus, options));
    models.push(model);
  }
});

test("attention learns what a state alone does not", async () => {
  const [attending, plain] = await Promise.all(models.map((model) => evaluate(model, held)));
  expect(attending.nll).toBeLessThan(0.7 * plain.nll);
});

test("windows that name what rows attend to are what the model finds token by token", async () => {
  const [model] = models;
  const { nll } = await evaluate(model, held);
  expect((await evaluate(model, held, { cache: { lambda: 0 } })).nll).toBeCloseTo(nll, 5);
  expect(Math.abs((await evaluate(model, held, { quantized: "int8" })).nll - nll)).toBeLessThan(0.02);
});

test.each([undefined, "int8" as const])(
  "a translation's likelihood is that of its score, in a beam and among others: %s",
  async (quantized) => {
    const [model] = models;
    const sources = pairs(20, 3).map(([source]) => source);
    for await (const found of translateAll(model, sources, { beam: 4, quantized })) {
      if (found.error) throw found.error;
      const source = sources[found.index];
      const alone = await translate(model, source, { beam: 4, quantized });
      expect(alone.logProbability).toBe(found.logProbability);
      const text = `${source}\t${found.text}\n`;
      const { logProbability } = await model.score(text, { quantized });
      expect(logProbability).toBeCloseTo(found.logProbability, 4);
    }
  },
);

test("a source beyond the span is refused by name", async () => {
  await expect(translate(models[0], "abcdefghabcdefgh")).rejects.toMatchObject({
    code: "E_TEXT_LONG",
    option: "attention",
  });
  expect((await translate(models[1], "abcdefghabcdefgh")).error).toBeNull();
});
