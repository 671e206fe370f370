/** Translation in a worker: what it gives without one, cancelled and refused alike. */
import { beforeAll, expect, onTestFinished, test, vi } from "vitest";
import {
  byteTokenizer,
  Corpus,
  characterTokenizer,
  fit,
  ivon,
  LanguageModel,
} from "../../src/entries/index.ts";
import {
  type SourceFailure,
  type Translation,
  translate,
  translateAll,
} from "../../src/entries/translation.ts";
import type * as WorkerApi from "../../src/entries/worker.ts";
import { errorOf } from "../support/errors.ts";
import { buildWorker } from "./support.ts";

vi.setConfig({ testTimeout: 60_000 });

let api: typeof WorkerApi;
let here: LanguageModel;
beforeAll(async () => {
  api = await buildWorker();
  const tokenizer = characterTokenizer({ characters: "ab\t\n", unknown: false });
  const pairs = Array.from({ length: 40 }, (_, i) => {
    const source = i.toString(2).replace(/0/g, "a").replace(/1/g, "b");
    return [source, [...source].reverse().join("")] as const;
  });
  here = await LanguageModel.create({ tokenizer, embedding: 5, hidden: 9, seed: 1 });
  const run = { batch: 4, epochs: 1, inference: ivon({ learningRate: 5, probe: 5 }) };
  for await (const _ of fit(here, await Corpus.pairs(pairs, { tokenizer }), run));
}, 120_000);

async function connected() {
  const client = await api.connect();
  onTestFinished(client.terminate);
  return { client, there: await client.LanguageModel.load(here.toBytes()) };
}

const plain = ({ code, option, problem, remedy }: SourceFailure["error"]) => ({
  code,
  option,
  problem,
  remedy,
});

test("a source is translated as without a worker: by the mean, by samples, in 8 bits", async () => {
  const { client, there } = await connected();
  for (const options of [{}, { beam: 3, count: 3, samples: 2, seed: 4 }, { quantized: "int8" as const }])
    expect(await client.translate(there, "abba", options)).toEqual(await translate(here, "abba", options));
});

test("sources are translated in order, with failures in their place, and their source is closed", async () => {
  const { client, there } = await connected();
  const sources = ["ab", "a\tb", "", "ba", "xyz", "aab"];
  const collect = async (all: AsyncIterable<Translation | SourceFailure>) => {
    const found = [];
    for await (const one of all) found.push(one.error ? { ...one, error: plain(one.error) } : one);
    return found;
  };
  const options = { beam: 2, count: 2 };
  const found = await collect(client.translateAll(there, sources, options));
  expect(found).toEqual(await collect(translateAll(here, sources, options)));
  expect(found.map(({ error }) => error?.code ?? null)).toEqual([
    null,
    "E_PAIRS",
    null,
    null,
    "E_UNKNOWN_SYMBOL",
    null,
  ]);
  let closed = false;
  async function* endless() {
    try {
      for (;;) yield "ab";
    } finally {
      closed = true;
    }
  }
  for await (const { index } of client.translateAll(there, endless())) if (index === 70) break;
  expect(closed).toBe(true);
});

test("an abort ends a translation with its reason, and the worker serves on", async () => {
  const { client, there } = await connected();
  const reason = new Error("a key was pressed");
  await expect(client.translate(there, "ab", { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  const controller = new AbortController();
  // So wide that reading the source alone takes several slices.
  const wide = await LanguageModel.create({ tokenizer: here.tokenizer, embedding: 5, hidden: 256, seed: 1 });
  wide.documents = here.documents;
  const slow = await client.LanguageModel.load(wide.toBytes());
  const running = client.translate(slow, "ab".repeat(500), { signal: controller.signal });
  controller.abort(reason);
  await expect(running).rejects.toBe(reason);
  const during = new AbortController();
  function* endless() {
    for (;;) yield "ab";
  }
  const reading = async () => {
    for await (const { index } of client.translateAll(there, endless(), { signal: during.signal }))
      if (index === 70) during.abort(reason);
  };
  await expect(reading()).rejects.toBe(reason);
  const all = client.translateAll(there, ["ab", "ba"], { signal: AbortSignal.abort(reason) });
  await expect(all.next()).rejects.toBe(reason);
  expect(await client.translate(there, "ab")).toEqual(await translate(here, "ab"));
});

test("what cannot be translated is refused as without a worker", async () => {
  const { client, there } = await connected();
  const other = await LanguageModel.create({ tokenizer: byteTokenizer(), embedding: 3, hidden: 4, seed: 1 });
  const alien = await client.LanguageModel.load(other.toBytes());
  for (const [near, far, source, options] of [
    [here, there, "a\tb", {}],
    [here, there, 5, {}],
    [here, there, "abab", { longest: 3 }],
    [here, there, "ab", { beam: 0 }],
    [here, there, "ab", { beams: 2 }],
    [here, there, "ab", { quantized: "int4" }],
    [other, alien, "ab", {}],
  ] as const) {
    const [expected, found] = await Promise.all([
      errorOf(() => translate(near, source as string, options as object)),
      errorOf(() => client.translate(far, source as string, options as object)),
    ]);
    expect(plain(found as SourceFailure["error"])).toEqual(plain(expected as SourceFailure["error"]));
    expect(found).toBeInstanceOf(api.SviError);
  }
  const strict = client.translateAll(there, ["ab", "a\tb"], { strict: true });
  expect((await strict.next()).value).toMatchObject({ index: 0, error: null });
  await expect(strict.next()).rejects.toMatchObject({ code: "E_PAIRS" });
  const stranger = (await connected()).there;
  await expect(client.translate(stranger, "ab")).rejects.toMatchObject({ code: "E_OPTION" });
  await expect(client.translateAll(stranger, ["ab"]).next()).rejects.toMatchObject({ code: "E_OPTION" });
});
