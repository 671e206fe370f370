/** What threads promise: the bits of one thread whatever happens to them, and a clear end where they are lost. */

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { evaluate, type FitOptions, fit, type ModelOptions } from "../../src/entries/index.ts";
import { type ThreadedKernels, threads } from "../../src/entries/threads.ts";
import { threadSource } from "../../src/kernels/generated/thread.ts";
import { onTape } from "../kernels/calls.ts";
import { failure } from "../support/errors.ts";
import { corpusOf, createModel, METHODS, sentences, tokenizer, train } from "../training/support.ts";

vi.setConfig({ testTimeout: 60_000 });

const COUNTS = [1, 2, 3, 8];
const text = sentences(150);
/** Large enough for most kernels to be split, and odd in every size. */
const ODD: ModelOptions = { embedding: 37, hidden: 101, layers: 2 };
const SHAPE = { batch: 9, sequence: 21, epochs: 0.35 };

const pools = new Map<number, ThreadedKernels>();
beforeAll(async () => {
  for (const count of COUNTS) pools.set(count, await threads({ count }));
});
afterAll(() => Promise.all([...pools.values()].map((pool) => pool.dispose())));

async function run(model: ModelOptions, options: FitOptions): Promise<string> {
  const trained = await createModel(model);
  const records = await train(trained, { ...SHAPE, ...options }, await corpusOf(text));
  const { nll, kl, gradientNorm } = records.at(-1)!;
  return JSON.stringify([trained.hash(), nll, kl, gradientNorm]);
}

describe.each(Object.entries(METHODS))("%s", (_name, inference) => {
  test("has the same hash and figures for 1, 2, 3 and 8 threads", async () => {
    for (const [model, options] of [
      [ODD, { dropout: 0.2, averaging: 0.5, separator: tokenizer.endOfLine! }],
      [{ ...ODD, embedding: 101, layers: 1, tied: true }, {}],
      [{ ...ODD, layers: 1, tied: true }, {}],
    ] as const) {
      const expected = await run(model, { inference, ...options });
      for (const kernels of pools.values())
        expect(await run(model, { inference, ...options, kernels })).toBe(expected);
    }
  });
});

test("two runs in turns, with validations between their steps, share the threads and change no bit", async () => {
  const kernels = pools.get(3)!;
  const alone = await run(ODD, { separator: tokenizer.endOfLine! });
  const validation = { corpus: await corpusOf(sentences(9, 2)), every: 2 };
  const options = { separator: tokenizer.endOfLine!, validation, kernels };
  expect(await Promise.all([run(ODD, options), run(ODD, options)])).toEqual([alone, alone]);
});

test("evaluation has the same figures on threads", async () => {
  const model = await createModel({ ...ODD, hidden: 203 });
  await train(model, { ...SHAPE, epochs: 0.1 });
  const corpus = await corpusOf(sentences(20, 5));
  const alone = await evaluate(model, corpus, { samples: 2 });
  expect(await evaluate(model, corpus, { samples: 2, kernels: pools.get(2)! })).toEqual(alone);
});

/** Kernels of two threads, and the worker of the second. */
async function withWorker(): Promise<{ kernels: ThreadedKernels; worker: Worker }> {
  let worker: Worker | undefined;
  const create = () => {
    worker = new Worker(threadSource, { eval: true });
    return worker;
  };
  const kernels = await threads({ count: 2, worker: create });
  return { kernels, worker: worker! };
}

