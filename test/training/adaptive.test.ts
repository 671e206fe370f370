/** Training with an adaptive softmax, which no method and no checkpoint knows of. */
import { describe, expect, test, vi } from "vitest";
import { LanguageModel, type ModelOptions, type StepRecord, schedule } from "../../src/entries/index.ts";
import { createModel, METHODS, tokenizer, train } from "./support.ts";

// Seconds of arithmetic, on machines that may be busy.
vi.setConfig({ testTimeout: 30_000 });

const ADAPTIVE: ModelOptions = { hidden: 20, softmax: "adaptive", cutoffs: [8, 15] };

describe.each(Object.entries(METHODS))("%s", (_name, inference) => {
  test("learns, with the same bits for the same seed", async () => {
    const run = async () => {
      const model = await createModel(ADAPTIVE);
      return { records: await train(model, { inference, epochs: 3 }), hash: model.hash() };
    };
    const [{ records, hash }, again] = [await run(), await run()];
    expect(again.hash).toBe(hash);
    const mean = (part: StepRecord[]) => part.reduce((sum, r) => sum + r.nll, 0) / part.length;
    expect(mean(records.slice(-20))).toBeLessThan(0.8 * mean(records.slice(0, 20)));
  });

  test("continues from a checkpoint to the same hash", async () => {
    const options = {
      inference,
      epochs: 0.8,
      dropout: 0.2,
      averaging: 0.6,
      separator: tokenizer.endOfLine!,
      schedule: schedule("cosine", { warmup: 7 }),
    };
    const model = await createModel(ADAPTIVE);
    const files: Uint8Array[] = [];
    await train(model, { ...options, checkpoint: { every: 17, save: (bytes) => void files.push(bytes) } });
    expect(files.length).toBeGreaterThan(1);
    for (const start of [await createModel({ ...ADAPTIVE, seed: 77 }), await LanguageModel.load(files[0])]) {
      await train(start, { ...options, resume: files[0] });
      expect(start.hash()).toBe(model.hash());
    }
  });
});

test("a run does not continue with clusters other than its own", async () => {
  const files: Uint8Array[] = [];
  const checkpoint = { every: 17, save: (bytes: Uint8Array) => void files.push(bytes) };
  await train(await createModel(ADAPTIVE), { epochs: 0.4, checkpoint });
  for (const options of [{ hidden: 20 }, { ...ADAPTIVE, cutoffs: [8, 16] }] as ModelOptions[])
    await expect(train(await createModel(options), { epochs: 0.4, resume: files[0] })).rejects.toMatchObject({
      code: "E_CHECKPOINT",
    });
});
