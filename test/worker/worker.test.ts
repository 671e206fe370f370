/** svi-lm in a thread: the same bits as without one, back pressure, errors with their codes, and its death. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import {
  byteTokenizer,
  Corpus,
  characterTokenizer,
  evaluate,
  fit,
  importModel,
  ivon,
  LanguageModel,
  type StepRecord,
} from "../../src/entries/index.ts";
import type * as WorkerApi from "../../src/entries/worker.ts";
import { shown } from "../../src/errors.ts";
import { sentences, TEXT } from "../training/support.ts";
import { buildWorker, FOLDER, script, startWorker } from "./support.ts";

vi.setConfig({ testTimeout: 60_000 });

let api: typeof WorkerApi;
beforeAll(async () => {
  api = await buildWorker();
}, 60_000);

const SHAPE = { embedding: 5, hidden: 9, layers: 2, seed: 1 };
const RUN = { batch: 3, sequence: 8, epochs: 1, inference: ivon({ learningRate: 5, probe: 5 }) };
const tokenizer = () => characterTokenizer({ characters: TEXT });

async function connected() {
  const client = await api.connect();
  onTestFinished(client.terminate);
  const corpus = await client.Corpus.open(TEXT, { tokenizer: "character" });
  const model = await client.LanguageModel.create({ tokenizer: corpus.tokenizer, ...SHAPE });
  return { ...client, client, corpus, model };
}

/** The same without a worker. */
async function direct() {
  const corpus = await Corpus.open(TEXT, { tokenizer: "character" });
  const model = await LanguageModel.create({ tokenizer: corpus.tokenizer, ...SHAPE });
  return { corpus, model };
}

const withoutTime = ({ seconds, ...rest }: StepRecord) => rest;

async function problem(work: Promise<unknown>): Promise<InstanceType<typeof WorkerApi.SviError>> {
  const error = await work.then(
    () => new Error("Nothing was thrown"),
    (thrown) => thrown,
  );
  expect(error).toBeInstanceOf(api.SviError);
  expect(error.remedy).toBeTruthy();
  expect(error.message).toContain(error.remedy);
  return error;
}

