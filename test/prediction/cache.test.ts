/** The continuous cache, against sums in float64 over a model's own states, and the options that ask for one. */
import { describe, expect, test } from "vitest";
import { Corpus, characterTokenizer, evaluate, fit, ivon, LanguageModel } from "../../src/entries/index.ts";
import { seedOf } from "../../src/kernels/random.ts";
import { drive } from "../../src/kernels/slices.ts";
import { Cache, type CacheOptions, requireCache } from "../../src/prediction/cache.ts";
import { Predictor } from "../../src/prediction/predictor.ts";
import { sentences } from "../training/support.ts";

const TEXT = sentences(60, 4);
const tokenizer = characterTokenizer({ characters: TEXT });
const made = (async () => {
  const model = await LanguageModel.create({ tokenizer, embedding: 8, hidden: 16, seed: 3 });
  const corpus = await Corpus.open(TEXT, { tokenizer });
  for await (const _ of fit(model, corpus, { batch: 2, sequence: 16, epochs: 2, inference: ivon() }));
  return model;
})();
const FORM = { size: 20, theta: 0.7, lambda: 0.25 };

/** Log-probabilities by the formula, from the states that sessions give away. */
async function reference(text: string, { size, theta, lambda }: Required<CacheOptions>): Promise<number[]> {
  const model = await made;
  const { hidden } = model.configuration;
  const ids = tokenizer.encode(text);
  const states: Float32Array[] = [];
  const found: number[] = [];
  const plain = await model.score(text);
  const predictor = new Reading(model);
  await predictor.begin();
  for (let t = 0; t + 1 < ids.length; t++) {
    states.push(await predictor.after(ids[t]));
    const near: [number, number][] = [];
    for (let i = Math.max(0, t - size); i < t; i++) {
      let product = 0;
      for (let j = 0; j < hidden; j++) product += states[t][j] * states[i][j];
      near.push([theta * product, ids[i + 1]]);
    }
    const own = Math.exp(plain.tokens[t].logProbability);
    const total = near.reduce((sum, [x]) => sum + Math.exp(x), 0);
    const cached = near.reduce((sum, [x, id]) => sum + (id === ids[t + 1] ? Math.exp(x) : 0), 0);
    found.push(Math.log(near.length ? (1 - lambda) * own + (lambda * cached) / total : own));
  }
  return found;
}

/** The last layer's state after each token. */
class Reading {
  readonly #predictor: Predictor;
  readonly #hidden: number;

  constructor(model: LanguageModel) {
    this.#predictor = new Predictor(model.posterior, 0);
    this.#predictor.plan.commit();
    this.#hidden = model.configuration.hidden;
  }

  begin(): Promise<void> {
    return drive(this.#predictor.begin(seedOf(1)));
  }

  async after(token: number): Promise<Float32Array> {
    await drive(this.#predictor.follow([token]));
    return Float32Array.from(this.#predictor.top[0].subarray(0, this.#hidden));
  }
}

describe("the cache", () => {
  test("gives the formula's probabilities, in score and in evaluate", async () => {
    const model = await made;
    const text = TEXT.slice(0, 120);
    const expected = await reference(text, FORM);
    const { tokens } = await model.score(text, { cache: FORM });
    for (const [t, { logProbability }] of tokens.entries())
      expect(logProbability).toBeCloseTo(expected[t], 5);
    const { nll } = await evaluate(model, await Corpus.open(text, { tokenizer }), { cache: FORM });
    expect(nll).toBeCloseTo(-expected.reduce((a, b) => a + b, 0) / expected.length, 5);
    expect(nll).not.toBeCloseTo(-(await model.score(text)).logProbability / expected.length, 3);
  });

  test("changes what is written, the same each time; λ of 0 changes nothing", async () => {
    const model = await made;
    const write = async (cache?: boolean | CacheOptions) => {
      let text = "";
      for await (const piece of model.generate({ prompt: TEXT.slice(0, 80), tokens: 60, seed: 2, cache }))
        text += piece.text;
      return text;
    };
    const cached = await write({ lambda: 0.6 });
    expect(cached).not.toBe(await write());
    expect(await write({ lambda: 0.6 })).toBe(cached);
    expect(await write({ lambda: 0 })).toBe(await write());
  });

  test("leaves the mutual information of samples as it is", async () => {
    const model = await made;
    const text = TEXT.slice(0, 60);
    const [plain, cached] = await Promise.all(
      [undefined, FORM].map((cache) => model.score(text, { samples: 3, cache })),
    );
    for (const [t, { mutualInformation }] of cached.tokens.entries())
      expect(mutualInformation).toBeCloseTo(plain.tokens[t].mutualInformation, 5);
    expect(cached.logProbability).not.toBeCloseTo(plain.logProbability, 3);
  });

  test("goes back to a place, keeps what it may go back to, and forgets the rest", () => {
    const cache = new Cache({ size: 4, theta: 1, lambda: 0.5 }, 1);
    const mixed = () => {
      const p = Float32Array.of(0.25, 0.25, 0.25, 0.25);
      cache.mix(p, [Float32Array.of(1)], 0, { exp64: Math.exp });
      return [...p];
    };
    for (let i = 0; i < 300; i++) cache.push([Float32Array.of(i % 3)], i % 2);
    const before = mixed();
    const place = cache.length;
    for (let i = 0; i < 200; i++) cache.push([Float32Array.of(2)], 3, place);
    expect(mixed()).not.toEqual(before);
    cache.back(place);
    expect(mixed()).toEqual(before);
    expect(Cache.of(cache.form, 1, cache.state).length).toBe(place);
    expect(before.reduce((a, b) => a + b)).toBeCloseTo(1, 6);
  });

  test.each<[unknown, string]>([
    ["yes", "cache"],
    [{ size: 0 }, "cache.size"],
    [{ theta: Number.NaN }, "cache.theta"],
    [{ lambda: 1 }, "cache.lambda"],
    [{ sise: 3 }, "sise"],
  ])("refuses %j", (cache, option) => {
    expect(() => requireCache(cache as never)).toThrowError(
      expect.objectContaining({ code: "E_OPTION", option }),
    );
  });
});
