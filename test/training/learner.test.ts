/** Sessions that learn: what they read gets likelier, to the same bits however it is cut, saved and continued. */
import { describe, expect, test, vi } from "vitest";
import {
  Corpus,
  characterTokenizer,
  fit,
  ivon,
  LanguageModel,
  type LearnerOptions,
  learner,
  type Session,
  SviError,
  type Tokenizer,
  wordTokenizer,
} from "../../src/entries/index.ts";
import { readSafetensors, writeSafetensors } from "../../src/formats/safetensors.ts";
import { jsonTokenizer } from "../../src/text/json.ts";
import { Waiting } from "../../src/training/waiting.ts";
import { byteLevel } from "../text/tokenizer-json.ts";
import { sentences } from "./support.ts";

vi.setConfig({ testTimeout: 120_000 });

const OLD = sentences(200, 1);
/** The same letters in other words. */
const NEW = sentences(60, 2).replace(/the/g, "het").replace(/s/g, "m");
const TOKENIZERS: Record<string, () => Tokenizer> = {
  characters: () => characterTokenizer({ characters: OLD }),
  words: () => wordTokenizer({ words: [...new Set(`${OLD}${NEW}`.split(/\s+/).filter(Boolean))].sort() }),
  "byte-level pieces": () => jsonTokenizer(byteLevel()),
};
const FORM = { sequence: 8, tokens: 2000 };
const made = new Map<string, Promise<LanguageModel>>();
function modelOf(name = "characters"): Promise<LanguageModel> {
  const found =
    made.get(name) ??
    (async () => {
      const tokenizer = TOKENIZERS[name]();
      const model = await LanguageModel.create({ tokenizer, embedding: 8, hidden: 16, seed: 3 });
      const run = { batch: 4, sequence: 16, epochs: 4, inference: ivon({ learningRate: 5, probe: 5 }) };
      for await (const _ of fit(model, await Corpus.open(OLD, { tokenizer }), run));
      return model;
    })();
  made.set(name, found);
  return found;
}

const learning = async (options: LearnerOptions = {}, more = {}, name = "characters") =>
  (await modelOf(name)).session({ learner: learner({ ...FORM, ...options }), ...more });

/** Reads in pieces, and learns all that it can after each. */
async function type(session: Session, text: string, piece = 40): Promise<void> {
  for (let at = 0; at < text.length; at += piece) {
    await session.read(text.slice(at, at + piece));
    await session.learn({ steps: 100 });
  }
}

const probabilitiesOf = (session: Session) => [...session.distribution().probabilities];

async function lossOf(session: Session, text: string, learns: boolean): Promise<number> {
  const model = await modelOf();
  let sum = 0;
  for (const [i, id] of model.tokenizer.encode(text).entries()) {
    if (i >= text.length / 2) sum -= Math.log(session.distribution().probabilities[id]);
    await session.read(text[i]);
    if (learns) await session.learn();
  }
  return sum / (text.length / 2);
}