describe("the same in a worker as without one", () => {
  test("a model of PyTorch's is imported; what does not fit keeps its code and its names", async () => {
    const { client } = await connected();
    const file = readFileSync(new URL("../oracle/dumps/pytorch.safetensors", import.meta.url));
    const tokenizer = byteTokenizer();
    const there = await client.importModel(file, { tokenizer, names: { output: "decoder" } });
    expect(await there.hash()).toBe((await importModel(file, { tokenizer })).hash());
    const small = characterTokenizer({ characters: "abc" });
    const error = await problem(client.importModel(file, { tokenizer: small }));
    expect(error).toMatchObject({ code: "E_VOCABULARY_MISMATCH" });
    expect(error.message).toContain("encoder.weight");
    const load = await problem(client.LanguageModel.load(file));
    expect(load.message).toContain("importModel");
  });

  test("training, record by record; the file, the hash, scores and text", async () => {
    const here = await direct();
    const there = await connected();
    const validation = { every: 10, samples: 2 };
    const [mine, its]: StepRecord[][] = [[], []];
    const options = { ...RUN, averaging: 0.2 };
    for await (const record of fit(here.model, here.corpus, {
      ...options,
      validation: { ...validation, corpus: here.corpus },
    }))
      mine.push(record);
    for await (const record of there.fit(there.model, there.corpus, {
      ...options,
      validation: { ...validation, corpus: there.corpus },
    }))
      its.push(record);
    expect(its.map(withoutTime)).toEqual(mine.map(withoutTime));
    expect(await there.model.hash()).toBe(here.model.hash());
    expect(await there.model.toBytes()).toEqual(new Uint8Array(here.model.toBytes()));
    expect(await there.model.embedding(3)).toEqual(here.model.embedding(3));
    const { mean, precision, lambda } = await there.model.posterior();
    expect({ mean, precision, lambda }).toEqual({
      mean: here.model.posterior.mean,
      precision: here.model.posterior.precision,
      lambda: here.model.posterior.lambda,
    });
    const samples = { samples: 2 };
    expect(await there.evaluate(there.model, there.corpus, samples)).toEqual(
      await evaluate(here.model, here.corpus, samples),
    );
    expect(await there.model.score("the sea finds", samples)).toEqual(
      await here.model.score("the sea finds", samples),
    );
    const pieces = async (text: AsyncIterable<unknown>) => {
      const all = [];
      for await (const piece of text) all.push(piece);
      return all;
    };
    expect(await pieces(there.model.generate({ prompt: "the ", tokens: 9 }))).toEqual(
      await pieces(here.model.generate({ prompt: "the ", tokens: 9 })),
    );
  });

  test("training with a moving average, and without noise", async () => {
    const [here, plain] = [await direct(), await direct()];
    const there = await connected();
    const options = { ...RUN, average: { decay: 0.9 }, inference: ivon({ noise: false }) };
    for await (const _ of fit(here.model, here.corpus, options));
    for await (const _ of there.fit(there.model, there.corpus, options));
    for await (const _ of fit(plain.model, plain.corpus, { ...options, average: undefined }));
    expect(await there.model.hash()).toBe(here.model.hash());
    expect(here.model.hash()).not.toBe(plain.model.hash());
    const late = there.fit(there.model, there.corpus, { ...options, average: { decay: 1 } });
    expect((await problem(late.next())).option).toBe("average.decay");
  });

  test("training by either form of products", async () => {
    const [here, floats] = [await direct(), await direct()];
    const there = await connected();
    const options = { ...RUN, products: "int16" } as const;
    for await (const _ of fit(here.model, here.corpus, options));
    for await (const _ of there.fit(there.model, there.corpus, options));
    for await (const _ of fit(floats.model, floats.corpus, { ...RUN, products: "float32" }));
    expect(await there.model.hash()).toBe(here.model.hash());
    expect(await there.model.hash()).not.toBe(floats.model.hash());
  });

  test("texts of every kind, tokenizers of either side, parts", async () => {
    const { Corpus: There, learnTokenizer, corpus } = await connected();
    const bytes = new TextEncoder().encode(TEXT);
    const reads: number[] = [];
    const source = {
      size: bytes.length,
      read: async (start: number, end: number) => {
        reads.push(end - start);
        return bytes.slice(start, end);
      },
    };
    const own = await learnTokenizer(source, { kind: "word" });
    expect(reads.length).toBeGreaterThan(0);
    const words = await Corpus.open(TEXT, { tokenizer: "word" });
    // Several texts are documents: these are cut where a line ends.
    const cut = TEXT.indexOf("\n") + 1;
    for (const text of [TEXT, bytes, new Blob([bytes]), source, [TEXT.slice(0, cut), TEXT.slice(cut)]]) {
      const opened = await There.open(text, { tokenizer: own, cacheTokens: 16 });
      expect(await opened.fingerprint()).toBe(await words.fingerprint());
      expect(opened).toMatchObject({ tokens: words.tokens, bytes: words.bytes });
    }
    expect(bytes.length).toBe(source.size);
    const given = await There.open(TEXT, { tokenizer: tokenizer() });
    expect(await given.fingerprint()).toBe(await corpus.fingerprint());
    const ids = await corpus.tokenizer.encode("the sea");
    expect(await corpus.tokenizer.decode(ids)).toBe("the sea");
    expect(await corpus.tokenizer.continue(ids, ids)).toBe("the sea");
    const spaced = (await There.open(TEXT, { tokenizer: "word" })).tokenizer;
    const sea = await spaced.encode("the sea");
    expect(await spaced.continue(sea, sea)).toBe(" the sea");
    expect(await corpus.tokenizer.describe()).toEqual(tokenizer().describe());
    const again = await There.fromTokens(ids, corpus.tokenizer);
    expect(again.tokens).toBe(7);
    const [most, rest] = await corpus.split([0.9, 0.1]);
    expect(most.tokens + rest.tokens).toBe(corpus.tokens);
    expect((await corpus.slice(2, 12)).tokens).toBe(10);
  });

  test("a saved model is loaded from bytes, a Blob, a response and a stream", async () => {
    const { LanguageModel: There } = await connected();
    const { model } = await direct();
    const bytes = new Uint8Array(model.toBytes());
    for (const source of [
      bytes,
      bytes.slice().buffer,
      new Blob([bytes]),
      new Response(bytes),
      new Blob([bytes]).stream(),
    ])
      expect(await (await There.load(source)).hash()).toBe(model.hash());
    expect(bytes.length).toBeGreaterThan(0);
    let saved = 0;
    const loaded = await There.load(bytes);
    await loaded.save(
      new WritableStream({
        write(chunk) {
          saved += chunk.length;
        },
      }),
    );
    expect(saved).toBe(bytes.length);
  });
});

