/** Training with int16 products: near to that of floats, and as reproducible. */

import { describe, expect, test, vi } from "vitest";
import {
  adam,
  evaluate,
  type FitOptions,
  type ModelOptions,
  type ProductForm,
} from "../../src/entries/index.ts";
import { threads } from "../../src/entries/threads.ts";
import { Rig, Worst } from "../model/support.ts";
import { failure } from "../support/errors.ts";
import { randomNumbers } from "../support/random.ts";
import { corpusOf, createModel, METHODS, sentences, tokenizer, train } from "./support.ts";

vi.setConfig({ testTimeout: 60_000 });

const INT16 = { products: "int16" } as const;

const SHAPES: Record<string, ModelOptions & { vocabulary: number; dropout?: boolean; resets?: boolean }> = {
  "two layers": { vocabulary: 41, embedding: 23, hidden: 70, layers: 2 },
  "deeper than a block of the depth": { vocabulary: 300, embedding: 40, hidden: 130, layers: 1 },
  tied: { vocabulary: 37, hidden: 29, layers: 2, tied: true },
  "tied to a narrower embedding": { vocabulary: 37, embedding: 15, hidden: 29, layers: 2, tied: true },
  "an adaptive softmax": { vocabulary: 3000, embedding: 24, hidden: 32, layers: 1, softmax: "adaptive" },
  "dropout and lanes reset": {
    vocabulary: 41,
    embedding: 23,
    hidden: 30,
    layers: 2,
    dropout: true,
    resets: true,
  },
};

describe.each(Object.entries(SHAPES))("%s", (_name, { dropout, resets, ...shape }) => {
  test("loss and gradients are those of floats to 1 %", () => {
    const [batch, sequence] = [7, 23];
    const results = (["float32", "int16"] as const).map((products) => {
      const random = randomNumbers(5);
      const rig = new Rig(shape, { batch, sequence, dropout, resets, products });
      const { layout, plan, network } = rig;
      plan
        .floats(rig.theta, layout.length)
        .set(Float32Array.from({ length: layout.length }, () => random() - 0.5));
      for (const { address, size } of network.masks)
        plan
          .floats(address, size)
          .set(Float32Array.from({ length: size }, () => (random() < 0.8 ? 1.25 : 0)));
      const token = () => Math.floor(random() * shape.vocabulary);
      const ids = () => Int32Array.from({ length: batch * sequence }, token);
      const nll = rig.run(ids(), ids(), sequence, { separator: resets ? 3 : -1 });
      return { rig, nll };
    });
    const [floats, whole] = results;
    expect(Math.abs(whole.nll / floats.nll - 1)).toBeLessThan(2e-4);
    expect(whole.nll).not.toBe(floats.nll);
    const worst = new Worst();
    for (const { name } of floats.rig.layout.segments)
      worst.add(
        name,
        whole.rig.segment(whole.rig.gradient, name),
        floats.rig.segment(floats.rig.gradient, name),
      );
    expect(worst.error, String(worst)).toBeLessThan(0.01);
  });
});

/** Large enough for most kernels to be split, and odd in every size. */
const ODD: ModelOptions = { embedding: 37, hidden: 101, layers: 2 };
const text = sentences(150);

async function run(options: FitOptions, shape = ODD) {
  const model = await createModel(shape);
  const records = await train(model, { batch: 9, sequence: 21, ...options }, await corpusOf(text));
  return { model, records, hash: model.hash() };
}

describe.each(Object.entries(METHODS))("%s", (_name, inference) => {
  test("has the same bits again, on threads, and after a resumption", async () => {
    const files: Uint8Array[] = [];
    const options = { inference, epochs: 0.35, dropout: 0.1, separator: tokenizer.endOfLine!, ...INT16 };
    const checkpoint = { every: 5, save: (bytes: Uint8Array) => void files.push(bytes) };
    const { hash } = await run({ ...options, checkpoint });
    expect((await run(options)).hash).toBe(hash);
    expect((await run({ ...options, resume: files[0] })).hash).toBe(hash);
    expect((await run({ ...options, products: "float32" })).hash).not.toBe(hash);
    for (const count of [2, 3]) {
      const kernels = await threads({ count });
      expect((await run({ ...options, kernels })).hash).toBe(hash);
      await kernels.dispose();
    }
  });
});

test("learns what it learns with floats", async () => {
  const held = await corpusOf(sentences(60, 9));
  const scores = [];
  for (const products of ["float32", "int16"] as const) {
    // Without noise, in which a difference of the last bit soon is one of another seed.
    const options = { inference: adam(), epochs: 12, products };
    const { model } = await run(options, { embedding: 16, hidden: 40, layers: 1 });
    scores.push((await evaluate(model, held)).nll);
  }
  expect(scores[0]).toBeLessThan(0.25);
  expect(Math.abs(scores[1] / scores[0] - 1)).toBeLessThan(0.005);
});

test("a checkpoint continues with its own products alone", async () => {
  const files: Uint8Array[] = [];
  const checkpoint = { every: 5, save: (bytes: Uint8Array) => void files.push(bytes) };
  const shape = { embedding: 5, hidden: 9, layers: 1 };
  for (const [first, then] of [
    ["int16", "float32"],
    ["float32", "int16"],
  ] as const) {
    await run({ epochs: 0.2, products: first, checkpoint }, shape);
    const resumed = run({ epochs: 0.2, products: then, resume: files.pop() }, shape);
    await expect(resumed).rejects.toEqual(failure("E_CHECKPOINT"));
  }
});

test("products of no form are E_OPTION", async () => {
  for (const products of ["int8", "", null] as unknown as ProductForm[])
    await expect(run({ products })).rejects.toEqual(failure("E_OPTION"));
});
