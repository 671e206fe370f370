/** Beam search against all targets that there are, against scores, and against itself with other texts beside. */
import { beforeAll, describe, expect, it, vi } from "vitest";
import { adam, Corpus, characterTokenizer, fit, ivon, LanguageModel } from "../../src/entries/index.ts";
import {
  type TranslateAllOptions,
  type Translation,
  translate,
  translateAll,
} from "../../src/entries/translation.ts";
import { errorOf } from "../support/errors.ts";
import { randomNumbers } from "../support/random.ts";

// Seconds of arithmetic, on machines that may be busy.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const random = randomNumbers(8);
const word = () =>
  Array.from({ length: 1 + Math.floor(random() * 5) }, () => "ab"[Math.floor(random() * 2)]).join("");
const PAIRS = Array.from({ length: 150 }, () => {
  const source = word();
  return [source, [...source].reverse().join("")] as const;
});
const tokenizer = characterTokenizer({ characters: "ab\t\n", unknown: false });
const SOURCES = ["ab", "abb", "b", "", "babab", "aab"];

let model: LanguageModel;
beforeAll(async () => {
  model = await LanguageModel.create({ tokenizer, embedding: 6, hidden: 24, seed: 1 });
  const corpus = await Corpus.pairs(PAIRS, { tokenizer });
  for await (const _ of fit(model, corpus, { inference: ivon({ learningRate: 5 }), epochs: 15, batch: 8 }));
});

async function all(sources: Iterable<unknown>, options: TranslateAllOptions = {}) {
  const found = [];
  for await (const each of translateAll(model, sources as string[], options)) found.push(each);
  return found;
}

/** Every target of at most so many tokens, its end among them. */
function targets(tokens: number): string[] {
  const texts = [""];
  for (let from = 0, length = 1; length < tokens; length++) {
    const to = texts.length;
    for (; from < to; from++) texts.push(`${texts[from]}a`, `${texts[from]}b`);
  }
  return texts;
}

describe("translate", () => {
  it.each([
    [0, 0],
    [1, 0],
    [0.6, 0],
    [1, 3],
  ])(
    "finds the best of all targets where the beam holds them all, normalised by the power %f, of %i samples",
    async (power, samples) => {
      const options = { beam: 40, count: 5, lengthNormalisation: power, maxTokens: 5, samples };
      const found = await translate(model, "abb", options);
      const scored = [];
      for (const text of targets(5)) {
        const { logProbability, tokens } = await model.score(`abb\t${text}\n`, { samples });
        expect(tokens).toHaveLength(text.length + 1);
        scored.push({ text, logProbability, score: logProbability / (text.length + 1) ** power });
      }
      scored.sort((a, b) => b.score - a.score);
      expect(found.candidates).toHaveLength(5);
      for (const [i, { text, logProbability, score }] of scored.slice(0, 5).entries()) {
        expect(found.candidates[i]).toMatchObject({ text, tokens: text.length + 1, complete: true });
        expect(found.candidates[i].logProbability).toBeCloseTo(logProbability, 4);
        expect(found.candidates[i].score).toBeCloseTo(score, 4);
      }
      const { candidates, index, error, ...best } = found;
      expect({ index, error }).toEqual({ index: 0, error: null });
      expect(best).toEqual(candidates[0]);
    },
  );

  it("says how unsure the model was of every token, as a score does", async () => {
    const { text, entropy, mutualInformation } = await translate(model, "aba", { samples: 4, beam: 3 });
    const { tokens } = await model.score(`aba\t${text}\n`, { samples: 4 });
    const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(entropy).toBeCloseTo(mean(tokens.map((token) => token.entropy)), 5);
    expect(mutualInformation).toBeCloseTo(mean(tokens.map((token) => token.mutualInformation)), 5);
    expect(mutualInformation).toBeGreaterThan(0);
    expect((await translate(model, "aba")).mutualInformation).toBe(0);
  });

  it("writes with a beam of one what is likeliest token by token", async () => {
    for (const source of SOURCES.filter((each) => each !== "")) {
      let text = "";
      for await (const piece of model.generate({ prompt: `${source}\t`, temperature: 0, tokens: 40 }))
        text += piece.text;
      expect((await translate(model, source, { beam: 1, maxTokens: 40 })).text).toBe(text);
    }
  });

  it("gives every text of many what it gives it alone, in their order; empty ones are empty", async () => {
    const many = Array.from({ length: 150 }, (_, i) => (i % 20 === 3 ? "" : word()));
    const options = { beam: 4, count: 2, samples: 2 };
    const found = (await all(many, options)) as Translation[];
    expect(found.map(({ index }) => index)).toEqual(many.map((_, i) => i));
    for (const [i, source] of many.slice(0, 24).entries())
      expect(found[i]).toEqual({ ...(await translate(model, source, options)), index: i });
    expect(found[3]).toMatchObject({ text: "", tokens: 0, candidates: [] });
  });

  it.each([0, 3])(
    "predicts in 8 bits nearly what float32 does, by the mean or %i samples",
    async (samples) => {
      const sources = Array.from({ length: 60 }, word);
      const options = { beam: 8, count: 4, maxTokens: 5, samples };
      const floats = (await all(sources, options)) as Translation[];
      const bytes = (await all(sources, { ...options, quantized: "int8" })) as Translation[];
      const same = bytes.filter(({ text }, i) => text === floats[i].text);
      expect(same.length).toBeGreaterThanOrEqual(0.95 * sources.length);
      for (const [i, { text, logProbability }] of bytes.entries())
        if (text === floats[i].text) expect(logProbability).toBeCloseTo(floats[i].logProbability, 0);
      // A beam's states part and meet as those of a text read by itself.
      for (const { index, candidates } of bytes.slice(0, 15))
        for (const { text, complete, logProbability, entropy, mutualInformation } of candidates) {
          if (!complete) continue;
          const form = { samples, quantized: "int8" } as const;
          const scored = await model.score(`${sources[index]}\t${text}\n`, form);
          const mean = (of: "entropy" | "mutualInformation") =>
            scored.tokens.reduce((sum, token) => sum + token[of], 0) / scored.tokens.length;
          expect(logProbability).toBeCloseTo(scored.logProbability, 4);
          expect(entropy).toBeCloseTo(mean("entropy"), 5);
          expect(mutualInformation).toBeCloseTo(mean("mutualInformation"), 5);
        }
      expect(bytes.map(({ logProbability }) => logProbability)).not.toEqual(
        floats.map(({ logProbability }) => logProbability),
      );
      expect(await translate(model, sources[7], { ...options, quantized: "int8" })).toEqual({
        ...bytes[7],
        index: 0,
      });
    },
  );

  it("ends at the limit, and says so", async () => {
    const found = await translate(model, "babab", { maxTokens: 2, beam: 2, lengthNormalisation: 0 });
    expect(found.tokens).toBeLessThanOrEqual(2);
    const short = await translate(model, "babab", { maxTokens: 1, beam: 1 });
    expect(short).toMatchObject({ tokens: 1, complete: false });
    expect(short.text).toHaveLength(1);
  });

  it("never writes the symbol between source and target", async () => {
    const untrained = await LanguageModel.create({ tokenizer, embedding: 6, hidden: 24, seed: 5 });
    untrained.documents = model.documents;
    const found = await translate(untrained, "ab", { beam: 8, count: 8, maxTokens: 12 });
    expect(found.candidates.map(({ text }) => text).join("")).not.toContain("\t");
  });
});

