/** What a run of inference promises: reproducible bits, clean ends, early and clear failures. */

import { describe, expect, test, vi } from "vitest";
import {
  adam,
  adamw,
  bbb,
  byteTokenizer,
  Corpus,
  evaluate,
  fit,
  gaussianPrior,
  ivon,
  LanguageModel,
  type Method,
  type StepRecord,
  type SviError,
  schedule,
  sgd,
} from "../../src/entries/index.ts";
import { hasPosterior } from "../../src/inference/methods.ts";
import { seedOf } from "../../src/kernels/random.ts";
import { finish } from "../../src/kernels/tape.ts";
import { pause } from "../../src/pause.ts";
import { Trainer } from "../../src/training/trainer.ts";
import { failure } from "../support/errors.ts";
import { corpusOf, createModel, METHODS, SMALL, sentences, TEXT, tokenizer, train } from "./support.ts";

// Seconds of arithmetic, on machines that may be busy.
vi.setConfig({ testTimeout: 30_000 });

/** A step in slices. */
function* stepOf(trainer: Trainer, tokens: Int32Array, time: number): Generator<void, void, void> {
  yield* trainer.update(yield* trainer.differentiate(tokens, tokens, time), true);
}

const finite = (numbers: Float32Array) => numbers.every(Number.isFinite);

/** The bytes of a checkpoint written after `step` updates, and the run's final hash. */
async function runWithCheckpoint(
  every: number,
  options: object,
): Promise<{ files: Uint8Array[]; hash: string }> {
  const model = await createModel();
  const files: Uint8Array[] = [];
  await train(model, { ...options, checkpoint: { every, save: (bytes) => void files.push(bytes) } });
  return { files, hash: model.hash() };
}

describe.each(Object.entries(METHODS))("%s", (_name, inference) => {
  test("learns, with the same bits for the same seed", async () => {
    const run = async (seed: number) => {
      const model = await createModel();
      const records = await train(model, { inference, epochs: 3, seed });
      return { records, hash: model.hash() };
    };
    const [first, second] = [await run(1), await run(1)];
    expect(second.hash).toBe(first.hash);
    const { records } = first;
    const mean = (part: StepRecord[]) => part.reduce((sum, r) => sum + r.nll, 0) / part.length;
    expect(records.length).toBeGreaterThan(100);
    expect(mean(records.slice(-20))).toBeLessThan(0.8 * mean(records.slice(0, 20)));
    const random = hasPosterior(inference);
    if (random) expect((await run(2)).hash).not.toBe(first.hash);
  });

  test("continues from a checkpoint to the same hash, in the middle of an epoch and at its end", async () => {
    const corpus = await corpusOf();
    const { windows } = corpus.lanes(SMALL);
    const options = {
      inference,
      epochs: 1.55,
      dropout: 0.2,
      averaging: 0.6,
      separator: tokenizer.endOfLine!,
      schedule: schedule("cosine", { warmup: 7 }),
    };
    for (const every of [17, windows]) {
      const { files, hash } = await runWithCheckpoint(every, options);
      for (const [i, resume] of files.entries()) {
        // Into a fresh model, and into the one that the checkpoint itself holds.
        for (const model of [await createModel({ seed: 77 }), await LanguageModel.load(resume)]) {
          const records = await train(model, { ...options, resume });
          expect(records[0]?.step ?? (i + 1) * every + 1).toBe((i + 1) * every + 1);
          expect(model.hash()).toBe(hash);
        }
      }
      expect(files.length).toBeGreaterThan(0);
    }
  });

  test("looking at the weights in the middle of a step changes no bit", async () => {
    const batch = 16;
    const sequence = 20;
    const run = async (look: boolean) => {
      const model = await createModel({ embedding: 40, hidden: 120 });
      const trainer = new Trainer(model.posterior, {
        method: inference,
        batch,
        sequence,
        steps: 2,
        lambda: 1000,
        seed: seedOf(3),
        schedule: schedule(),
        dropout: 0,
        separator: -1,
        averaging: 0,
      });
      const tokens = tokenizer.encode(TEXT).subarray(0, batch * sequence);
      let slices = 0;
      for (let step = 0; step < 2; step++)
        for (const _ of stepOf(trainer, tokens, sequence)) {
          slices++;
          if (!look) continue;
          finish(trainer.guide.precision(new Float32Array(model.layout.length)));
          finish(trainer.publish());
        }
      expect(slices).toBeGreaterThan(1);
      return [...trainer.saved().arrays.values()];
    };
    const [plain, looked] = [await run(false), await run(true)];
    plain.forEach((array, i) => {
      expect(array.every((x, e) => x === looked[i][e])).toBe(true);
    });
  });
});

