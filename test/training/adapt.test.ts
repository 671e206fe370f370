/** Learning from more text: what was learnt is the prior, several pasts are averaged, forgetting is bounded. */
import { describe, expect, test, vi } from "vitest";
import { adapt, Corpus, evaluate, fit, ivon, LanguageModel, Posterior } from "../../src/entries/index.ts";
import { adaptation, forgotten } from "../../src/training/adapt.ts";
import { createModel, sentences, tokenizer } from "./support.ts";

vi.setConfig({ testTimeout: 120_000 });

const OLD = sentences(300, 1);
/** The same letters in other words. */
const NEW = sentences(60, 2).replace(/the/g, "het").replace(/s/g, "m");
const RUN = { batch: 4, sequence: 16, epochs: 2 };
const open = (text: string) => Corpus.open(text, { tokenizer });

async function learnt(): Promise<LanguageModel> {
  const model = await createModel({ hidden: 24 });
  for await (const _ of fit(model, await open(OLD), {
    ...RUN,
    epochs: 4,
    inference: ivon({ learningRate: 5 }),
  }));
  return model;
}

const copy = (model: LanguageModel) => LanguageModel.load(model.toBytes());

describe("adapt", () => {
  test("learns the new text, to the same model every time, which can be adapted again", async () => {
    const model = await learnt();
    const corpus = await open(NEW);
    const { nll: before } = await evaluate(model, corpus);
    const hashes = [];
    for (let i = 0; i < 2; i++) {
      const adapted = await copy(model);
      for await (const { lambda } of adapt(adapted, corpus, RUN))
        expect(lambda).toBeGreaterThan(corpus.tokens);
      hashes.push(adapted.hash());
      const { nll } = await evaluate(adapted, corpus);
      expect(nll).toBeLessThan(before - 0.1);
      for await (const _ of adapt(adapted, corpus, { ...RUN, epochs: 1 }));
      expect((await evaluate(adapted, corpus)).nll).toBeLessThan(nll);
    }
    expect(hashes[0]).toBe(hashes[1]);
  });

  test("forgets far less where a part of the first text is rehearsed", async () => {
    const model = await learnt();
    const [corpus, old] = [await open(NEW), await open(OLD)];
    const { nll: before } = await evaluate(model, old);
    const rises = [];
    for (const rehearse of [undefined, await open(OLD.slice(0, OLD.length / 10))]) {
      const adapted = await copy(model);
      for await (const _ of adapt(adapted, corpus, { ...RUN, rehearse }));
      rises.push((await evaluate(adapted, old)).nll - before);
    }
    expect(rises[1]).toBeLessThan(rises[0] / 2);
  });

  test("takes the model back where more would be forgotten than is allowed", async () => {
    const model = await learnt();
    const corpus = await open(NEW);
    const prior = adaptation(model, {}).prior;
    if (prior?.kind !== "posterior") throw new Error("The prior is not what was learnt");
    const free = await copy(model);
    for await (const _ of adapt(free, corpus, RUN));
    const rise = forgotten(free.posterior.mean, prior);
    const bounded = await copy(model);
    for await (const _ of adapt(bounded, corpus, { ...RUN, mostForgotten: rise / 4 }));
    expect(forgotten(bounded.posterior.mean, prior)).toBeCloseTo(rise / 4, 5);
    const roomy = await copy(model);
    for await (const _ of adapt(roomy, corpus, { ...RUN, mostForgotten: 4 * rise }));
    expect(roomy.hash()).toBe(free.hash());
    const old = await open(OLD);
    const losses = await Promise.all(
      [model, bounded, free].map(async (one) => (await evaluate(one, old)).nll),
    );
    expect(losses).toEqual([...losses].sort((a, b) => a - b));
  });

  test("averages several pasts by their precision", async () => {
    const model = await learnt();
    const { configuration, mean, precision, lambda } = model.posterior;
    const other = new Posterior(
      configuration,
      mean.map((x) => x + 1),
      precision!.map((x) => 3 * x),
      3 * lambda!,
    );
    const { prior } = adaptation(model, { past: [model.posterior, other], weight: 1 });
    if (prior?.kind !== "posterior") throw new Error("The prior is not what was learnt");
    const { offset } = model.layout.find("lstm.weight_hh_l0");
    expect(prior.mean[offset]).toBeCloseTo(mean[offset] + 0.75, 5);
    expect(prior.precision[offset] / precision![offset]).toBeCloseTo(2, 5);
    expect(prior.lambda).toBeCloseTo(2 * lambda!, 5);
    const bias = model.layout.find("output.bias").offset;
    expect(prior.mean[bias]).toBeCloseTo(mean[bias] + 0.5, 5);
  });

  test("refuses a model without a posterior, another shape, and bounds that are none", async () => {
    const corpus = await open(NEW);
    const start = (model: LanguageModel, options = {}) => adapt(model, corpus, options).next();
    await expect(start(await createModel())).rejects.toMatchObject({ code: "E_OPTION" });
    const model = await learnt();
    const { posterior } = await createModel({ hidden: 7 });
    for (const options of [
      { past: [] },
      { past: [posterior] },
      { past: [5] },
      { past: 5 },
      { weight: 0 },
      { mostForgotten: 0 },
      { mostForgotten: Number.NaN },
    ])
      await expect(start(model, options), JSON.stringify(options)).rejects.toMatchObject({
        code: "E_OPTION",
      });
    for (const wrong of [null, {}, { posterior: 5 }])
      await expect(start(wrong as never), JSON.stringify(wrong)).rejects.toMatchObject({ code: "E_OPTION" });
  });

  test("leaves a model that another run holds as that has it", async () => {
    const model = await learnt();
    const corpus = await open(NEW);
    const running = adapt(model, corpus, RUN);
    for (let i = 0; i < 3; i++) await running.next();
    const held = model.hash();
    const second = adapt(model, corpus, { ...RUN, mostForgotten: 1e-9 });
    await expect(second.next()).rejects.toMatchObject({ code: "E_BUSY" });
    expect(model.hash()).toBe(held);
    await running.return();
    expect(model.hash()).toBe(held);
  });
});
