import { EventEmitter } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { RunEvent } from "../../src/distributed/events.ts";
import { type ShardedOptions, trainSharded } from "../../src/distributed/sharded.ts";
import { type Request, serveJobs } from "../../src/distributed/thread.ts";
import { SviError } from "../../src/errors.ts";
import { width } from "../../src/kernels/width.ts";
import { LanguageModel } from "../../src/languageModel.ts";
import { byteTokenizer } from "../../src/text/byte.ts";
import { toWire } from "../../src/worker/wire.ts";

const folder = mkdtempSync(join(tmpdir(), "svi-lm-sharded-"));
const text = join(folder, "text.txt");
let model: LanguageModel;

beforeAll(async () => {
  writeFileSync(
    text,
    Array.from({ length: 800 }, (_, i) => `line ${(i * 7919) % 800} of the sea\n`).join(""),
  );
  model = await LanguageModel.create({ tokenizer: byteTokenizer(), embedding: 4, hidden: 8 });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function run(options: Partial<ShardedOptions>, each: (event: RunEvent) => void = () => {}) {
  const events: RunEvent[] = [];
  const shape = { model, texts: [text], shards: 3, rounds: 2, local: 0.25, batch: 4, sequence: 16 };
  for await (const event of trainSharded({ ...shape, ...options })) {
    events.push(event);
    each(event);
  }
  return events;
}

describe("a run over shards in this thread", () => {
  it("tells every shard, every round, and brings the model", async () => {
    const events = await run({});
    expect(events.map(({ event }) => event)).toEqual(
      "run shard round shard shard shard round shard shard shard round done".split(" "),
    );
    const last = events.at(-1)!;
    expect("model" in last && last.model.hash()).not.toBe(model.hash());
  });

  it("has the same model from the same seed alone", async () => {
    const hash = async (seed: number) => {
      const last = (await run({ seed })).at(-1)!;
      return "model" in last && last.model.hash();
    };
    const first = await hash(1);
    expect(await hash(1)).toBe(first);
    expect(await hash(2)).not.toBe(first);
  });

  it("stopped by its signal, has the model of the last merged round", async () => {
    const abort = new AbortController();
    const events = await run({ signal: abort.signal, rounds: 1000 }, (event) => {
      if (event.event === "round" && event.round === 1) abort.abort();
    });
    const last = events.at(-1)!;
    const merged = events.findLast(({ event }) => event === "round")!;
    expect(last).toMatchObject({ event: "stopped", nll: "nll" in merged && merged.nll });
    const [whole] = (await run({ rounds: 1000, signal: abort.signal })).slice(-1);
    expect("model" in last && "model" in whole && last.model.hash() !== whole.model.hash()).toBe(true);
    expect("model" in whole && whole.model.hash()).toBe(model.hash());
    expect(whole).toMatchObject({ nll: null });
  });
});

describe("a run over shards whose text changes", () => {
  const rewritten = join(folder, "rewritten.txt");
  const failing = async (moment: RunEvent["event"]) => {
    writeFileSync(rewritten, "one line of the sea\n".repeat(600));
    const events: RunEvent[] = [];
    const failure = await run({ texts: [rewritten], rounds: 1000 }, (event) => {
      events.push(event);
      if (event.event === moment) writeFileSync(rewritten, "another line\n".repeat(60));
    }).catch((error) => error);
    expect(failure).toMatchObject({ code: "E_TEXT_CHANGED" });
    return events;
  };

  it("hands over the model of the last merged round before it fails", async () => {
    const last = (await failing("round")).at(-1)!;
    expect(last.event).toBe("stopped");
    expect("model" in last && last.tokens > 0 && last.model.hash() !== model.hash()).toBe(true);
  });

  it("hands over nothing where no round was merged", async () => {
    const events = await failing("run");
    expect(events.map(({ event }) => event)).not.toContain("stopped");
  });
});

describe("256-bit code", () => {
  const before = width.reason;
  afterEach(() => {
    width.reason = before;
  });

  it.each([
    ["Not asked for", false],
    [null, true],
  ])("is for threads of a run that starts where the reason against it is %o: %o", async (reason, wide) => {
    const asked: boolean[] = [];
    class Refusing extends EventEmitter {
      postMessage(request: Request) {
        asked.push(request.wide);
        this.emit("message", { error: toWire(new Error("enough")) });
      }
      async terminate() {}
    }
    width.reason = reason;
    await run({ workers: 2, worker: () => new Refusing() as unknown as Worker }).catch(() => {});
    expect(new Set(asked)).toEqual(new Set([wide]));
  });

  it("is taken by a thread that is told to", async () => {
    const ports: { listener?: (request: unknown) => Promise<void>; replies: unknown[] } = { replies: [] };
    serveJobs({
      on: (_, listener) => {
        ports.listener = listener as never;
      },
      postMessage: (message) => void ports.replies.push(message),
    });
    await ports.listener!({ plan: new Uint8Array(), job: {}, wide: false, blobs: [] });
    expect(width.reason).toBe(before);
    await ports.listener!({ plan: new Uint8Array(), job: {}, wide: true, blobs: [] });
    expect(width.reason).toBeNull();
    expect(ports.replies).toHaveLength(2);
  });
});

describe("what cannot work", () => {
  it("is told: a thread that ends by itself", async () => {
    const worker = () => new Worker("process.exit(3)", { eval: true });
    const lost = await run({ workers: 2, worker }).catch((error) => error);
    expect(lost).toBeInstanceOf(SviError);
    expect(lost).toMatchObject({ code: "E_WORKER", problem: "A thread was lost: it ended with code 3" });
  });

  it("is told: what a job fails with, options out of range, a text that is not there", async () => {
    const failure = (options: Partial<ShardedOptions>) => run(options).catch((error) => error);
    expect(await failure({ sequence: 4096, batch: 64 })).toMatchObject({ code: "E_TEXT_SHORT" });
    expect(await failure({ workers: 0 })).toMatchObject({ code: "E_OPTION", option: "workers" });
    expect(await failure({ texts: [join(folder, "none.txt")] })).toMatchObject({ code: "E_FILE_MISSING" });
  });
});