describe("what cannot be translated", () => {
  it("gives an error in its place, or with strict ends all, after what came before", async () => {
    const sources = ["ab", "a\tb", "b", 5, "a\nb", "axb", "abab"];
    const found = await all(sources, { longest: 3 });
    const codes = found.map(({ error }) => error?.code ?? null);
    expect(codes).toEqual([null, "E_PAIRS", null, "E_OPTION", "E_PAIRS", "E_UNKNOWN_SYMBOL", "E_TEXT_LONG"]);
    expect(found[1].error?.message).toMatch(/^Source 1: The source holds "\\t"/);
    const given: unknown[] = [];
    const error = await errorOf(async () => {
      for await (const each of translateAll(model, sources as string[], { strict: true })) given.push(each);
    });
    expect(given).toHaveLength(1);
    expect(error).toMatchObject({ code: "E_PAIRS" });
  });

  it.each<[string, object, string]>([
    ["a beam of none", { beam: 0 }, "beam"],
    ["more targets than the beam holds", { beam: 2, count: 3 }, "count"],
    ["a power below 0", { lengthNormalisation: -1 }, "lengthNormalisation"],
    ["no token at all", { maxTokens: 0 }, "maxTokens"],
    ["an unknown option", { beams: 2 }, "beams"],
    ["weights of 4 bits", { quantized: "int4" }, "quantized"],
  ])("is refused: %s", async (_, options, option) => {
    expect(await errorOf(() => translate(model, "ab", options))).toMatchObject({ code: "E_OPTION", option });
  });

  it("is refused: a model of other texts, samples of one without a posterior, a list as one source", async () => {
    const plain = await LanguageModel.create({ tokenizer, embedding: 6, hidden: 8 });
    expect(await errorOf(() => translate(plain, "ab"))).toMatchObject({ code: "E_OPTION", option: "model" });
    plain.documents = model.documents;
    expect(await errorOf(() => translate(plain, "ab", { samples: 2 }))).toMatchObject({ option: "samples" });
    expect(await errorOf(() => translate(model, ["ab"] as never))).toMatchObject({ option: "source" });
  });

  it("ends when it is aborted", async () => {
    const controller = new AbortController();
    controller.abort(new Error("enough"));
    expect(await errorOf(() => translate(model, "ab", { signal: controller.signal }))).toMatchObject({
      message: "enough",
    });
  });
});

it("learns to reverse", async () => {
  const own = await LanguageModel.create({ tokenizer, embedding: 8, hidden: 48, seed: 1 });
  const corpus = await Corpus.pairs(PAIRS, { tokenizer });
  for await (const _ of fit(own, corpus, { inference: adam({ learningRate: 0.01 }), epochs: 40, batch: 8 }));
  const sources = [...new Set(PAIRS.map(([source]) => source))];
  const right = [];
  for await (const found of translateAll(own, sources))
    if (found.error === null) right.push(found.text === [...sources[found.index]].reverse().join(""));
  expect(right.filter(Boolean).length / right.length).toBeGreaterThan(0.8);
  const [floats, bytes] = [undefined, "int8" as const].map(async (quantized) => {
    const texts = [];
    for await (const found of translateAll(own, sources, { quantized, strict: true }))
      texts.push((found as Translation).text);
    return texts;
  });
  const kept = await floats;
  const same = (await bytes).filter((text, i) => text === kept[i]);
  expect(same.length).toBeGreaterThanOrEqual(0.95 * sources.length);
  // Beginnings that part keep the states that they parted with.
  for (const source of sources.slice(0, 20)) {
    const { candidates } = await translate(own, source, { beam: 6, count: 6, quantized: "int8" });
    for (const { text, logProbability } of candidates) {
      const scored = await own.score(`${source}\t${text}\n`, { quantized: "int8" });
      expect(logProbability).toBeCloseTo(scored.logProbability, 4);
    }
  }
});