describe("a thread that is lost", () => {
  test("ends the run with E_WORKER, and the model has the last weights that are known to be good", async () => {
    const options = { ...SHAPE, epochs: 5, sequence: 5 };
    const corpus = await corpusOf(text);
    const stopped = await createModel(ODD);
    for await (const { step } of fit(stopped, corpus, options)) if (step === 50) break;
    const { kernels, worker } = await withWorker();
    const model = await createModel(ODD);
    let last = 0;
    const lose = async () => {
      for await (const { step } of fit(model, corpus, { ...options, kernels })) {
        last = step;
        if (step === 57) await worker.terminate();
      }
    };
    await expect(lose()).rejects.toEqual(failure("E_WORKER"));
    expect(last).toBe(57);
    expect(model.hash()).toBe(stopped.hash());
    await kernels.dispose();
    // The model is free again, and the kernels are not.
    await expect(train(model, { ...options, kernels })).rejects.toEqual(failure("E_WORKER"));
    await train(model, { ...SHAPE, epochs: 0.05 });
  });

  test("between two slices is heard of within the step", async () => {
    const { kernels, worker } = await withWorker();
    const model = await createModel(ODD);
    setTimeout(() => worker.terminate(), 300);
    const endless = train(model, { ...SHAPE, epochs: 1e6, kernels }, await corpusOf(text));
    await expect(endless).rejects.toEqual(failure("E_WORKER"));
    await kernels.dispose();
  });

  test("by an error of its own says which", async () => {
    const { kernels } = await withWorker();
    const instance = kernels.instantiate();
    const { memory } = instance;
    const { gatherRows, fillZero } = onTape(instance);
    memory.grow(64);
    const end = memory.buffer.byteLength;
    // The first half of the rows ends where the memory does; the second lies outside of it.
    const beyond = () => gatherRows(end - 4 * 64 * 1024, 2 ** 20, 1024, 128, 1024);
    let problem: unknown;
    for (let tries = 0; tries < 2000 && (problem as { code?: string })?.code !== "E_WORKER"; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 0));
      try {
        fillZero(2 ** 20, 2 ** 20);
        beyond();
      } catch (error) {
        // A part that the thread had not begun fails here.
        problem = error;
      }
    }
    expect(problem).toEqual(failure("E_WORKER"));
    expect(String(problem)).toMatch(/out of bounds/);
    expect(() => kernels.instantiate()).toThrow(failure("E_WORKER"));
    await kernels.dispose();
  });

  test("before it is up fails the start", async () => {
    const worker = () => new Worker("throw new Error('no thread')", { eval: true });
    await expect(threads({ count: 3, worker })).rejects.toEqual(failure("E_WORKER"));
  });

  test("that the host refuses, or that is none, fails the start and leaves no thread behind", async () => {
    const made: Worker[] = [];
    const refusing = () => {
      if (made.length === 1)
        throw Object.assign(new Error("It may not be here."), { code: "ERR_ACCESS_DENIED" });
      made.push(new Worker("setInterval(() => {}, 1e6)", { eval: true }));
      return made[0];
    };
    const error = await threads({ count: 3, worker: refusing }).catch((thrown) => thrown);
    expect(error).toEqual(failure("E_WORKER"));
    expect(error.message).toBe("A thread was refused: It may not be here. Start Node with --allow-worker.");
    await new Promise((resolve) => made[0].on("exit", resolve));
    for (const worker of [
      () => undefined,
      () => "thread.js",
      () => Object.create(null),
      async () => made[0],
      () => ({ postMessage() {}, terminate() {} }),
      "thread.js",
    ])
      await expect(threads({ count: 2, worker: worker as never })).rejects.toEqual(failure("E_OPTION"));
  });

  test("that is refused by what makes no text of itself is told of all the same", async () => {
    const worker = () => {
      throw Object.create(null);
    };
    await expect(threads({ count: 2, worker })).rejects.toEqual(failure("E_WORKER"));
  });
});

test("disposed kernels end what uses them, and cannot be used again", async () => {
  const kernels = await threads({ count: 2 });
  const model = await createModel(ODD);
  const use = async () => {
    for await (const _ of fit(model, await corpusOf(text), { ...SHAPE, kernels })) await kernels.dispose();
  };
  await expect(use()).rejects.toEqual(failure("E_DISPOSED"));
  expect(() => kernels.instantiate()).toThrow(failure("E_DISPOSED"));
});

test("a number of threads that makes no sense is refused", async () => {
  for (const count of [0, 1.5, 1000, Number.NaN])
    await expect(threads({ count })).rejects.toEqual(failure("E_OPTION"));
});

describe("a host without shared memory", () => {
  afterAll(() => vi.unstubAllGlobals());

  test("is told with the reason", async () => {
    vi.stubGlobal("crossOriginIsolated", false);
    await expect(threads({ count: 2 })).rejects.toEqual(failure("E_HOST"));
    await expect(threads({ count: 2 })).rejects.toThrow(
      /not cross-origin isolated.*Cross-Origin-Opener-Policy/,
    );
  });
});

test("a process ends by itself, with threads idle, asleep or busy in a run that was left", async () => {
  const folder = mkdtempSync(join(tmpdir(), "svi-lm-threads-"));
  const entry = join(folder, "entry.ts");
  const source = (path: string) => JSON.stringify(join(process.cwd(), path));
  writeFileSync(
    entry,
    `import { Corpus, LanguageModel, fit } from ${source("src/entries/index.ts")};
     import { threads } from ${source("src/entries/threads.ts")};
     const corpus = await Corpus.open("to be or not to be ".repeat(500), { tokenizer: "byte" });
     const model = await LanguageModel.create({ tokenizer: corpus.tokenizer, hidden: 96 });
     const idle = await threads({ count: 3 });
     const kernels = await threads({ count: 3 });
     const left = fit(model, corpus, { kernels, batch: 8, sequence: 16 });
     await left.next();
     console.log("left", idle.threads);`,
  );
  const outfile = join(folder, "entry.mjs");
  await build({ entryPoints: [entry], outfile, bundle: true, platform: "node", format: "esm" });
  const { status, stdout, stderr } = spawnSync(process.execPath, [outfile], {
    encoding: "utf8",
    timeout: 30_000,
  });
  rmSync(folder, { recursive: true });
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: "left 3\n", stderr: "" });
});
