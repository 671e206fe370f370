import { beforeAll, describe, expect, it } from "vitest";
import { Merger } from "../../src/distributed/merger.ts";
import { changeToBytes } from "../../src/distributed/naturals.ts";
import type { RunPlan } from "../../src/distributed/plan.ts";
import type { RoundState } from "../../src/distributed/rounds.ts";
import { MemoryBlobs } from "../../src/distributed/store.ts";
import { LanguageModel } from "../../src/languageModel.ts";
import { Posterior } from "../../src/model/posterior.ts";
import { byteTokenizer } from "../../src/text/byte.ts";
import { writeModel } from "../../src/training/modelFile.ts";

const SHARDS = 4;
const tokenizer = byteTokenizer();
const plan = {
  shards: Array.from({ length: SHARDS }, (_, i) => [{ at: "text", from: 0, to: 10 + i }]),
  damping: 1,
  momentum: 0.5,
  method: { prior: { scale: 0.3 } },
} as unknown as RunPlan;

let blobs: MemoryBlobs;
let state: RoundState;
let results: { change: string }[];

beforeAll(async () => {
  blobs = new MemoryBlobs();
  const { posterior } = await LanguageModel.create({ tokenizer, embedding: 4, hidden: 8 });
  const { configuration, layout, mean } = posterior;
  const precision = new Float32Array(layout.length).fill(20);
  const model = await blobs.put(
    writeModel({ posterior: new Posterior(configuration, mean, precision, 1000), tokenizer }),
  );
  const shards = plan.shards.map(() => ({ state: null, text: null }));
  state = { round: 0, model, shards, velocity: null, tokens: 0, nll: null };
  results = [];
  // Sums that differ with their order: one large change among small ones.
  for (let shard = 0; shard < SHARDS; shard++) {
    const values = (scale: number) =>
      new Float32Array(layout.length).map((_, i) => scale * Math.sin(i + shard));
    const change = { precision: values(1), weighted: values(shard === 1 ? 1e7 : 1e-3) };
    results.push({ change: await blobs.put(changeToBytes(change)) });
  }
});

describe("the merger of a round", () => {
  it("comes to one model, whatever it was told before the round's end", async () => {
    const expected = await new Merger(plan, blobs).merged(state, results);
    for (const order of [
      [0, 1, 2, 3],
      [3, 2, 1, 0],
      [1, 3],
      [0, 0, 2],
    ]) {
      const merger = new Merger(plan, blobs);
      for (const shard of order) merger.told(state, shard, results[shard].change);
      expect(await merger.merged(state, results)).toEqual(expected);
    }
  });

  it("adds again where a result it was told of is not the one that counts, or is gone", async () => {
    const expected = await new Merger(plan, blobs).merged(state, results);
    for (const wrong of [results[2].change, "0".repeat(64)]) {
      const merger = new Merger(plan, blobs);
      merger.told(state, 0, wrong);
      merger.told(state, 1, results[1].change);
      expect(await merger.merged(state, results)).toEqual(expected);
    }
  });

  it("continues from what it has merged as from what it reads", async () => {
    const merger = new Merger(plan, blobs);
    const next = { ...state, ...(await merger.merged(state, results)), round: 1 };
    const kept = await merger.merged(next, results);
    expect(await new Merger(plan, blobs).merged(next, results)).toEqual(kept);
    expect(kept.model).not.toBe(next.model);
    // A round that is begun again is not the one that comes next.
    expect(await merger.merged(next, results)).toEqual(kept);
  });

  it("says what is wrong with a result at the round's end", async () => {
    const merger = new Merger(plan, blobs);
    merger.told(state, 0, "0".repeat(64));
    const missing = [{ change: "0".repeat(64) }, ...results.slice(1)];
    await expect(merger.merged(state, missing)).rejects.toMatchObject({ code: "E_STORE" });
  });
});
