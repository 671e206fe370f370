import { describe, expect, it } from "vitest";
import type { QueuedResult } from "../../src/distributed/queue.ts";
import { agreement } from "../../src/distributed/verify.ts";

function result(worker: string, change: string): QueuedResult {
  const figures = { state: "s", text: "t", tokens: 10, nll: 1, seconds: Math.random() };
  return { ...figures, change, worker, run: "r", round: 0, shard: 0, again: 0 };
}

describe("results of one job by several workers", () => {
  it("count as they are where nobody repeated the job", () => {
    expect(agreement([result("a", "x")])).toMatchObject({ result: { change: "x" }, poisoned: [] });
  });

  it("are left open where two differ, whatever time they took", () => {
    expect(agreement([result("a", "x"), result("b", "y")]).result).toBeNull();
    expect(agreement([result("a", "x"), result("b", "x")])).toMatchObject({
      result: { change: "x" },
      poisoned: [],
    });
  });

  it("are decided by two of three, which name the third worker", () => {
    const verdict = agreement([result("liar", "y"), result("a", "x"), result("b", "x")]);
    expect(verdict).toMatchObject({ result: { change: "x" }, poisoned: ["liar"] });
  });

  it("are not decided by one worker that repeats itself", () => {
    expect(agreement([result("liar", "y"), result("liar", "y")]).result).toBeNull();
    expect(agreement([result("liar", "y"), result("liar", "y"), result("a", "x")]).result).toBeNull();
    expect(agreement([result("a", "x"), result("a", "x"), result("a", "x")])).toMatchObject({
      result: null,
      workers: ["a"],
    });
  });
});