describe("a run is pulled", () => {
  test("leaving the loop keeps exactly the steps seen, and ends the run in the worker", async () => {
    for (const steps of [1, 4]) {
      const here = await direct();
      const there = await connected();
      let seen = 0;
      for await (const _ of fit(here.model, here.corpus, RUN)) if (++seen === steps) break;
      seen = 0;
      for await (const _ of there.fit(there.model, there.corpus, RUN)) {
        // Time enough for a worker that ran ahead to show it.
        await new Promise((resolve) => setTimeout(resolve, 60));
        if (++seen === steps) break;
      }
      expect(await there.model.hash()).toBe(here.model.hash());
      // The weights are free again.
      const again = there.fit(there.model, there.corpus, RUN);
      expect((await again.next()).done).toBe(false);
      await again.return();
    }
  });

  test("until runs on the caller's side and ends the run as it does without a worker", async () => {
    const here = await direct();
    const there = await connected();
    const until = ({ step }: StepRecord) => step === 3;
    for await (const _ of fit(here.model, here.corpus, { ...RUN, until }));
    const steps: number[] = [];
    for await (const { step } of there.fit(there.model, there.corpus, { ...RUN, until })) steps.push(step);
    expect(steps).toEqual([1, 2, 3]);
    expect(await there.model.hash()).toBe(here.model.hash());
  });

  test("weights asked for between two steps are those of the step seen", async () => {
    const here = await direct();
    const there = await connected();
    const mine: string[] = [];
    for await (const _ of fit(here.model, here.corpus, { ...RUN, epochs: 0.2 })) mine.push(here.model.hash());
    const its: string[] = [];
    for await (const _ of there.fit(there.model, there.corpus, { ...RUN, epochs: 0.2 })) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      its.push(await there.model.hash());
    }
    expect(its).toEqual(mine);
  });

  test("evaluate, score and generate work during a run, and change no bit of it", async () => {
    const here = await direct();
    const there = await connected();
    for await (const _ of fit(here.model, here.corpus, RUN));
    let steps = 0;
    let asked: Promise<unknown>[] = [];
    for await (const { step } of there.fit(there.model, there.corpus, RUN)) {
      steps = step;
      if (step % 20 === 5)
        asked = [
          there.evaluate(there.model, there.corpus),
          there.model.score("the sea"),
          there.model.generate({ tokens: 3 }).next(),
        ];
    }
    expect(asked.length).toBe(3);
    await Promise.all(asked);
    expect(steps).toBeGreaterThan(30);
    expect(await there.model.hash()).toBe(here.model.hash());
  });

  test("a signal ends it with its own reason, and leaves the model free", async () => {
    const { client, model, corpus } = await connected();
    const reason = { enough: true };
    for (const between of [true, false]) {
      const controller = new AbortController();
      const run = client.fit(model, corpus, { ...RUN, epochs: 500, signal: controller.signal });
      await run.next();
      if (between) controller.abort(reason);
      else setTimeout(() => controller.abort(reason), 30);
      const rest = (async () => {
        for await (const _ of run);
      })();
      await expect(rest).rejects.toBe(reason);
    }
    const again = client.fit(model, corpus, RUN);
    await again.next();
    await again.return();
    const opening = client.Corpus.open(TEXT, { tokenizer: "byte", signal: AbortSignal.abort(reason) });
    await expect(opening).rejects.toBe(reason);
    const controller = new AbortController();
    const slow = client.evaluate(
      model,
      await client.Corpus.open(sentences(20_000), { tokenizer: corpus.tokenizer }),
      {
        signal: controller.signal,
        samples: 8,
      },
    );
    controller.abort(reason);
    await expect(slow).rejects.toBe(reason);
  });
});

