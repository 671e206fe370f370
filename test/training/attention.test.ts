/** A model with attention is trained by every method, on threads, saved and loaded, and continues from a checkpoint. */
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { evaluate, type FitOptions, LanguageModel } from "../../src/entries/index.ts";
import { type ThreadedKernels, threads } from "../../src/entries/threads.ts";
import { corpusOf, createModel, METHODS, sentences, tokenizer, train } from "./support.ts";

vi.setConfig({ testTimeout: 60_000 });

const SHAPE = { embedding: 19, hidden: 34, attention: { span: 12 } };
const text = sentences(60);
let kernels: ThreadedKernels;
beforeAll(async () => {
  kernels = await threads({ count: 3 });
});
afterAll(() => kernels.dispose());

async function trained(options: FitOptions = {}, shape = {}) {
  const model = await createModel({ ...SHAPE, ...shape });
  const corpus = await corpusOf(text);
  const records = await train(model, { batch: 5, sequence: 16, epochs: 2, ...options }, corpus);
  return { model, corpus, records };
}

test.each(Object.entries(METHODS))(
  "%s learns with it, and has the same hash on threads",
  async (_name, inference) => {
    const options = { inference, dropout: 0.1, separator: tokenizer.endOfLine! };
    const { model, records } = await trained(options);
    expect(records.at(-1)!.nll).toBeLessThan(records[0].nll);
    expect((await trained({ ...options, kernels })).model.hash()).toBe(model.hash());
  },
);

test.each([
  { tied: true, embedding: 34 },
  { softmax: "adaptive", cutoffs: [9] },
  { cell: "gru", layers: 2 },
] as const)("with %o and int16 products", async (shape) => {
  const { records } = await trained({ products: "int16" }, shape);
  expect(records.at(-1)!.nll).toBeLessThan(records[0].nll);
});

test("it is saved and loaded, in a file of a format of its own", async () => {
  const { model, corpus } = await trained();
  const file = model.toBytes();
  expect(Buffer.from(file).toString("latin1")).toContain('"formatVersion":"2"');
  const loaded = await LanguageModel.load(file);
  expect(loaded.configuration.attention).toEqual({ span: 12 });
  expect(loaded.hash()).toBe(model.hash());
  expect(await evaluate(loaded, corpus)).toEqual(await evaluate(model, corpus));
  const plain = await createModel({ embedding: 19, hidden: 34 });
  expect(Buffer.from(plain.toBytes()).toString("latin1")).toContain('"formatVersion":"1"');
});

test("a run that continues from a checkpoint ends with the same hash", async () => {
  const checkpoints: Uint8Array[] = [];
  const checkpoint = { every: 7, save: (bytes: Uint8Array) => void checkpoints.push(bytes) };
  const { model } = await trained({ checkpoint });
  const { model: resumed } = await trained({ resume: checkpoints[0] });
  expect(resumed.hash()).toBe(model.hash());
});

test("it helps to remember what the state has forgotten", async () => {
  const { model, corpus } = await trained({ epochs: 6 });
  const silent = await LanguageModel.load(model.toBytes());
  const { offset } = silent.layout.find("attention.weight");
  const { hidden } = silent.configuration;
  // Without the share of the states of before.
  for (let row = 0; row < hidden; row++)
    silent.posterior.mean.fill(0, offset + row * 2 * hidden, offset + row * 2 * hidden + hidden);
  const [with_, without] = [await evaluate(model, corpus), await evaluate(silent, corpus)];
  expect(with_.nll).toBeLessThan(without.nll);
});
