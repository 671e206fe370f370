/** Sessions and many texts at once in a worker: what they give without one. */
import { beforeAll, expect, onTestFinished, test, vi } from "vitest";
import { Corpus, fit, ivon, LanguageModel, type Learnt, learner } from "../../src/entries/index.ts";
import type * as WorkerApi from "../../src/entries/worker.ts";
import { TEXT } from "../training/support.ts";
import { buildWorker } from "./support.ts";

vi.setConfig({ testTimeout: 60_000 });

let api: typeof WorkerApi;
beforeAll(async () => {
  api = await buildWorker();
}, 120_000);

/** The same model on either side. @param learnt whether it has a posterior */
async function both(learnt = false) {
  const corpus = await Corpus.open(TEXT, { tokenizer: "character" });
  const here = await LanguageModel.create({ tokenizer: corpus.tokenizer, embedding: 5, hidden: 9, seed: 1 });
  const run = { batch: 2, sequence: 8, epochs: 1, inference: ivon({ learningRate: 5, probe: 5 }) };
  if (learnt) for await (const _ of fit(here, corpus, run));
  const client = await api.connect();
  onTestFinished(client.terminate);
  return { here, there: await client.LanguageModel.load(here.toBytes()) };
}

test("a session reads, completes, forks and goes to bytes as one without a worker", async () => {
  const { here, there } = await both();
  const [near, far] = [await here.session(), await there.session()];
  for (const session of [near, far]) for (const piece of ["the ", "s", "h"]) await session.read(piece);
  expect(await far.top(4)).toEqual(near.top(4));
  expect(await far.distribution()).toEqual(near.distribution());
  expect(await far.word()).toBe("sh");
  expect(await far.complete({ count: 2, effort: 20 })).toEqual(await near.complete({ count: 2, effort: 20 }));
  const bytes = await far.toBytes();
  expect(bytes).toEqual(near.toBytes());
  const fork = await far.fork();
  await fork.read("ip");
  expect(await far.top(4)).toEqual(near.top(4));
  expect(await (await there.session({ from: bytes })).top(4)).toEqual(near.top(4));
  await far.dispose();
  await expect(far.read("a")).rejects.toMatchObject({ code: "E_DISPOSED" });
  await expect(there.session({ samples: 2 })).rejects.toMatchObject({ code: "E_OPTION" });
});

test("a session with a cache is as one without a worker, and travels between the two", async () => {
  const { here, there } = await both();
  const cache = { size: 30, theta: 0.5, lambda: 0.2 };
  const [near, far] = [await here.session({ cache }), await there.session({ cache })];
  for (const session of [near, far]) await session.read("the ship sees the sh");
  expect(await far.top(4)).toEqual(near.top(4));
  const bytes = await far.toBytes();
  expect(bytes).toEqual(near.toBytes());
  for (const again of [await here.session({ from: bytes }), await there.session({ from: bytes })])
    expect(await again.top(4)).toEqual(near.top(4));
  await expect(there.session({ cache: { size: 0 } })).rejects.toMatchObject({ code: "E_OPTION" });
});

test("a session that learns is as one without a worker, and continues on either side", async () => {
  const { here, there } = await both(true);
  const options = { sequence: 8, tokens: 500 };
  const near = await here.session({ learner: learner(options) });
  const far = await there.session({ learner: api.learner(options) });
  const timeless = ({ milliseconds, ...rest }: Learnt) => rest;
  for (const text of ["the ship sees the sea", " the ship sees the sky and the moon"]) {
    for (const session of [near, far]) await session.read(text);
    const learnt = await far.learn({ steps: 2 });
    expect(learnt.milliseconds).toBeGreaterThan(0);
    expect(timeless(learnt)).toEqual(timeless(await near.learn({ steps: 2 })));
  }
  expect(await far.top(4)).toEqual(near.top(4));
  const [from, learnt] = [await far.toBytes(), await far.learntBytes()];
  expect(from).toEqual(near.toBytes());
  expect(learnt).toEqual(new Uint8Array(await near.learntBytes()));
  const again = await here.session({ from, learner: learner({ from: learnt }) });
  const away = await there.session({ from, learner: api.learner({ from: learnt }) });
  for (const session of [again, away, near]) await session.read(" the whale");
  expect(timeless(await away.learn())).toEqual(timeless(await near.learn()));
  await again.learn();
  for (const session of [again, away]) expect(await session.top(4)).toEqual(near.top(4));
  await far.dispose();
  await expect(far.learn()).rejects.toMatchObject({ code: "E_DISPOSED" });
  await expect((await there.session()).learn()).rejects.toMatchObject({
    code: "E_OPTION",
    option: "learner",
  });
  const reason = new Error("a key was pressed");
  await expect(away.learn({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  for (const wrong of [api.learner({ sequence: 0 }), api.learner({ rate: 1 } as never), learner(), 5, null])
    await expect(there.session({ learner: wrong as never }), String(wrong)).rejects.toMatchObject({
      code: "E_OPTION",
    });
});

test("texts are scored in order, with failures in their place, and their source is closed", async () => {
  const { here, there } = await both();
  const texts = [...TEXT.split("\n").slice(0, 30), "t", "the sea"];
  const collect = async (scores: AsyncIterable<unknown>) => {
    const found = [];
    for await (const one of scores) found.push(one);
    return found;
  };
  const expected = await collect(here.scoreAll(texts));
  const found = (await collect(there.scoreAll(texts))) as typeof expected;
  expect(found.filter((one) => (one as { error: null }).error === null)).toEqual(
    expected.filter((one) => (one as { error: null }).error === null),
  );
  expect(found[30]).toMatchObject({ error: { code: "E_TEXT_SHORT" } });
  let closed = false;
  async function* endless() {
    try {
      for (;;) yield "the sea";
    } finally {
      closed = true;
    }
  }
  for await (const { index } of there.scoreAll(endless())) if (index === 70) break;
  expect(closed).toBe(true);
  async function* failing() {
    yield "the sea";
    throw new Error("the pipe broke");
  }
  const scores = there.scoreAll(failing());
  expect((await scores.next()).value).toMatchObject({ index: 0 });
  await expect(scores.next()).rejects.toMatchObject({ code: "E_TEXT_SOURCE", value: 1 });
});