describe("errors", () => {
  test("cross with code, value and remedy", async () => {
    const { client, model, corpus } = await connected();
    const small = await problem(client.fit(model, corpus, { batch: 4000 }).next());
    expect(small).toMatchObject({ code: "E_TEXT_SHORT", value: { available: corpus.tokens } });
    expect(small.message.match(/Give a longer text/g)).toHaveLength(1);
    const other = await client.Corpus.open(TEXT, { tokenizer: "byte" });
    expect(await problem(client.evaluate(model, other))).toMatchObject({ code: "E_VOCABULARY_MISMATCH" });
    expect(await problem(client.LanguageModel.load(new Uint8Array(9)))).toMatchObject({ code: "E_FORMAT" });
    const page = new Response("<!doctype html>", { status: 404 });
    expect(await problem(client.LanguageModel.load(page))).toMatchObject({ code: "E_FORMAT", value: 404 });
    expect(await problem(client.LanguageModel.create({ tokenizer: "character" as "byte" }))).toMatchObject({
      code: "E_OPTION",
    });
    await model.dispose();
    expect(await problem(model.hash())).toMatchObject({ code: "E_DISPOSED" });
  });

  test("a second run is E_BUSY, what cannot be sent is E_OPTION", async () => {
    const { client, model, corpus } = await connected();
    const first = client.fit(model, corpus, RUN);
    await first.next();
    expect(await problem(client.fit(model, corpus, RUN).next())).toMatchObject({ code: "E_BUSY" });
    await first.return();
    const odd = { ...RUN, schedule: (() => 1) as never };
    expect(await problem(client.fit(model, corpus, odd).next())).toMatchObject({ code: "E_OPTION" });
    const elsewhere = await connected();
    expect(await problem(client.evaluate(model, elsewhere.corpus))).toMatchObject({ code: "E_OPTION" });
  });

  test.each([
    ["epochs", { epochs: () => 1 }, /not the function epochs;/],
    ["validation.corpus", { validation: { corpus: () => 1 } }, /./],
    ["learner.options.sequence", { learner: { kind: "learner", options: { sequence: () => 1 } } }, /./],
  ])("an option that cannot be sent is named, without its source: %s", async (option, options, remedy) => {
    const { client, model, corpus } = await connected();
    const call = option.startsWith("learner")
      ? model.session(options as never)
      : client.evaluate(model, corpus, options as never);
    const found = await problem(call);
    expect(found).toMatchObject({
      code: "E_OPTION",
      option,
      problem: `${option} cannot be sent to the worker`,
    });
    expect((found as Error).message).toMatch(remedy);
    expect((found as Error).message).not.toMatch(/=>|\.\./);
  });

  test("an option that there is not, or a value of another type, is E_OPTION from every function", async () => {
    const { client, model, corpus } = await connected();
    const session = await model.session();
    const odd = { sampels: 8 } as never;
    for (const [name, call] of Object.entries({
      fit: (options: never) => client.fit(model, corpus, options).next(),
      adapt: (options: never) => client.adapt(model, corpus, options).next(),
      evaluate: (options: never) => client.evaluate(model, corpus, options),
      score: (options: never) => model.score("the", options),
      scoreAll: (options: never) => model.scoreAll(["the"], options).next(),
      generate: (options: never) => model.generate(options).next(),
      complete: (options: never) => session.complete(options),
      learn: (options: never) => session.learn(options),
    })) {
      const found = await problem(call(odd));
      expect(found, name).toMatchObject({ code: "E_OPTION" });
      const signalled = await problem((async () => call({ signal: {} } as never))());
      expect(signalled, name).toMatchObject({ code: "E_OPTION", option: "signal" });
    }
    for (const ids of [5, "1", null])
      expect(await problem((async () => model.tokenizer.decode(ids as never))())).toMatchObject({
        code: "E_OPTION",
      });
    await session.dispose();
  });

  test("what the caller's own save throws comes back as it is", async () => {
    const { client, model, corpus } = await connected();
    const full = new RangeError("The disk is full");
    const save = () => {
      throw full;
    };
    const run = client.fit(model, corpus, { ...RUN, checkpoint: { every: 1, save } });
    await expect(run.next()).rejects.toBe(full);
  });
});

