import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { adam, Corpus, fit, LanguageModel } from "../../src/entries/index.ts";
import { StopStrings } from "../../src/prediction/stop.ts";

const lines = "the whale the sea\nthe sea the whale\n".repeat(40);
let model: LanguageModel;

async function written(options: Parameters<LanguageModel["generate"]>[0]): Promise<string[]> {
  const texts: string[] = [];
  for await (const { index, text } of model.generate(options)) texts[index] = (texts[index] ?? "") + text;
  return texts;
}

beforeAll(async () => {
  const corpus = await Corpus.open(lines, { tokenizer: "word" });
  model = await LanguageModel.create({ tokenizer: corpus.tokenizer, hidden: 16, embedding: 8 });
  const run = fit(model, corpus, { inference: adam(), epochs: 3, batch: 4, sequence: 8 });
  for await (const _ of run);
});

describe("text that is written on", () => {
  it("can be joined to its prompt, whether or not that ends in a space", async () => {
    for (const prompt of ["the whale", "the whale ", "the sea\n", "sea\nthe"]) {
      const [text] = await written({ prompt, tokens: 12, temperature: 0 });
      expect(prompt + text).not.toContain("  ");
      for (const word of (prompt + text).trim().split(/\s+/)) expect(["the", "whale", "sea"]).toContain(word);
    }
  });

  it("never has a token that is excluded, at any temperature", async () => {
    const { tokenizer } = model;
    const [sea] = tokenizer.encode("sea");
    for (const change of [
      { temperature: 0 },
      { temperature: 1 },
      { temperature: 2 },
      { topP: 0.5 },
      { topK: 2 },
    ])
      for await (const { token } of model.generate({ prompt: "the", tokens: 20, exclude: [sea], ...change }))
        expect(token).not.toBe(sea);
    const all = Array.from({ length: tokenizer.vocabularySize }, (_, id) => id);
    await expect(written({ exclude: all })).rejects.toMatchObject({ code: "E_OPTION", option: "exclude" });
    await expect(written({ exclude: [99] })).rejects.toMatchObject({ code: "E_OPTION" });
  });

  it("ends before a stop string that spans tokens", async () => {
    const whole = (await written({ prompt: "the", tokens: 30, temperature: 0 }))[0];
    for (const stop of ["e s", "\n", ["le t", "sea\nth"], whole.slice(3, 9)]) {
      const [text] = await written({ prompt: "the", tokens: 30, temperature: 0, stop });
      const places = [stop]
        .flat()
        .map((one) => whole.indexOf(one))
        .filter((at) => at >= 0);
      expect(text).toBe(whole.slice(0, Math.min(...places, whole.length)));
    }
    await expect(written({ stop: "" })).rejects.toMatchObject({ code: "E_OPTION", option: "stop" });
    await expect(written({ stop: 5 as never })).rejects.toMatchObject({ code: "E_OPTION", option: "stop" });
  });

  it("comes in several texts, the n-th as the seed + n writes it", async () => {
    const options = { prompt: "the", tokens: 10, seed: 7 };
    const texts = await written({ ...options, count: 3 });
    expect(texts).toHaveLength(3);
    for (const n of [0, 1, 2]) expect(texts[n]).toBe((await written({ ...options, seed: 7 + n }))[0]);
    await expect(written({ count: 0 })).rejects.toMatchObject({ code: "E_OPTION", option: "count" });
  });
});

describe("stop strings", () => {
  const word = fc.string({ unit: fc.constantFrom("a", "b", "c"), minLength: 1, maxLength: 3 });
  it("are found however the text is cut", () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: fc.constantFrom("a", "b", "c") })),
        fc.array(word),
        (pieces, stops) => {
          const stop = new StopStrings(stops);
          let out = "";
          for (const [i, piece] of pieces.entries())
            if (!stop.found) out += stop.take(piece, i === pieces.length - 1);
          const whole = pieces.join("");
          const places = stops.map((one) => whole.indexOf(one)).filter((at) => at >= 0);
          expect(whole.startsWith(out)).toBe(true);
          if (places.length === 0) expect(out).toBe(whole);
          else for (const one of stops) expect(out.includes(one)).toBe(false);
          expect(stop.found).toBe(places.length > 0);
        },
      ),
    );
  });
});