test("step records: every field is there and finite", async () => {
  for (const inference of Object.values(METHODS)) {
    const model = await createModel();
    const records = await train(model, { inference, epochs: 0.5, seed: 5 });
    const corpus = await corpusOf();
    records.forEach((record, i) => {
      const { hessianRatio, valid, warning, note, build, ...numbers } = record;
      expect(build).toBe("simd");
      for (const [name, value] of Object.entries(numbers)) expect(value, name).toSatisfy(Number.isFinite);
      expect(record.step).toBe(i + 1);
      expect(record.steps).toBe(records.length);
      expect(record.tokens).toBe((i + 1) * 24);
      expect(record.seed).toBe(5);
      expect(record.lambda).toBe(corpus.tokens);
      expect(record.bitsPerToken).toBeCloseTo(record.nll / Math.LN2, 12);
      expect(record.elbo).toBeCloseTo(-(record.nll + (record.klWeight * record.kl) / record.lambda), 12);
      expect(record.gradientNorm).toBeGreaterThan(0);
      expect(record.kl).toSatisfy((kl: number) => (hasPosterior(inference) ? kl > 0 : kl === 0));
      expect(hessianRatio === null).toBe(inference.kind !== "ivon");
      if (hessianRatio) {
        expect(Object.values(hessianRatio).every(Number.isFinite)).toBe(true);
        expect(hessianRatio.low).toBeLessThanOrEqual(hessianRatio.median);
        expect(hessianRatio.median).toBeLessThanOrEqual(hessianRatio.high);
      }
      expect(valid).toBeNull();
      expect(warning === null || typeof warning === "string").toBe(true);
    });
    expect(records.at(-1)!.epoch).toBeCloseTo(0.5, 1);
  }
});

test("a slice is short, and slices pause without changing a bit", async () => {
  const options = {
    method: METHODS["ivon, 3 particles"],
    batch: 16,
    sequence: 20,
    steps: 3,
    lambda: 1000,
    seed: seedOf(3),
    schedule: schedule(),
    dropout: 0.1,
    separator: -1,
    averaging: 0,
  };
  const tokens = tokenizer.encode(TEXT).subarray(0, 320);
  const at = async () => {
    const model = await createModel({ embedding: 40, hidden: 120 });
    const trainer = new Trainer(model.posterior, options);
    return { trainer, step: () => stepOf(trainer, tokens, 20) };
  };
  const whole = await at();
  for (let i = 0; i < 3; i++) finish(whole.step());
  const sliced = await at();
  for (let i = 0; i < 3; i++) {
    const work = sliced.step();
    while (!work.next().done) await pause();
  }
  const [a, b] = [whole.trainer.saved().arrays, sliced.trainer.saved().arrays];
  for (const [name, array] of a)
    expect(
      array.every((x, i) => x === b.get(name)![i]),
      name,
    ).toBe(true);
});