describe("a worker that dies", () => {
  test("in the middle of a run rejects what waits, and the run continues from its last checkpoint to the same hash", async () => {
    const straight = await direct();
    for await (const _ of fit(straight.model, straight.corpus, RUN));

    const worker = startWorker(`${FOLDER}/thread.js`);
    const client = await api.connect(worker);
    const corpus = await client.Corpus.open(TEXT, { tokenizer: "character" });
    const model = await client.LanguageModel.create({ tokenizer: corpus.tokenizer, ...SHAPE });
    let saved: Uint8Array | undefined;
    let steps = 0;
    const save = (bytes: Uint8Array) => {
      saved = bytes;
    };
    const checkpoint = { every: 7, save };
    const run = (async () => {
      for await (const { step } of client.fit(model, corpus, { ...RUN, checkpoint })) {
        steps = step;
        // Not through the client: as a host that kills it would.
        if (step === 17) void worker.terminate();
      }
    })();
    const error = await problem(run);
    expect(error).toMatchObject({ code: "E_WORKER" });
    expect(error.message).toMatch(/died/);
    expect(steps).toBeGreaterThanOrEqual(17);
    expect(await problem(model.hash())).toMatchObject({ code: "E_WORKER" });

    const next = await connected();
    const first: number[] = [];
    for await (const { step } of next.fit(next.model, next.corpus, { ...RUN, resume: saved }))
      first.push(step);
    expect(first[0] % 7).toBe(1);
    expect(first[0]).toBeGreaterThan(14);
    expect(await next.model.hash()).toBe(straight.model.hash());
  });

  test("by an error that nobody catches is told with its message", async () => {
    const file = script(
      "throws.mjs",
      'import "./thread.js"; import { parentPort } from "node:worker_threads";\n' +
        'parentPort.on("message", (m) => { if (m === "die") throw new Error("out of luck"); });',
    );
    const worker = startWorker(file);
    const client = await api.connect(worker);
    const corpus = await client.Corpus.open(TEXT, { tokenizer: "character" });
    const model = await client.LanguageModel.create({ tokenizer: corpus.tokenizer, ...SHAPE });
    const run = (async () => {
      for await (const { step } of client.fit(model, corpus, { ...RUN, epochs: 99 }))
        if (step === 2) worker.postMessage("die");
    })();
    const error = await problem(run);
    expect(error).toMatchObject({ code: "E_WORKER" });
    expect(error.message).toMatch(/died: out of luck/);
  });

  test("by terminate() is told as that, to everything that waits", async () => {
    const { client, model, corpus } = await connected();
    const waiting = [
      problem(client.evaluate(model, corpus)),
      problem(model.hash()),
      problem(client.fit(model, corpus, RUN).next()),
    ];
    client.terminate();
    client.terminate();
    for (const error of await Promise.all(waiting))
      expect(error).toMatchObject({ code: "E_WORKER", message: expect.stringMatching(/was terminated/) });
    expect(await problem(model.hash())).toMatchObject({ code: "E_WORKER" });
  });
});

