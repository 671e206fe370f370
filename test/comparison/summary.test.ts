/** Ratios of SVI over baselines, a seed at a time. */
import { expect, test } from "vitest";
import type { MethodName } from "../../src/comparison/methods.ts";
import type { MethodRuns, SeedRun } from "../../src/comparison/protocol.ts";
import { type Compared, reportCorpus } from "../../src/comparison/report.ts";
import type { RunRecord } from "../../src/comparison/run.ts";
import { summarise } from "../../src/comparison/summary.ts";

const COSTS = { sgd: 1, adam: 1, adamw: 1, dropout: 1.1, bbb: 1.3, noiseless: 1.1, ivon: 1.2 };

/** A run whose loss falls in steps of 100 tokens, and that scores the test as given. */
function record(curve: number[], test: { nll: number; ece: number } | null, noise = 1): RunRecord {
  const points = curve.map((nll, i) => ({ tokens: 100 * (i + 1), nll, noise }));
  const best = points.reduce((a, b) => (b.nll < a.nll ? b : a));
  const figures = test && {
    ...test,
    perplexity: Math.exp(test.nll),
    brier: 0.5,
    entropy: 1,
    tokens: 10,
    predictive: null,
    scaled: { temperature: 1.1, nll: test.nll, perplexity: 1, ece: test.ece / 2, brier: 0.5, entropy: 1 },
    reliability: [],
    entropyGap: 0.3,
    samples: [],
  };
  return {
    curve: points,
    best,
    valid: { nll: best.nll, perplexity: 1, ece: 0, brier: 0, entropy: 0 },
    test: figures && { final: figures, best: figures },
    lambda: 1,
    steps: curve.length,
    trainNll: 1,
    seconds: 1,
    hash: "",
  };
}

function runs(name: MethodName, records: (RunRecord | null)[], long: (RunRecord | null)[] = []): MethodRuns {
  const seeded = (list: (RunRecord | null)[]): SeedRun[] =>
    list.map((r, i) => ({
      seed: i + 1,
      setting: { method: { kind: "ivon" }, tokens: 1, seed: i + 1, points: 1, test: true },
      record: r,
    }));
  return { name, tuning: [], runs: seeded(records), long: seeded(long) };
}

const sgd = runs("sgd", [
  record([4, 3.5, 3.2], { nll: 3.3, ece: 0.1 }),
  record([4, 3.5, 3.2], { nll: 3.3, ece: 0.1 }),
]);
const adam = runs(
  "adam",
  [record([3, 2, 2.4, 2.4], { nll: 2, ece: 0.1 }), record([3, 2.5, 2.2, 2.4], { nll: 2.5, ece: 0.2 })],
  [record([2, 2.2], null)],
);
const ivon = runs(
  "ivon",
  [record([3, 2, 1.9, 1.8], { nll: 1.8, ece: 0.05 }), record([3, 2.3, 2.1, 1.9], { nll: 2, ece: 0.05 })],
  [record([1.8, 1.818], null)],
);

function verdictOf(methods: MethodRuns[]): readonly string[] {
  const compared: Compared = {
    name: "a text",
    kind: "characters",
    shape: { embedding: 1, hidden: 1, layers: 1, batch: 1, sequence: 1 },
    parameters: 1,
    vocabulary: 1,
    tokens: { train: 1, valid: 1, test: 1 },
    budget: 1,
    methods,
    missing: [],
    costs: COSTS,
    runs: [],
  };
  return reportCorpus(compared, 0).verdict;
}

test("ratios are taken between the runs of a seed, over the better undropped baseline", () => {
  const summary = summarise([sgd, adam, ivon], COSTS)!;
  expect(summary.baseline).toBe("adam");
  expect(summary.testNllVsUndropped!.values[0]).toBeCloseTo(0.9, 12);
  expect(summary.testNllVsUndropped!.values[1]).toBeCloseTo(0.8, 12);
  expect(summary.testNllVsUndropped!.mean).toBeCloseTo(0.85, 12);
  expect(summary.eceVsUndropped!.values).toEqual([0.5, 0.25]);
  expect(summary.testNllVsDropout).toBeNull();
  expect(summary.defaultVsTuned).toBeNull();
});

test("the baseline is the best of all by the validation loss, and each kind of them has a ratio of its own", () => {
  const map = runs("map", [
    record([2.5, 1.95], { nll: 1.9, ece: 0.04 }),
    record([2.5, 2.0], { nll: 2.1, ece: 0.04 }),
  ]);
  const dropped = runs("dropout-map", [
    record([2.5, 1.9], { nll: 1.85, ece: 0.04 }),
    record([2.5, 1.95], { nll: 2.05, ece: 0.04 }),
  ]);
  // Four runs cost four times as much: they are not a target, whatever they reach.
  const four = runs("adam-four", [record([1], { nll: 1, ece: 0.01 }), record([1], { nll: 1, ece: 0.01 })]);
  const summary = summarise([sgd, adam, map, four, dropped, ivon], COSTS)!;
  expect(summary.baseline).toBe("dropout-map");
  expect(summary.testNllVsBaseline!.values[0]).toBeCloseTo(1.8 / 1.85, 12);
  expect(summary.testNllVsDropout!.values[1]).toBeCloseTo(2 / 2.05, 12);
  expect(summary.testNllVsUndropped!.values[0]).toBeCloseTo(1.8 / 1.9, 12);
  // Targets 1.9 at 200 and 1.95 at 200; reached at 300 and 400, a step of dropout being 1.1 of Adam's.
  expect(summary.timeToTarget!.tokens.values).toEqual([1.5, 2]);
  expect(summary.timeToTarget!.seconds.mean).toBeCloseTo((1.75 * 1.2) / 1.1, 12);
});