describe("a session that learns", () => {
  test("finds what it reads likelier; the model and its other sessions stay as they are", async () => {
    const model = await modelOf();
    const [hash, other] = [model.hash(), await model.session()];
    await other.read("het m");
    const before = probabilitiesOf(other);
    const plain = await lossOf(await model.session(), NEW, false);
    const session = await learning();
    expect(await lossOf(session, NEW, true)).toBeLessThan(plain - 0.1);
    expect(model.hash()).toBe(hash);
    expect(probabilitiesOf(other)).toEqual(before);
    expect(probabilitiesOf(await model.session({ from: other.toBytes() }))).toEqual(before);
  });

  test("says what it did, and waits for a step's tokens and the one after them", async () => {
    const session = await learning();
    const none = { steps: 0, tokens: 0, loss: null, total: 0, dropped: 0 };
    expect(await session.learn()).toMatchObject({ ...none, waiting: 0 });
    await session.read(NEW.slice(0, 8));
    expect(await session.learn()).toMatchObject({ ...none, waiting: 8 });
    await session.read(NEW.slice(8, 40));
    const first = await session.learn();
    expect(first).toMatchObject({ steps: 1, tokens: 8, total: 8, waiting: 32 });
    expect(first.loss).toBeGreaterThan(0.5);
    expect(await session.learn({ steps: 9 })).toMatchObject({ steps: 3, tokens: 24, total: 32, waiting: 8 });
  });

  test.each(Object.keys(TOKENIZERS))(
    "of %s continues from bytes to the same bits, wherever it was cut",
    async (name) => {
      const text = NEW.slice(0, 600);
      const straight = await learning({}, { cache: true }, name);
      await type(straight, text);
      const expected = await straight.learntBytes();
      for (const cut of [40, 280, 560]) {
        const first = await learning({}, { cache: true }, name);
        await type(first, text.slice(0, cut));
        const [from, learnt] = [first.toBytes(), await first.learntBytes()];
        first.dispose();
        const second = await (await modelOf(name)).session({ from, learner: learner({ from: learnt }) });
        await type(second, text.slice(cut));
        expect(second.distribution()).toEqual(straight.distribution());
        expect(await second.learntBytes()).toEqual(expected);
        expect(second.toBytes()).toEqual(straight.toBytes());
      }
    },
  );

  test("continues where much was dropped, and longer than the text that counts", async () => {
    const options = { most: 20, tokens: 40 };
    const straight = await learning(options);
    await type(straight, NEW);
    const first = await learning(options);
    await type(first, NEW.slice(0, 520));
    await first.read(NEW.slice(520, 560));
    const [from, learnt] = [first.toBytes(), await first.learntBytes()];
    const model = await modelOf();
    const second = await model.session({ from, learner: learner({ from: learnt, most: 20 }) });
    await second.learn({ steps: 100 });
    await type(second, NEW.slice(560));
    expect(await second.learntBytes()).toEqual(await straight.learntBytes());
  });

  test("begins another text from a state of zeros", async () => {
    const model = await modelOf();
    const session = await learning();
    await type(session, NEW.slice(0, 200));
    const learnt = await session.learntBytes();
    const { tensors, metadata } = readSafetensors(learnt);
    const state = tensors.get("training/state")!;
    const moved = {
      dtype: "F32" as const,
      shape: state.shape,
      data: new Float32Array(state.shape[0]).fill(0.5),
    };
    const other = writeSafetensors(new Map([...tensors, ["training/state", moved]]), metadata);
    const losses = [];
    for (const from of [learnt, other]) {
      const fresh = await model.session({ learner: learner({ from }) });
      await fresh.read(NEW.slice(300, 400));
      losses.push((await fresh.learn()).loss);
    }
    expect(losses[0]).toBe(losses[1]);
  });

  test("gives a model like any other", async () => {
    const model = await modelOf();
    const session = await learning();
    await type(session, NEW);
    const bytes = await session.learntBytes();
    const learnt = await LanguageModel.load(bytes);
    const again = await model.session({ learner: learner({ from: bytes }) });
    const fresh = await learnt.session();
    for (const each of [again, fresh]) await each.read("het m");
    expect(probabilitiesOf(fresh)).toEqual(probabilitiesOf(again));
    expect(learnt.hash()).not.toBe(model.hash());
    expect((await learnt.score("het mea", { samples: 2 })).logProbability).toBeLessThan(0);
  });

  test("samples what it has learnt, and its forks read by the same weights and do not learn", async () => {
    const session = await learning({}, { samples: 2 });
    await session.read(NEW.slice(0, 100));
    const fork = session.fork();
    const before = session.distribution();
    expect(before.mutualInformation).toBeGreaterThan(0);
    await session.learn({ steps: 5 });
    expect(session.distribution()).not.toEqual(before);
    expect(fork.distribution()).toEqual(session.distribution());
    await expect(fork.learn()).rejects.toMatchObject({ code: "E_OPTION", option: "learner" });
  });

  test("keeps reads that come meanwhile for afterwards", async () => {
    const [one, other] = [await learning(), await learning()];
    await one.read(NEW.slice(0, 100));
    await one.learn({ steps: 4 });
    await one.read("het");
    await other.read(NEW.slice(0, 100));
    const calls = [other.learn({ steps: 4 }), other.read("het")];
    await Promise.resolve();
    expect(() => other.top()).toThrow(expect.objectContaining({ code: "E_BUSY" }));
    await Promise.all(calls);
    expect(probabilitiesOf(other)).toEqual(probabilitiesOf(one));
  });

  test("an abort keeps the steps before it, and nothing is lost", async () => {
    const [one, other] = [await learning(), await learning()];
    for (const session of [one, other]) await session.read(NEW.slice(0, 100));
    await one.learn({ steps: 5 });
    const reason = new Error("a key was pressed");
    await expect(other.learn({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    await other.learn({ steps: 2 });
    const controller = new AbortController();
    const aborted = other.learn({ steps: 3, signal: controller.signal });
    controller.abort(reason);
    await expect(aborted).rejects.toBe(reason);
    while ((await other.learn()).total < 40);
    expect(await other.learntBytes()).toEqual(await one.learntBytes());
  });

  test("bounds what waits", async () => {
    const session = await learning({ most: 20 });
    await session.read(NEW.slice(0, 100));
    const { dropped, waiting, steps } = await session.learn({ steps: 10 });
    expect(waiting + dropped + 8 * steps).toBe(100);
    expect(waiting + 8 * steps).toBeLessThanOrEqual(20);
    expect(steps).toBeGreaterThan(0);
    await expect(learning({ memoryLimit: 100_000 })).rejects.toMatchObject({ code: "E_MEMORY" });
  });
});

describe("tokens that wait", () => {
  const take = (waiting: Waiting, settled: number) => waiting.window(3, settled);

  test("are learnt once, in their order, with the one after them", () => {
    const waiting = new Waiting(100, { ids: [], apart: false }, 0);
    for (const id of [1, 2, 3]) waiting.push(id);
    expect(take(waiting, 3)).toBe(null);
    for (const id of [4, 5]) waiting.push(id);
    expect(take(waiting, 3)).toBe(null);
    expect(take(waiting, 5)).toEqual({ ids: [1, 2, 3, 4], apart: false });
    waiting.done(3);
    expect(waiting.tokens.ids).toEqual([4, 5]);
    waiting.back(4);
    for (const id of [6, 7, 8]) waiting.push(id);
    expect(take(waiting, 7)).toEqual({ ids: [4, 6, 7, 8], apart: false });
  });

  test("begin apart where what was learnt is taken back, or what waits dropped", () => {
    const waiting = new Waiting(6, { ids: [1, 2, 3, 4], apart: false }, 4);
    waiting.done(3);
    waiting.back(2);
    for (const id of [5, 6, 7, 8]) waiting.push(id);
    expect(take(waiting, 6)).toEqual({ ids: [5, 6, 7, 8], apart: true });
    waiting.done(3);
    for (let id = 9; id < 15; id++) waiting.push(id);
    expect(waiting.dropped).toBe(3);
    expect(take(waiting, 12)).toEqual({ ids: [11, 12, 13, 14], apart: true });
  });
});

describe("mistakes", () => {
  const refusal = (work: Promise<unknown>, code: string, what?: string) =>
    expect(work, what).rejects.toMatchObject({ code, remedy: expect.any(String) });

  test("no learner, a model without a posterior, options that are none, a disposed session", async () => {
    const model = await modelOf();
    await refusal((await model.session()).learn(), "E_OPTION");
    await refusal((await model.session()).learntBytes(), "E_OPTION");
    const { tokenizer } = model;
    const untrained = await LanguageModel.create({ tokenizer, embedding: 3, hidden: 4 });
    await refusal(untrained.session({ learner: learner() }), "E_OPTION");
    for (const wrong of [5, {}, learner, { kind: "learner" }])
      await refusal(model.session({ learner: wrong as never }), "E_OPTION", String(wrong));
    for (const options of [
      { sequence: 0 },
      { weight: 0 },
      { tokens: -1 },
      { learningRate: Number.NaN },
      { seed: 0.5 },
      { most: 1 },
      { from: "bytes" },
      { rate: 1 },
      null,
    ])
      expect(() => learner(options as never), JSON.stringify(options)).toThrow(
        expect.objectContaining({ code: "E_OPTION" }),
      );
    await refusal(learning({ most: 8 }), "E_OPTION");
    const session = await learning();
    for (const options of [{ steps: 0 }, { steps: 1.5 }, { signal: 5 }, { step: 1 }, 5])
      await refusal(session.learn(options as never), "E_OPTION", JSON.stringify(options));
    await session.read(NEW.slice(0, 100));
    const running = session.learn({ steps: 3 });
    session.dispose();
    await running;
    session.dispose();
    await refusal(session.learn(), "E_DISPOSED");
    await refusal(session.learntBytes(), "E_DISPOSED");
  });

  test("bytes of another model, of another learner, of none, and damaged ones", async () => {
    const model = await modelOf();
    const session = await learning();
    await type(session, NEW.slice(0, 200));
    const [from, learnt] = [session.toBytes(), await session.learntBytes()];
    await refusal(model.session({ from }), "E_MODEL");
    await refusal(model.session({ from, learner: learner(FORM) }), "E_MODEL");
    await session.read(NEW.slice(200, 300));
    await session.learn();
    await refusal(model.session({ from: session.toBytes(), learner: learner({ from: learnt }) }), "E_MODEL");
    const other = await modelOf("words");
    await refusal(other.session({ learner: learner({ from: learnt }) }), "E_MODEL");
    const copy = await LanguageModel.load(model.toBytes());
    for await (const { step } of fit(copy, await Corpus.open(OLD, { tokenizer: model.tokenizer }), {
      batch: 2,
    }))
      if (step === 1) break;
    await refusal(copy.session({ learner: learner({ from: learnt }) }), "E_MODEL");
    await refusal(model.session({ learner: learner({ from: model.toBytes() }) }), "E_FORMAT");
    await refusal(model.session({ learner: learner({ from: learnt, sequence: 9 }) }), "E_OPTION");
    const end = 8 + new DataView(learnt.buffer, learnt.byteOffset).getUint32(0, true);
    for (let i = 0; i < end; i += 5) {
      const damaged = learnt.slice();
      damaged[i] ^= 1 << (i % 7);
      const found = await model.session({ learner: learner({ from: damaged }) }).catch((error) => error);
      if (found instanceof Error) expect(found, `byte ${i}`).toBeInstanceOf(SviError);
    }
    for (let i = 0; i < learnt.length; i += Math.ceil(learnt.length / 50))
      await expect(model.session({ learner: learner({ from: learnt.slice(0, i) }) })).rejects.toBeInstanceOf(
        SviError,
      );
  });
});
