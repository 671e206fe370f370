/** A GRU is trained, predicted, quantised and saved like an LSTM; that its arithmetic is PyTorch's, the oracle shows. */
import { expect, test } from "vitest";
import {
  adam,
  byteTokenizer,
  Corpus,
  evaluate,
  fit,
  ivon,
  LanguageModel,
  type ModelOptions,
  SviError,
} from "../../src/entries/index.ts";

const TEXT = "the cat sat on the mat and the dog sat on the cat. ".repeat(30);
const SHAPE: ModelOptions = { embedding: 9, hidden: 18, layers: 2, cell: "gru" };

async function trained(products: "float32" | "int16", more = {}) {
  const tokenizer = byteTokenizer();
  const corpus = await Corpus.open(TEXT, { tokenizer });
  const model = await LanguageModel.create({ ...SHAPE, tokenizer, seed: 2 });
  const losses: number[] = [];
  const options = { batch: 4, sequence: 12, epochs: 2, products, seed: 1, ...more };
  for await (const { nll } of fit(model, corpus, options)) losses.push(nll);
  return { model, corpus, losses };
}

test.each(["float32", "int16"] as const)("a GRU learns with products of %s", async (products) => {
  const { losses } = await trained(products, { inference: adam(), separator: 10, dropout: 0.1 });
  expect(losses.at(-1)!).toBeLessThan(0.6 * losses[0]);
});

test("a GRU's posterior is saved, loaded and sampled; windows, single tokens and 8 bits agree", async () => {
  const { model, corpus } = await trained("float32", { inference: ivon() });
  const loaded = await LanguageModel.load(model.toBytes());
  expect(loaded.hash()).toBe(model.hash());
  expect(loaded.configuration.cell).toBe("gru");
  const window = await evaluate(loaded, corpus);
  const { logProbability, tokens } = await loaded.score(TEXT);
  expect(-logProbability / tokens.length).toBeCloseTo(window.nll, 5);
  const eight = await evaluate(loaded, corpus, { quantized: "int8" });
  expect(Math.abs(eight.nll - window.nll)).toBeLessThan(0.01);
  for (const sampling of ["independent", "flipout"] as const)
    expect((await evaluate(loaded, corpus, { samples: 3, sampling })).nll).toBeGreaterThan(0);
});

test("an unknown cell is refused, and a file of one names those that there are", async () => {
  const tokenizer = byteTokenizer();
  const cell = "mamba" as "gru";
  await expect(LanguageModel.create({ tokenizer, cell })).rejects.toThrow(SviError);
  const model = await LanguageModel.create({ ...SHAPE, tokenizer });
  const text = Buffer.from(model.toBytes()).toString("latin1");
  const file = new Uint8Array(Buffer.from(text.replace('cell\\":\\"gru', 'cell\\":\\"qru'), "latin1"));
  await expect(LanguageModel.load(file)).rejects.toMatchObject({
    code: "E_FORMAT",
    message: /qru.*lstm, gru/,
  });
});
