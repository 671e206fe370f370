/** A model whose segments are longer than a part: what is cut has the bits of what is not. */

import { expect, test, vi } from "vitest";
import { Corpus, fit, ivon, LanguageModel, wordTokenizer } from "../../src/entries/index.ts";
import { KernelInstance } from "../../src/kernels/instance.ts";
import { defaultKernels, type Kernels } from "../../src/kernels/kernels.ts";
import { TRAINING } from "../../src/kernels/training.ts";
import { PART } from "../../src/model/work.ts";
import { whole } from "../kernels/whole.ts";

vi.setConfig({ testTimeout: 120_000 });

/** Kernels that note the longest pass over a flat vector, by the argument that holds its length. */
function noting(longest: Map<string, number>, called: (name: string) => void = () => {}): Kernels {
  const lengths = { sampleNatural: 3, ivonStep: 6, sumSquares: 1, klNatural: 2, isFiniteArray: 1 } as const;
  const kernels = defaultKernels();
  return {
    ...kernels,
    instantiate(set) {
      const instance = kernels.instantiate(set);
      const exports = { ...instance.exports };
      for (const [name, at] of Object.entries(lengths)) {
        const call = instance.exports[name as keyof typeof lengths] as (...args: number[]) => never;
        Object.assign(exports, {
          [name]: (...args: number[]) => {
            called(name);
            longest.set(name, Math.max(longest.get(name) ?? 0, args[at]));
            return call(...args);
          },
        });
      }
      return { ...instance, exports };
    },
  };
}

test("no pass is longer than a part, and leaving in the middle of a step keeps the last whole one", async () => {
  expect(new KernelInstance(TRAINING, whole).exports.blockDepth() % 16).toBe(0);
  const words = Array.from({ length: 20_000 }, (_, i) => `w${i}`);
  const tokenizer = wordTokenizer({ words });
  const corpus = await Corpus.open(words.slice(0, 700).join(" "), { tokenizer });
  const create = () => LanguageModel.create({ tokenizer, embedding: 40, hidden: 48, seed: 2 });
  const run = { inference: ivon({ probe: 1 }), batch: 2, sequence: 16, epochs: 1 };
  const longest = new Map<string, number>();
  // Calls of the update's kernel, and how many there had been after each of the updates.
  let calls = 0;
  const callsAfter = [0];
  const count = (name: string) => {
    if (name === "ivonStep") calls++;
  };

  const straight = await create();
  const hashes = [straight.hash()];
  for await (const _ of fit(straight, corpus, { ...run, kernels: noting(longest, count) })) {
    hashes.push(straight.hash());
    callsAfter.push(calls);
    if (hashes.length === 5) break;
  }
  expect(straight.layout.segments[0].size).toBeGreaterThan(PART);
  expect(callsAfter[4] - callsAfter[3]).toBeGreaterThan(straight.layout.segments.length);
  for (const [name, length] of longest) expect(length, name).toBeLessThanOrEqual(PART);
  expect(longest.size).toBe(5);

  // An abort in the middle of the fourth update: it is done as a whole.
  const model = await create();
  const controller = new AbortController();
  calls = 0;
  const abort = (name: string) => {
    count(name);
    if (name === "ivonStep" && calls === callsAfter[3] + 2) controller.abort();
  };
  const stopped = fit(model, corpus, { ...run, signal: controller.signal, kernels: noting(longest, abort) });
  await expect(
    (async () => {
      for await (const _ of stopped);
    })(),
  ).rejects.toMatchObject({ name: "AbortError" });
  expect(model.hash()).toBe(hashes[4]);
});