test("what the noise is worth: both tuned, calibration at the temperature of each", () => {
  const tuned = runs("ivon-tuned", [
    record([1.8], { nll: 1.8, ece: 0.03 }),
    record([1.9], { nll: 1.9, ece: 0.03 }),
  ]);
  const still = runs("noiseless", [
    record([1.9], { nll: 2, ece: 0.06 }),
    record([1.9], { nll: 1.9, ece: 0.1 }),
  ]);
  const summary = summarise([sgd, adam, tuned, still], COSTS)!;
  expect(summary.withoutNoise!.values[0]).toBeCloseTo(0.9, 12);
  expect(summary.eceScaled!.values[1]).toBeCloseTo(0.3, 12);
  expect(summarise([sgd, adam, tuned], COSTS)).toMatchObject({ withoutNoise: null, eceScaled: null });
  expect(verdictOf([sgd, adam, tuned, still]).join(" ")).toMatch(
    /What the noise is worth: .*5\.0 % lower.*0\.40 ×/,
  );
});

test("time to target: tokens of the same seed's crossing, seconds by the ratio of step costs", () => {
  const { timeToTarget } = summarise([sgd, adam, ivon], COSTS)!;
  // Seed 1: target 2 at 200, reached at 200; seed 2: target 2.2 at 300, reached at 300.
  expect(timeToTarget).toMatchObject({ method: "ivon", warm: 0, tokens: { values: [1, 1] } });
  expect(timeToTarget!.seconds.mean).toBeCloseTo(1.2, 12);
});

test("of several schedules the one that is faster on average counts, if it reaches the target with every seed", () => {
  const short = runs("ivon-short", [record([1.9], null), record([2.1], null)]);
  expect(summarise([sgd, adam, ivon, short], COSTS)!.timeToTarget).toMatchObject({
    method: "ivon-short",
    tokens: { values: [0.5, 1 / 3] },
  });
  const partly = runs("ivon-short", [record([1.9], null), record([2.3], null)]);
  expect(summarise([sgd, adam, ivon, partly], COSTS)!.timeToTarget).toMatchObject({ method: "ivon" });
});

test("a crossing with less than half of the noise is none", () => {
  const quiet = runs("ivon", [
    record([3, 1.9], { nll: 2, ece: 1 }, 0.4),
    record([3, 1.9], { nll: 2, ece: 1 }, 0.4),
  ]);
  expect(summarise([sgd, adam, quiet], COSTS)!.timeToTarget).toBeNull();
});

test("three times the passes: the rise of each, and whether maximum likelihood overfits", () => {
  const summary = summarise([sgd, adam, ivon], COSTS)!;
  expect(summary.threeTimesEpochsRise!.mean).toBeCloseTo(0.01, 12);
  expect(summary.baselineThreeTimesEpochsRise!.mean).toBeCloseTo(0.1, 12);
  expect(summary.overfits).toBe(true);
});

test("without baselines there is nothing to say; a run that diverged leaves its method out", () => {
  expect(summarise([ivon], COSTS)).toBeNull();
  const broken = runs("ivon", [record([1], { nll: 1, ece: 1 }), null]);
  const summary = summarise([sgd, adam, broken], COSTS)!;
  expect(summary.testNllVsUndropped).toBeNull();
  expect(summary.timeToTarget).toBeNull();
});

test("the verdict says where SVI loses", () => {
  const worse = runs("ivon", [
    record([3, 2.9], { nll: 3, ece: 0.5 }),
    record([3, 2.9], { nll: 3, ece: 0.5 }),
  ]);
  const verdict = verdictOf([sgd, adam, worse, runs("ivon-short", [record([3], null), record([3], null)])]);
  expect(verdict[0]).toContain("Nothing was tuned");
  expect(verdict[1]).toContain("SVI loses on time");
  expect(verdict[2]).toMatch(/35 % worse \(bits\) than Adam.*it loses/);
  expect(verdict[3]).toContain("worse calibrated");
});

test("baselines without SVI have a verdict too", () => {
  const tuned: MethodRuns = {
    ...adam,
    tuning: [{ axis: "learning rate", best: 1, trials: [], inside: true }],
  };
  expect(verdictOf([sgd, { ...tuned, long: [] }])).toEqual([
    "SVI has not been run yet: there is nothing to compare.",
  ]);
});
