/** @module What the records of a comparison come to: ratios of SVI over baselines, a seed at a time. */

import type { ReliabilityBin } from "../evaluation/tally.ts";
import { crossing, lowest, rise } from "./crossing.ts";
import type { MethodName, MethodRuns, SeedRun } from "./protocol.ts";
import type { Figures, RunRecord } from "./run.ts";
import { average, bootstrap, calibrationFloor, type Interval } from "./statistics.ts";

/** Time of a step of each method over Adam's, measured with the steps in turn. */
export type StepCosts = Readonly<Record<"sgd" | "adam" | "dropout" | "bbb" | "ivon", number>>;

export interface TimeToTarget {
  readonly tokens: Interval;
  readonly seconds: Interval;
  readonly method: MethodName;
  /** Seeds whose crossing did not count because the noise was below half of its final size. */
  readonly warm: number;
}

export interface Summary {
  /** The better undropped baseline, early-stopped, and the one by the loss at the test. */
  readonly baseline: "sgd" | "adam";
  /** null where no schedule reached the target with every seed, or runs are missing. */
  readonly timeToTarget: TimeToTarget | null;
  /** Test nll of `ivon()` over that of each baseline, early-stopped; nats over nats. */
  readonly testNllVsUndropped: Interval | null;
  readonly testNllVsDropout: Interval | null;
  readonly eceVsUndropped: Interval | null;
  /** ECE that a model without any error of calibration would measure on the test text, by `ivon()`'s confidences. */
  readonly eceFloor: number | null;
  /** Relative rise of the validation loss from its lowest point to the end of three times the tokens. */
  readonly threeTimesEpochsRise: Interval | null;
  readonly baselineThreeTimesEpochsRise: Interval | null;
  /** Test nll of `ivon()` as it stands over that of its tuned self. */
  readonly defaultVsTuned: Interval | null;
  /** Whether maximum likelihood overfits: its validation loss rises by more than 1 % with three times the tokens. */
  readonly overfits: boolean;
  /** Seeds that all methods have. */
  readonly seeds: readonly number[];
}

/**
 * Of a posterior the average of samples counts, its predictive distribution; the mean of the weights stands beside
 * it. Which is better is not chosen by the test.
 */
export function testFigures(
  record: RunRecord,
): Figures & { readonly reliability: readonly ReliabilityBin[] } {
  return record.test!.best.predictive ?? record.test!.best;
}

/** @throws never: what is missing is null */
export function summarise(methods: readonly MethodRuns[], costs: StepCosts | null): Summary | null {
  const find = (name: MethodName) => methods.find((runs) => runs.name === name && runs.runs.every(finished));
  const [sgd, adam, dropout, plain, tuned] = (["sgd", "adam", "dropout", "ivon", "ivon-tuned"] as const).map(
    find,
  );
  if (!sgd || !adam) return null;
  const seeds = sgd.runs.map(({ seed }) => seed);
  const baseline = mean(sgd, (r) => r.best.nll) < mean(adam, (r) => r.best.nll) ? sgd : adam;
  const ratio = (a: MethodRuns | undefined, b: MethodRuns | undefined, of: (r: RunRecord) => number) =>
    a && b ? bootstrap(a.runs.map(({ record }, i) => of(record!) / of(b.runs[i].record!))) : null;
  const nll = (r: RunRecord) => testFigures(r).nll;
  const rises = (runs: MethodRuns | undefined) =>
    runs?.long.length && runs.long.every(finished)
      ? bootstrap(runs.long.map(({ record }) => rise(record!.curve)))
      : null;
  const baselineRise = rises(baseline) ?? rises(adam);
  const late = baselineRise?.mean ?? average(baseline.runs.map(({ record }) => rise(record!.curve)));
  return {
    baseline: baseline.name as "sgd" | "adam",
    timeToTarget: timeToTarget(methods, baseline, costs),
    testNllVsUndropped: ratio(plain, baseline, nll),
    testNllVsDropout: ratio(plain, dropout, nll),
    eceVsUndropped: ratio(plain, baseline, (r) => testFigures(r).ece),
    eceFloor: plain ? mean(plain, (r) => calibrationFloor(testFigures(r).reliability)) : null,
    threeTimesEpochsRise: rises(plain),
    baselineThreeTimesEpochsRise: baselineRise,
    defaultVsTuned: ratio(plain, tuned, nll),
    overfits: late > 0.01,
    seeds,
  };
}

/**
 * Of the schedules of SVI that reach, with every seed, the same seed's lowest point of the better baseline, the
 * one that needs the fewest tokens. Seconds are tokens times the ratio of step costs.
 */
function timeToTarget(
  methods: readonly MethodRuns[],
  baseline: MethodRuns,
  costs: StepCosts | null,
): TimeToTarget | null {
  const targets = baseline.runs.map(({ record }) => lowest(record!.curve));
  const cost = costs ? costs.ivon / costs[baseline.name as "sgd" | "adam"] : 1;
  let best: TimeToTarget | null = null;
  for (const { name, runs } of methods) {
    if (!name.startsWith("ivon") || !runs.every(finished) || runs.length !== targets.length) continue;
    const crossings = runs.map(({ record }, i) => crossing(record!.curve, targets[i].nll, true));
    if (crossings.some(({ tokens }) => tokens === null)) continue;
    const tokens = bootstrap(crossings.map((c, i) => c.tokens! / targets[i].tokens));
    if (best && best.tokens.mean <= tokens.mean) continue;
    const seconds = bootstrap(tokens.values.map((value) => value * cost));
    best = { tokens, seconds, method: name, warm: crossings.filter(({ warm }) => warm !== null).length };
  }
  return best;
}

function finished({ record }: SeedRun): boolean {
  return record !== null;
}

export function mean(runs: MethodRuns, of: (record: RunRecord) => number): number {
  return average(runs.runs.flatMap(({ record }) => (record ? [of(record)] : [])));
}
