import { describe, expect, it } from "vitest";
import { efficiency, fitCurve, fitDrift, lossAt, tokensFor } from "../../bench/scale/learning.ts";
import { plan } from "../../bench/scale/plan.ts";
import { type Machine, type Network, simulate } from "../../bench/scale/simulate.ts";

const machine: Machine = {
  tokensPerSecond: 10_000,
  jobSeconds: 0,
  mergeSecondsPerParameter: 0,
  roundSeconds: 0,
  modelBytes: 4,
  resultBytes: 4,
};
const fast: Network = { latency: 0, workerBandwidth: 1e12, storeBandwidth: 1e12 };
const run = { parameters: 1e5, workers: 4, shards: 4, rounds: 10, tokens: 4e6 };

describe("a simulated run", () => {
  it("takes the training's time divided by the workers where nothing else costs anything", () => {
    expect(simulate({ ...run, workers: 1 }, machine, fast).seconds).toBeCloseTo(400, 3);
    expect(simulate(run, machine, fast)).toMatchObject({ limit: "training" });
    expect(simulate(run, machine, fast).seconds).toBeCloseTo(100, 3);
  });

  it("waits for the last wave of jobs, and says so", () => {
    const found = simulate({ ...run, shards: 5 }, machine, fast);
    expect(found.seconds).toBeCloseTo(160, 3);
    expect(simulate({ ...run, workers: 100 }, machine, fast).seconds).toBeCloseTo(100, 3);
  });

  it("is bound by what is slowest: a link, the store, the merge", () => {
    expect(simulate(run, machine, { ...fast, workerBandwidth: 1e4 }).limit).toBe("a worker's link");
    expect(simulate(run, machine, { ...fast, storeBandwidth: 1e4 }).limit).toBe("the store's bandwidth");
    expect(simulate(run, { ...machine, mergeSecondsPerParameter: 1 }, fast).limit).toBe("merging");
  });
});

describe("the course of learning", () => {
  const curve = { floor: 1.2, slope: 20, power: 0.3 };
  const drift = { drift: 0.002, spread: 0.5, reach: 0.5 };
  const tokens = [1e5, 2e5, 4e5, 8e5];
  const alone = tokens.map((n) => ({ shards: 1, jobTokens: n / 10, tokens: n, loss: lossAt(curve, n) }));

  it("is found again from what it gives", () => {
    const found = fitCurve(alone);
    for (const n of [1e5, 1e6, 1e7]) expect(lossAt(found, n)).toBeCloseTo(lossAt(curve, n), 2);
    const sharded = [2, 4, 8].flatMap((shards) =>
      [1e3, 1e4].map((jobTokens) => {
        const loss = lossAt(curve, 8e5 * efficiency(drift, shards, jobTokens));
        return { shards, jobTokens, tokens: 8e5, loss };
      }),
    );
    const fitted = fitDrift(curve, sharded);
    for (const [shards, j] of [
      [2, 1e3],
      [16, 5e3],
    ])
      expect(efficiency(fitted, shards, j)).toBeCloseTo(efficiency(drift, shards, j), 2);
  });

  it("has no tokens for a loss below its floor", () => {
    expect(tokensFor(curve, 1.1)).toBeNull();
    expect(lossAt(curve, tokensFor(curve, 1.5)!)).toBeCloseTo(1.5, 9);
  });

  it("is planned: more workers are never slower, and what nobody reaches is not planned", () => {
    const target = { parameters: 1e5, textTokens: 1e7, epochs: 10, loss: 1.4 };
    const slow: Network = { latency: 0.002, workerBandwidth: 1e8, storeBandwidth: 1e9 };
    const real = { ...machine, jobSeconds: 0.05, mergeSecondsPerParameter: 1e-8, roundSeconds: 0.05 };
    const seconds = [1, 2, 8, 64, 512].map(
      (workers) => plan({ ...target, workers }, curve, drift, real, slow)!.seconds,
    );
    for (let i = 1; i < seconds.length; i++) expect(seconds[i]).toBeLessThanOrEqual(seconds[i - 1] * 1.001);
    expect(plan({ ...target, workers: 8, loss: 1 }, curve, drift, real, slow)).toBeNull();
  });
});
