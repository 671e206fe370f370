/** @module What the records of a comparison come to: ratios of SVI over baselines, a seed at a time. */

import type { ReliabilityBin } from "../evaluation/tally.ts";
import { crossing, lowest, rise } from "./crossing.ts";
import { type BaselineName, DROPPED, type MethodName, UNDROPPED } from "./methods.ts";
import type { MethodRuns, SeedRun } from "./protocol.ts";
import type { Figures, RunRecord } from "./run.ts";
import { average, bootstrap, calibrationFloor, type Interval } from "./statistics.ts";
import { costOf } from "./wording.ts";

/** Time of a step of each method over Adam's, measured with the steps in turn. */
export type StepCosts = Readonly<
  Record<"sgd" | "adam" | "adamw" | "dropout" | "bbb" | "noiseless" | "ivon", number>
>;

export interface TimeToTarget {
  readonly tokens: Interval;
  readonly seconds: Interval;
  readonly method: MethodName;
  /** Seeds whose crossing did not count because the noise was below half of its final size. */
  readonly warm: number;
}

export interface Summary {
  /** Of all baselines the one of the lowest validation loss: what SVI is held to, and whose loss is the target. */
  readonly baseline: BaselineName;
  /** null where no schedule reached the target with every seed, or runs are missing. */
  readonly timeToTarget: TimeToTarget | null;
  /** Test nll of `ivon()` over that of the baseline, and of the best without dropout and with it; nats over nats. */
  readonly testNllVsBaseline: Interval | null;
  readonly testNllVsUndropped: Interval | null;
  readonly testNllVsDropout: Interval | null;
  readonly eceVsUndropped: Interval | null;
  /** Test nll of tuned IVON over that of the same without noise, tuned too; and ECE, both after temperature scaling. */
  readonly withoutNoise: Interval | null;
  readonly eceScaled: Interval | null;
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
  const best = (names: readonly BaselineName[]) =>
    names.flatMap((name) => find(name) ?? []).reduce<MethodRuns | undefined>(better, undefined);
  const [adam, plain, tuned, still] = (["adam", "ivon", "ivon-tuned", "noiseless"] as const).map(find);
  if (!find("sgd") || !adam) return null;
  const [undropped, dropped] = [best(UNDROPPED)!, best(DROPPED)];
  const baseline = better(undropped, dropped ?? undropped);
  const ratio = (a: MethodRuns | undefined, b: MethodRuns | undefined, of: Figure) =>
    a && b ? ratioOf(a, b, of) : null;
  const [nll, ece]: Figure[] = [(r) => testFigures(r).nll, (r) => testFigures(r).ece];
  const baselineRise = rises(baseline) ?? rises(adam);
  const late = baselineRise?.mean ?? average(baseline.runs.map(({ record }) => rise(record!.curve)));
  return {
    baseline: baseline.name as BaselineName,
    timeToTarget: timeToTarget(methods, baseline, costs),
    testNllVsBaseline: ratio(plain, baseline, nll),
    testNllVsUndropped: ratio(plain, undropped, nll),
    testNllVsDropout: ratio(plain, dropped, nll),
    eceVsUndropped: ratio(plain, undropped, ece),
    withoutNoise: ratio(tuned, still, nll),
    eceScaled: ratio(tuned, still, (r) => r.test!.best.scaled?.ece ?? null),
    eceFloor: plain ? mean(plain, (r) => calibrationFloor(testFigures(r).reliability)) : null,
    threeTimesEpochsRise: plain ? rises(plain) : null,
    baselineThreeTimesEpochsRise: baselineRise,
    defaultVsTuned: ratio(plain, tuned, nll),
    overfits: late > 0.01,
    seeds: adam.runs.map(({ seed }) => seed),
  };
}

/** null where a record lacks it. */
type Figure = (record: RunRecord) => number | null;

/** Of two the one with the lower validation loss, on average over seeds; of equals the first. */
function better(a: MethodRuns | undefined, b: MethodRuns): MethodRuns {
  return a && mean(a, (r) => r.best.nll) <= mean(b, (r) => r.best.nll) ? a : b;
}

/** Between the runs of a seed. */
function ratioOf(a: MethodRuns, b: MethodRuns, of: Figure): Interval | null {
  const values = a.runs.map(({ record }, i) => {
    const [own, other] = [of(record!), of(b.runs[i].record!)];
    return own === null || other === null ? null : own / other;
  });
  return values.includes(null) ? null : bootstrap(values as number[]);
}

function rises({ long }: MethodRuns): Interval | null {
  if (long.length === 0 || !long.every(finished)) return null;
  return bootstrap(long.map(({ record }) => rise(record!.curve)));
}

/**
 * Of the schedules of SVI that reach, with every seed, the same seed's lowest point of the best baseline, the
 * one that needs the fewest tokens. Seconds are tokens times the ratio of step costs.
 */
function timeToTarget(
  methods: readonly MethodRuns[],
  baseline: MethodRuns,
  costs: StepCosts | null,
): TimeToTarget | null {
  const targets = baseline.runs.map(({ record }) => lowest(record!.curve));
  const cost = costs ? costs.ivon / costOf(costs, baseline.name) : 1;
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
