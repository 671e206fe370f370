/** The phoneme example in Node, over a bucket in memory: a small dictionary is learnt, and asked for. */
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { adam, Corpus, fit, LanguageModel } from "../../src/entries/index.ts";

vi.setConfig({ testTimeout: 60_000 });

const BUNDLE = "build/test-phonemes/edge.mjs";
const SOUNDS: Record<string, string> = { a: "AA", e: "EH", o: "OW", n: "N", t: "T", s: "S" };
const WORDS = ["on", "no", "tone", "note", "sent", "nest", "a", "oat", "seat", "eaten", "stone", "onset"];

let bytes: Uint8Array;
let example: { fetch(request: Request, env: unknown): Promise<Response> };
beforeAll(async () => {
  const alias = {
    "svi-lm": resolve("src/entries/index.ts"),
    "svi-lm/translation": resolve("src/entries/translation.ts"),
  };
  const entryPoints = ["examples/phonemes/edge.mjs"];
  await build({ entryPoints, outfile: BUNDLE, bundle: true, format: "esm", alias, logLevel: "error" });
  example = (await import(/* @vite-ignore */ pathToFileURL(BUNDLE).href)).default;
  const pairs = WORDS.map((word) => {
    const letters = [...word];
    return [letters.toReversed().join(" "), letters.map((letter) => SOUNDS[letter]).join(" ")] as const;
  });
  const corpus = await Corpus.pairs(pairs, { tokenizer: "word" });
  const { tokenizer } = corpus;
  const attention = { span: 16, ...corpus.scoring };
  const model = await LanguageModel.create({ tokenizer, embedding: 12, hidden: 24, attention, seed: 1 });
  const run = { batch: 4, epochs: 60, inference: adam({ learningRate: 0.02 }) };
  for await (const _ of fit(model, corpus, run));
  bytes = model.toBytes();
}, 60_000);

async function ask(body: string | null, file: Uint8Array | null = bytes) {
  const MODELS = { get: async () => file && new Response(file.slice()) };
  const method = body === null ? "GET" : "POST";
  const response = await example.fetch(new Request("http://edge/", { method, body }), { MODELS });
  return { status: response.status, ...(await response.json()) };
}

describe("the phoneme example", () => {
  test("answers 400 where there is no model, and looks again", async () => {
    expect(await ask("on", null)).toMatchObject({
      status: 400,
      error: expect.stringMatching(/no phonemes\.svi/),
    });
  });

  test("says words' sounds in their order, the others, and how sure it is", async () => {
    const { status, words } = await ask("  Stone on\neaten ");
    expect(status).toBe(200);
    expect(words.map(({ word }: { word: string }) => word)).toEqual(["stone", "on", "eaten"]);
    expect(words[0].phonemes).toEqual(["S", "T", "OW", "N", "EH"]);
    expect(words[1].phonemes).toEqual(["OW", "N"]);
    expect(words[2].phonemes).toEqual(["EH", "AA", "T", "EH", "N"]);
    expect(words[0].others).toHaveLength(2);
    expect(words[0].sureness).toBeLessThan(0);
  });

  test("refuses what is not words, and too many", async () => {
    expect(await ask(null)).toMatchObject({ status: 405 });
    expect(await ask(" \n")).toMatchObject({ status: 400, error: "There are no words" });
    expect(await ask("a ".repeat(201))).toMatchObject({ status: 400, error: "More than 200 words" });
    expect(await ask("a".repeat(20_000))).toMatchObject({ status: 400 });
  });
});