describe("a worker that is none", () => {
  test("a file that is not there", async () => {
    const error = await problem(api.connect(startWorker(`${FOLDER}/nowhere.js`)));
    expect(error).toMatchObject({
      code: "E_WORKER",
      message: expect.stringMatching(/did not start.*nowhere/),
    });
  });

  test("a page in its place", async () => {
    const file = script("page.mjs", "<!doctype html>\n<title>Not found</title>");
    const error = await problem(api.connect(startWorker(file)));
    expect(error).toMatchObject({ code: "E_WORKER", message: expect.stringMatching(/did not start/) });
  });

  test("one that does not answer", async () => {
    const worker = startWorker(script("silent.mjs", "setInterval(() => {}, 1e6);"));
    const error = await problem(api.connect(worker, { timeout: 200 }));
    expect(error).toMatchObject({ code: "E_WORKER", value: 200 });
    expect(error.remedy).toMatch(/svi-lm\/worker\/thread/);
  });

  test("one of another version", async () => {
    const answer =
      'import { parentPort } from "node:worker_threads"; parentPort.on("message", ({ "svi-lm": m }) =>\n' +
      'parentPort.postMessage({ "svi-lm": { t: "s", i: m.i, r: { version: "0.0.9" } } }));';
    const error = await problem(api.connect(startWorker(script("older.mjs", answer))));
    expect(error).toMatchObject({ code: "E_WORKER", value: "0.0.9" });
    expect(error.message).toMatch(/0\.0\.9, its caller of \d/);
  });

  test("no worker at all, and an abort while it starts", async () => {
    for (const worker of [
      {},
      Object.create(null),
      "",
      "worker.js",
      1,
      true,
      () => {},
      { postMessage() {} },
      new URL("file:///worker.js"),
    ])
      expect(await problem(api.connect(worker as never))).toMatchObject({
        code: "E_OPTION",
        option: "worker",
        problem: `worker is ${shown(worker)}`,
      });
    for (const options of [
      null,
      5,
      { timeout: "1 s" },
      { timeout: 0 },
      { timeout: 2 ** 31 },
      { signal: {} },
      { kernels: new Uint8Array(8) },
    ])
      expect(await problem(api.connect(null, options as never))).toMatchObject({ code: "E_OPTION" });
    const reason = new Error("enough");
    await expect(api.connect(null, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});

test("kernels can be brought, and others than the package's are refused", async () => {
  const { readFileSync } = await import("node:fs");
  const kernels = new WebAssembly.Module(readFileSync("build/kernels.simd.wasm"));
  const client = await api.connect(null, { kernels });
  client.terminate();
  const empty = new WebAssembly.Module(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0));
  expect(await problem(api.connect(null, { kernels: empty }))).toMatchObject({ code: "E_KERNELS" });
});

test("a script that is done ends, though it leaves its worker", () => {
  const file = script(
    "ends.mjs",
    'import { connect } from "./node.js"; const { Corpus } = await connect();\n' +
      'console.log((await Corpus.open("the sea", { tokenizer: "byte" })).tokens);',
  );
  const { status, stdout } = spawnSync(process.execPath, [file], { encoding: "utf8", timeout: 20_000 });
  expect({ status, stdout }).toEqual({ status: 0, stdout: "7\n" });
});

test("the thread's file says so where it is imported outside of a worker", () => {
  const { status, stderr } = spawnSync(process.execPath, [`${FOLDER}/thread.js`], { encoding: "utf8" });
  expect(status).toBe(1);
  expect(stderr).toMatch(/outside of a worker/);
});
