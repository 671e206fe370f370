/** Learning from more text in a worker: the bits of `adapt` without one, progress, and runs that are left. */
import { beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { adapt, Corpus, fit, ivon, LanguageModel, type StepRecord } from "../../src/entries/index.ts";
import type * as WorkerApi from "../../src/entries/worker.ts";
import { sentences } from "../training/support.ts";
import { buildWorker } from "./support.ts";

vi.setConfig({ testTimeout: 60_000 });

const RUN = { batch: 3, sequence: 8, epochs: 1 };
const NEW = sentences(20, 2).replace(/s/g, "m");
let api: typeof WorkerApi;
let learnt: Uint8Array;
beforeAll(async () => {
  api = await buildWorker();
  const corpus = await Corpus.open(sentences(40), { tokenizer: "character" });
  const model = await LanguageModel.create({ tokenizer: corpus.tokenizer, embedding: 5, hidden: 9 });
  for await (const _ of fit(model, corpus, { ...RUN, inference: ivon({ learningRate: 5, probe: 5 }) }));
  learnt = model.toBytes();
}, 120_000);

async function both() {
  const here = await LanguageModel.load(learnt);
  const client = await api.connect();
  onTestFinished(client.terminate);
  const there = await client.LanguageModel.load(learnt);
  return {
    here,
    there,
    adapt: client.adapt,
    corpus: await Corpus.open(NEW, { tokenizer: here.tokenizer }),
    remote: await client.Corpus.open(NEW, { tokenizer: there.tokenizer }),
    load: () => client.LanguageModel.load(learnt),
  };
}

const withoutTime = ({ seconds, ...rest }: StepRecord) => rest;

describe("adapt in a worker", () => {
  test("gives the records and the model that it gives without one", async () => {
    const { here, there, adapt: its, corpus, remote, load } = await both();
    const options = { ...RUN, weight: 0.1, learningRate: 5, mostForgotten: 0.001 };
    const saved: Uint8Array[] = [];
    const save = (bytes: Uint8Array) => void saved.push(bytes);
    const [mine, theirs]: StepRecord[][] = [[], []];
    const own = { ...options, past: [here.posterior, (await LanguageModel.load(learnt)).posterior] };
    for await (const record of adapt(here, corpus, own)) mine.push(record);
    const checkpoint = { every: 4, save };
    const away = { ...options, past: [there, await load()], checkpoint };
    for await (const record of its(there, remote, away)) theirs.push(record);
    expect(theirs.map(withoutTime)).toEqual(mine.map(withoutTime));
    expect(await there.hash()).toBe(here.hash());
    expect(saved.length).toBe(Math.floor(mine.length / 4) + Number(mine.length % 4 > 0));
  });

  test("keeps the steps that were seen where it is left, and ends with the signal's reason", async () => {
    const { here, there, adapt: its, corpus, remote } = await both();
    for await (const { step } of adapt(here, corpus, RUN)) if (step === 3) break;
    for await (const { step } of its(there, remote, RUN)) if (step === 3) break;
    expect(await there.hash()).toBe(here.hash());
    const reason = new Error("enough");
    const controller = new AbortController();
    const run = its(there, remote, { ...RUN, signal: controller.signal });
    await run.next();
    controller.abort(reason);
    await expect(run.next()).rejects.toBe(reason);
    // Nothing holds the model then.
    for await (const { step } of its(there, remote, { ...RUN, until: (record) => record.step === 2 }))
      expect(step).toBeLessThan(3);
  });

  test("refuses what adapt refuses", async () => {
    const { there, adapt: its, remote } = await both();
    for (const options of [
      { weight: 0 },
      { mostForgotten: -1 },
      { past: [] },
      { past: 5 },
      { epochs: -1 },
      { nothing: 1 },
    ])
      await expect(
        its(there, remote, { ...RUN, ...options } as never).next(),
        JSON.stringify(options),
      ).rejects.toMatchObject({
        code: "E_OPTION",
      });
    await expect(its(there, {} as never).next()).rejects.toMatchObject({ code: "E_OPTION" });
  });
});
