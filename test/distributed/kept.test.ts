import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runJob } from "../../src/distributed/job.ts";
import { Kept } from "../../src/distributed/kept.ts";
import { planBytes, type RunPlan } from "../../src/distributed/plan.ts";
import { Recent } from "../../src/distributed/recent.ts";
import { planRun } from "../../src/distributed/request.ts";
import type { Job } from "../../src/distributed/round.ts";
import { MemoryBlobs } from "../../src/distributed/store.ts";
import { LanguageModel } from "../../src/languageModel.ts";
import { byteTokenizer } from "../../src/text/byte.ts";

const folder = mkdtempSync(join(tmpdir(), "svi-lm-kept-"));
const path = join(folder, "text.txt");
const lines = (word: string) =>
  Array.from({ length: 400 }, (_, i) => `${word} ${(i * 7919) % 400}\n`).join("");

/** Counts what jobs read. */
class Counted extends MemoryBlobs {
  readonly read: string[] = [];

  override get(name: string): Promise<Uint8Array> {
    this.read.push(name);
    return super.get(name);
  }
}

const blobs = new Counted();
let plan: RunPlan;
let first: Job;

beforeAll(async () => {
  writeFileSync(path, lines("sea"));
  const model = await LanguageModel.create({ tokenizer: byteTokenizer(), embedding: 4, hidden: 8 });
  const shape = { shards: 2, rounds: 3, local: 0.1, warmUp: 0.1, batch: 4, sequence: 16 };
  ({ plan } = await planRun({ model, texts: [path], ...shape }, blobs));
  const name = await blobs.put(planBytes(plan));
  const warmUp = { plan: name, round: -1, shard: 0, model: plan.initial, state: null };
  const begun = await runJob(plan, warmUp, blobs, {});
  first = { plan: name, round: 0, shard: 0, model: begun.change, state: begun.state };
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const bits = async (job: Job, kept?: Kept) => {
  const { seconds: _, ...result } = await runJob(plan, job, blobs, { kept });
  return result;
};

describe("what a worker keeps of its jobs", () => {
  it("changes no bit of those that come after", { timeout: 60_000 }, async () => {
    const kept = new Kept();
    let job = first;
    for (let round = 0; round < 3; round++) {
      const alone = await bits(job);
      expect(await bits(job, kept)).toEqual(alone);
      // The same job again, after a crash of who waited for it.
      expect(await bits(job, kept)).toEqual(alone);
      expect(await bits({ ...job, shard: 1 }, kept)).toEqual(await bits({ ...job, shard: 1 }));
      job = { ...job, round: round + 1, state: alone.state };
    }
  });

  it("spares it the model of the round, and states that it left", async () => {
    const kept = new Kept();
    const { state } = await bits(first, kept);
    blobs.read.length = 0;
    await bits({ ...first, round: 1, state }, kept);
    expect(blobs.read).toEqual([]);
    await bits({ ...first, round: 1, state }, new Kept());
    expect(blobs.read.sort()).toEqual([first.model, state].sort());
  });

  it("does not hide that a text was written again", async () => {
    const kept = new Kept();
    const { text } = await bits(first, kept);
    writeFileSync(path, lines("sky"));
    const changed = await bits(first, kept);
    expect(changed.text).not.toBe(text);
    writeFileSync(path, lines("sea"));
    expect((await bits(first, kept)).text).toBe(text);
  });
});

describe("what was used last", () => {
  it("stays, up to a number of bytes", () => {
    const recent = new Recent<number>(10);
    recent.put("a", 1, 4);
    recent.put("b", 2, 4);
    expect(recent.get("a")).toBe(1);
    recent.put("c", 3, 4);
    expect(["a", "b", "c"].map((key) => recent.get(key))).toEqual([1, undefined, 3]);
    recent.put("a", 4, 6);
    expect(["a", "c"].map((key) => recent.get(key))).toEqual([4, 3]);
    recent.put("a", 5, 11);
    expect(["a", "c"].map((key) => recent.get(key))).toEqual([undefined, 3]);
  });
});