describe("how a run ends", () => {
  const inference = ivon({ learningRate: 5, probe: 5, temperature: 0.25 });

  test("abort in the middle of a step throws the signal's reason and leaves the model usable", async () => {
    const model = await createModel({ embedding: 40, hidden: 120 });
    const controller = new AbortController();
    const reason = new Error("enough");
    const steps: number[] = [];
    const before: string[] = [];
    await expect(async () => {
      const options = { inference, batch: 16, sequence: 20, epochs: 20, signal: controller.signal };
      for await (const { step } of fit(model, await corpusOf(), options)) {
        steps.push(step);
        before.push(model.hash());
        // A macrotask away: the next step is then in its middle.
        if (step === 3) setImmediate(() => controller.abort(reason));
      }
    }).rejects.toBe(reason);
    expect(steps).toEqual([1, 2, 3]);
    expect(model.hash()).toBe(before[2]);
    expect((await model.score("the sea")).logProbability).toBeLessThan(0);
    await train(model, { inference, epochs: 0.1 });
  });

  test("abort between two steps of a model that is too small to be sliced", async () => {
    const model = await createModel();
    const controller = new AbortController();
    const steps: number[] = [];
    await expect(async () => {
      for await (const { step } of fit(model, await corpusOf(), { ...SMALL, signal: controller.signal })) {
        steps.push(step);
        if (step === 2) controller.abort();
      }
    }).rejects.toThrow("abort");
    expect(steps).toEqual([1, 2]);
    const hash = model.hash();
    await expect(train(model, { signal: AbortSignal.abort() })).rejects.toThrow("abort");
    expect(model.hash()).toBe(hash);
  });

  test("break keeps what was learnt, and gives the model back", async () => {
    const model = await createModel();
    const fresh = model.hash();
    let seen = "";
    for await (const { step } of fit(model, await corpusOf(), { ...SMALL, inference })) {
      seen = model.hash();
      if (step === 4) break;
    }
    expect(seen).not.toBe(fresh);
    expect(model.hash()).toBe(seen);
    expect(model.posterior.precision).not.toBeNull();
    // Tempered by a quarter.
    expect(model.posterior.lambda).toBe(4 * (await corpusOf()).tokens);
    await train(model, { inference, epochs: 0.1 });
    expect(model.hash()).not.toBe(seen);
  });

  test("until ends the run after the step for which it is true", async () => {
    const records = await train(await createModel(), { inference, until: ({ step }) => step === 6 });
    expect(records.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test("a second fit on the same model throws E_BUSY and disturbs nothing", async () => {
    const alone = await createModel();
    await train(alone, { inference });
    const model = await createModel();
    for await (const { step } of fit(model, await corpusOf(), { ...SMALL, epochs: 1, inference }))
      if (step === 5) {
        await expect(train(model)).rejects.toMatchObject({ code: "E_BUSY" });
        expect(() => model.dispose()).toThrowError(failure("E_BUSY") as SviError);
      }
    expect(model.hash()).toBe(alone.hash());
  });

  test("scoring during a run sees the weights of the last finished step", async () => {
    const alone = await createModel();
    await train(alone, { inference });
    const model = await createModel();
    const corpus = await corpusOf(TEXT.slice(0, 60));
    for await (const { step } of fit(model, await corpusOf(), { ...SMALL, epochs: 1, inference })) {
      if (step !== 7 && step !== 53) continue;
      const frozen = await LanguageModel.load(model.toBytes());
      const { nll } = await evaluate(model, corpus, { samples: 2 });
      expect(nll).toBe((await evaluate(frozen, corpus, { samples: 2 })).nll);
      expect((await model.score("the sea")).logProbability).toBe(
        (await frozen.score("the sea")).logProbability,
      );
      for await (const _ of model.generate({ tokens: 3, samples: 2 }));
    }
    expect(model.hash()).toBe(alone.hash());
  });

  test("scoring while a step is in its middle, by every method, changes no bit", async () => {
    const corpus = await corpusOf();
    for (const method of [METHODS["bbb, mixture, 2 particles"], METHODS["ivon, 3 particles"], METHODS.adam]) {
      const options = { inference: method, batch: 16, sequence: 20, epochs: 4 };
      const alone = await createModel({ hidden: 100 });
      await train(alone, options, corpus);
      const model = await createModel({ hidden: 100 });
      let done = false;
      const watching = (async () => {
        let looks = 0;
        while (!done) {
          looks++;
          expect(finite(model.posterior.mean)).toBe(true);
          await pause();
        }
        return looks;
      })();
      await train(model, options, corpus);
      done = true;
      expect(await watching).toBeGreaterThan(2);
      expect(model.hash()).toBe(alone.hash());
    }
  });

  test("a disposed model throws E_DISPOSED whatever is asked of it", async () => {
    const model = await createModel();
    model.dispose();
    model.dispose();
    for (const use of [
      () => model.score("the"),
      () => model.generate({ tokens: 1 }).next(),
      async () => model.hash(),
      async () => model.toBytes(),
      async () => model.embedding(0),
      async () => evaluate(model, await corpusOf()),
      () => train(model),
    ])
      await expect(use()).rejects.toMatchObject({ code: "E_DISPOSED" });
  });

  test.each<[string, Method]>([
    ["sgd", sgd({ learningRate: 1e6 })],
    ["adam", adam({ learningRate: 1e6 })],
    ["bbb", bbb({ learningRate: 1e6 })],
    ["ivon", ivon({ learningRate: 1e6 })],
    ["sgd, not clipped", sgd({ learningRate: 1e6, clip: Number.POSITIVE_INFINITY })],
    ["ivon, not clipped", ivon({ learningRate: 1e6, clip: Number.POSITIVE_INFINITY, noiseRamp: 0 })],
  ])("a learning rate of 1e6 throws E_DIVERGED and keeps finite weights: %s", async (_name, method) => {
    const model = await createModel();
    const corpus = await corpusOf();
    const before = (await evaluate(model, corpus)).nll;
    await expect(train(model, { inference: method, epochs: 5 })).rejects.toMatchObject({
      code: "E_DIVERGED",
    });
    expect(finite(model.posterior.mean)).toBe(true);
    expect(finite(model.posterior.precision ?? new Float32Array())).toBe(true);
    expect((await evaluate(model, corpus)).nll).toBeLessThan(before + 1);
    await train(model, { inference: adam(), epochs: 0.1 });
  });

  test.each<[string, Method]>([
    ["sgd", sgd({ learningRate: 1e6 })],
    ["adam", adam({ learningRate: 1e6 })],
    ["ivon", ivon({ learningRate: 1e6 })],
  ])("a checkpoint at every step never holds weights that have diverged: %s", async (_name, inference) => {
    const corpus = await corpusOf();
    const before = (await evaluate(await createModel(), corpus)).nll;
    const saved: Uint8Array[] = [];
    const checkpoint = { every: 1, save: (bytes: Uint8Array) => void saved.push(bytes) };
    await expect(train(await createModel(), { inference, epochs: 5, checkpoint })).rejects.toMatchObject({
      code: "E_DIVERGED",
    });
    for (const bytes of saved)
      expect((await evaluate(await LanguageModel.load(bytes), corpus)).nll).toBeLessThan(before + 30);
  });
});

describe("validation on the way", () => {
  test("every so many steps, and at the last one", async () => {
    const model = await createModel();
    const corpus = await corpusOf(sentences(6, 9));
    const records = await train(model, {
      inference: METHODS.ivon,
      epochs: 0.5,
      validation: { corpus, every: 7, samples: 2 },
    });
    expect(records.length % 7).not.toBe(0);
    for (const { step, steps, valid } of records)
      expect(valid !== null).toBe(step % 7 === 0 || step === steps);
    const { nll, tokens } = records.at(-1)!.valid!;
    expect(tokens).toBe(corpus.tokens - 1);
    expect(nll).toBe((await evaluate(model, corpus, { samples: 2, seed: 1 })).nll);
    expect(nll).toBeLessThan(records.find(({ valid }) => valid)!.valid!.nll);
  });

  test("it changes no bit of the run", async () => {
    const [plain, validated] = [await createModel(), await createModel()];
    await train(plain, { inference: METHODS.bbb });
    await train(validated, {
      inference: METHODS.bbb,
      validation: { corpus: await corpusOf("the sea"), every: 3 },
    });
    expect(validated.hash()).toBe(plain.hash());
  });

  test("what cannot work is said before the first step", async () => {
    const other = await Corpus.open(TEXT, { tokenizer: byteTokenizer() });
    const corpus = await corpusOf();
    const reject = async (options: object, code: string) => {
      const model = await createModel();
      const hash = model.hash();
      await expect(train(model, { inference: adam(), ...options })).rejects.toMatchObject({ code });
      expect(model.hash()).toBe(hash);
    };
    await reject({ validation: { corpus: other } }, "E_VOCABULARY_MISMATCH");
    await reject({ validation: { corpus, samples: 3 } }, "E_OPTION");
    await reject({ validation: { corpus, every: 0 } }, "E_OPTION");
    await reject({ checkpoint: { every: 0, save: () => {} } }, "E_OPTION");
    await reject({ checkpoint: { every: 1.5, save: () => {} } }, "E_OPTION");
  });
});

describe("bad input", () => {
  test.each([
    ["batch", { batch: 0 }],
    ["batch", { batch: 2.5 }],
    ["sequence", { sequence: 0 }],
    ["epochs", { epochs: 0 }],
    ["epochs", { epochs: Number.NaN }],
    ["seed", { seed: -1 }],
    ["seed", { seed: 2 ** 53 }],
    ["dropout", { dropout: 1 }],
    ["dropout", { dropout: -0.1 }],
    ["averaging", { averaging: 1 }],
    ["average.decay", { average: { decay: 1 } }],
    ["average.decay", { average: { decay: -0.1 } }],
    ["decay", { average: {} as never }],
    ["averaging", { averaging: 0.5, average: { decay: 0.9 } }],
    ["separator", { separator: -2 }],
    ["separator", { separator: 1000 }],
  ])("%s out of range: %o", async (name, options) => {
    const model = await createModel();
    const hash = model.hash();
    await expect(train(model, options)).rejects.toMatchObject({
      code: "E_OPTION",
      message: expect.stringContaining(name),
    });
    expect(model.hash()).toBe(hash);
    await train(model, { epochs: 0.05 });
  });

  test.each([
    () => sgd({ learningRate: 0 }),
    () => sgd({ momentum: 1 }),
    () => adam({ beta1: 1 }),
    () => adam({ epsilon: 0 }),
    () => adam({ clip: -1 }),
    () => adam({ learningRate: Number.POSITIVE_INFINITY }),
    () => adamw({ weightDecay: -0.1 }),
    () => bbb({ particles: 0 }),
    () => bbb({ lambda: 0 }),
    () => bbb({ klWarmup: 2 }),
    () => bbb({ initialDeviation: 0 }),
    () => gaussianPrior(0),
    () => gaussianPrior(Number.NaN),
    () => ivon({ h0: 0 }),
    () => ivon({ beta2: 1 }),
    () => ivon({ particles: 65 }),
    () => ivon({ noiseRamp: -0.1 }),
    () => ivon({ noise: 0 as never }),
    () => ivon({ noise: false, particles: 2 }),
    () => ivon({ noise: false, noiseCost: 0.1 }),
    () => ivon({ noise: false, noiseRamp: 0.1 }),
    () => ivon({ probe: 0.5 }),
    () => ivon({ noiseCost: 0 }),
    () => ivon({ strides: { embedding: 1, input: 1, recurrent: 0, output: 1 } }),
    () => schedule("linear" as "cosine"),
    () => schedule("step", { drop: 0 }),
    () => schedule("cosine", { warmup: -1 }),
  ])("%s", (make) => {
    expect(make).toThrowError(failure("E_OPTION") as SviError);
  });

  test("text that is too short, or of another vocabulary", async () => {
    const model = await createModel();
    await expect(train(model, {}, await corpusOf("the sea"))).rejects.toMatchObject({ code: "E_TEXT_SHORT" });
    const bytes = await Corpus.open(TEXT, { tokenizer: byteTokenizer() });
    await expect(train(model, {}, bytes)).rejects.toMatchObject({
      code: "E_VOCABULARY_MISMATCH",
      value: 256,
    });
    await expect(evaluate(model, bytes)).rejects.toMatchObject({ code: "E_VOCABULARY_MISMATCH" });
  });

  test("memory beyond the limit is refused, with the bytes, before any of it is taken", async () => {
    const model = await createModel();
    const grown: number[] = [];
    const { grow } = WebAssembly.Memory.prototype;
    WebAssembly.Memory.prototype.grow = function (pages) {
      grown.push(pages);
      return grow.call(this, pages);
    };
    try {
      const uses: [number, (memoryLimit: number) => Promise<unknown>][] = [
        [200_000, (memoryLimit) => train(model, { memoryLimit })],
        // Prediction keeps little beside the weights.
        [70_000, (memoryLimit) => model.score("the sea", { memoryLimit, samples: 0 })],
        [70_000, (memoryLimit) => model.generate({ memoryLimit }).next()],
        [200_000, async (memoryLimit) => evaluate(model, await corpusOf(), { memoryLimit })],
      ];
      for (const [limit, use] of uses) {
        const error = await use(limit).then(
          () => null,
          (thrown: SviError) => thrown,
        );
        expect(error).toMatchObject({ code: "E_MEMORY" });
        expect(error!.value).toBeGreaterThan(limit);
        expect(error!.message).toMatch(/needs \d+\.\d MiB and the limit is 0\.[12] MiB/);
      }
    } finally {
      WebAssembly.Memory.prototype.grow = grow;
    }
    expect(grown).toEqual([]);
  });
});

describe("checkpoints of other runs", () => {
  test("each difference is E_CHECKPOINT, and the model stays as it was", async () => {
    const options = { inference: METHODS.ivon, epochs: 1, seed: 1 };
    const { files } = await runWithCheckpoint(10, options);
    const resume = files[0];
    const reject = async (changed: object, corpus?: Corpus, model?: LanguageModel) => {
      const into = model ?? (await createModel());
      const hash = into.hash();
      await expect(train(into, { ...options, resume, ...changed }, corpus)).rejects.toMatchObject({
        code: "E_CHECKPOINT",
      });
      expect(into.hash()).toBe(hash);
    };
    await reject({ seed: 2 });
    await reject({ batch: 2 });
    await reject({ sequence: 7 });
    await reject({ epochs: 2 });
    await reject({ inference: METHODS.adam });
    await reject({ inference: ivon({ learningRate: 4, probe: 5 }) });
    await reject({ dropout: 0.1 });
    await reject({ averaging: 0.5 });
    await reject({ average: { decay: 0.9 } });
    await reject({ separator: 2 });
    await reject({ schedule: schedule("constant") });
    await reject({}, await corpusOf(sentences(40, 2)));
    await reject({}, undefined, await createModel({ hidden: 10 }));
    await reject({}, undefined, await createModel({ layers: 2 }));
    await reject({ resume: (await createModel()).toBytes() });
  });

  test("a record of the run that was tampered with is E_CHECKPOINT", async () => {
    const options = { inference: METHODS.ivon, epochs: 1 };
    const { files } = await runWithCheckpoint(10, options);
    const { readModel, writeModel } = await import("../../src/training/modelFile.ts");
    const { posterior, training } = readModel(files[0]);
    const record = JSON.parse(training!.metadata);
    const { version } = record;
    const tampered = (scalars: object | null, run: unknown = record.run, by: unknown = version) =>
      writeModel(
        { posterior, tokenizer },
        { arrays: training!.arrays, metadata: JSON.stringify({ version: by, run, scalars }) },
      );
    for (const bytes of [
      tampered(null),
      tampered({}),
      tampered(record.scalars, null),
      tampered(record.scalars, []),
      tampered({ ...record.scalars, step: [] }),
      tampered({ ...record.scalars, step: [-1] }),
      tampered({ ...record.scalars, step: [1e9] }),
      tampered({ ...record.scalars, step: [1.5] }),
      tampered({ ...record.scalars, step: 3 }),
      tampered({ ...record.scalars, averaged: ["1"] }),
      tampered({ ...record.scalars, power: undefined }),
      tampered({ ...record.scalars, scales: [1] }),
      writeModel({ posterior, tokenizer }, { arrays: new Map(), metadata: training!.metadata }),
      writeModel({ posterior, tokenizer }, { arrays: training!.arrays, metadata: "{" }),
      writeModel({ posterior, tokenizer }, { arrays: training!.arrays, metadata: "null" }),
    ]) {
      const model = await createModel();
      await expect(train(model, { ...options, resume: bytes })).rejects.toMatchObject({
        code: "E_CHECKPOINT",
      });
    }
    for (const other of [null, 1, version + 1])
      await expect(
        train(await createModel(), { ...options, resume: tampered(record.scalars, record.run, other) }),
      ).rejects.toMatchObject({ code: "E_VERSION" });
    // The same file, whole, is taken.
    await train(await createModel(), { ...options, resume: tampered(record.scalars) });
  });

  test("a model with a tokenizer of its own kind resumes", async () => {
    // Stands for a tokenizer.json, whose library is not loaded here.
    const json = {
      ...tokenizer,
      kind: "json" as const,
      describe: () => ({ kind: "json" as const, json: {}, config: null }),
    };
    const corpus = Corpus.fromTokens(tokenizer.encode(TEXT), json);
    const create = () => LanguageModel.create({ tokenizer: json, embedding: 4, hidden: 6 });
    const options = { inference: METHODS.ivon, epochs: 0.3 };
    const files: Uint8Array[] = [];
    const model = await create();
    await train(
      model,
      { ...options, checkpoint: { every: 5, save: (bytes) => void files.push(bytes) } },
      corpus,
    );
    const resumed = await create();
    await train(resumed, { ...options, resume: files[0] }, corpus);
    expect(resumed.hash()).toBe(model.hash());
  });
});

describe("training on", () => {
  test("a saved and loaded model continues as the one that stayed in memory", async () => {
    for (const inference of [METHODS.ivon, METHODS.bbb, METHODS.adam]) {
      const model = await createModel();
      await train(model, { inference });
      const loaded = await LanguageModel.load(model.toBytes());
      expect(loaded.hash()).toBe(model.hash());
      const [a] = [await train(model, { inference, seed: 2 }), await train(loaded, { inference, seed: 2 })];
      expect(loaded.hash()).toBe(model.hash());
      expect(a.at(-1)!.nll).toBeLessThan(a[0].nll);
    }
  });

  test("a warm start from a point estimate begins where that ended", async () => {
    const model = await createModel();
    const point = await train(model, { inference: adam({ learningRate: 0.03 }), epochs: 4 });
    expect(model.posterior.precision).toBeNull();
    const warm = await train(model, { inference: ivon({ learningRate: 5, probe: 5 }), epochs: 2 });
    const mean = (records: StepRecord[]) => records.reduce((sum, { nll }) => sum + nll, 0) / records.length;
    expect(mean(warm.slice(0, 10))).toBeLessThan(0.5 * point[0].nll);
    expect(model.posterior.precision).not.toBeNull();
    await train(model, { inference: METHODS.adam, epochs: 0.1 });
    expect(model.posterior.precision).toBeNull();
  });

  test("ivon keeps the precisions of the posterior that it continues from", async () => {
    const model = await createModel();
    await train(model, { inference: METHODS.ivon, epochs: 2 });
    const before = model.posterior.precision!.slice();
    await train(model, { inference: ivon({ learningRate: 0.01, probe: 5, beta2: 0.9999 }), epochs: 0.2 });
    const after = model.posterior.precision!;
    // The same text again: twice as many tokens.
    let moved = 0;
    for (let i = 0; i < before.length; i++)
      if (before[i] > 0) moved = Math.max(moved, Math.abs(Math.log(after[i] / (2 * before[i]))));
    expect(moved).toBeLessThan(0.1);
  });
});
