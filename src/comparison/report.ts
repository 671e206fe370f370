/** @module What a report says of each text: tables and a verdict in plain words, for any way of printing it. */
import { lowest } from "./crossing.ts";
import { type MethodName, TITLES } from "./methods.ts";
import type { MethodRuns } from "./protocol.ts";
import type { RunRecord, Setting, Shape } from "./run.ts";
import type { Interval } from "./statistics.ts";
import { mean, type StepCosts, type Summary, summarise, testFigures } from "./summary.ts";
import { tableOf } from "./table.ts";
import { costOf, group } from "./wording.ts";

export interface ComparisonReport {
  readonly title: string;
  readonly lead: string;
  readonly corpora: readonly CorpusReport[];
}

export interface CorpusReport {
  readonly index: number;
  readonly name: string;
  readonly setting: string;
  readonly methods: readonly MethodRuns[];
  /** Names of runs that are not at hand. */
  readonly missing: readonly string[];
  readonly summary: Summary | null;
  readonly verdict: readonly string[];
  readonly table: readonly (readonly string[])[];
  readonly tuning: readonly (readonly string[])[];
  /** What curves are drawn in, and how many of it a nat is. */
  readonly unit: string;
  readonly perToken: number;
  /** Seconds a token of a method, null where it was not measured. */
  readonly costs: ((name: MethodName) => number) | null;
  /** Validation nll that is to be reached, mean over seeds. */
  readonly target: number | null;
}

/** A text that was compared on. */
export interface Compared {
  readonly name: string;
  readonly kind: "characters" | "words" | "bytes";
  readonly shape: Shape;
  readonly parameters: number;
  readonly vocabulary: number;
  readonly tokens: { readonly train: number; readonly valid: number; readonly test: number };
  readonly budget: number;
  readonly methods: readonly MethodRuns[];
  readonly missing: readonly string[];
  readonly costs: StepCosts | null;
  /** Every run that was made or found, trials too. */
  readonly runs: readonly LabelledRun[];
}

export interface LabelledRun {
  readonly label: string;
  /** Hash of all that decides the run. */
  readonly key: string;
  readonly setting: Setting;
  /** null where it diverged. */
  readonly record: RunRecord | null;
}

export function reportCorpus(compared: Compared, index: number): CorpusReport {
  const { name, kind, methods, missing, costs } = compared;
  const summary = summarise(methods, costs);
  const words = kind === "words";
  const perToken = words ? 1 : 1 / Math.LN2;
  const baseline = methods.find((runs) => runs.name === summary?.baseline);
  return {
    index,
    name,
    setting: settingLine(compared),
    methods,
    missing,
    summary,
    verdict: verdictOf(summary, words, methods),
    table: tableOf(methods, summary, words, costs),
    tuning: tuningTable(methods),
    unit: words ? "nats a word" : `bits a ${kind === "bytes" ? "byte" : "character"}`,
    perToken,
    costs: costs && adamSeconds(methods, costs),
    target: baseline ? mean(baseline, (r) => lowest(r.curve).nll) : null,
  };
}

function settingLine({ kind, shape, parameters, vocabulary, tokens, budget }: Compared): string {
  const { embedding, hidden, layers, batch, sequence } = shape;
  const epochs = budget / tokens.train;
  return (
    `${kind}, vocabulary ${group(vocabulary)}, embedding ${embedding}, ${layers} × ${hidden}, ` +
    `${group(parameters)} parameters; ${group(tokens.train)} training tokens, ${epochs.toFixed(1)} epochs ` +
    `(${group(budget)} tokens), batch ${batch} × ${sequence}; validation ${group(tokens.valid)}, test ${group(tokens.test)}`
  );
}

/** Seconds a token by Adam's own runs, times the measured ratio of steps. */
function adamSeconds(methods: readonly MethodRuns[], costs: StepCosts): (name: MethodName) => number {
  const adam = methods.find(({ name }) => name === "adam");
  const runs = (adam?.runs ?? []).flatMap(({ record }) => record ?? []);
  const seconds = Math.min(...runs.map((r) => r.seconds / r.curve[r.curve.length - 1].tokens));
  return (name) => (Number.isFinite(seconds) ? seconds : 1) * costOf(costs, name);
}

/** 0.8 × as "20 % fewer". */
function change(ratio: number, less: string, more: string): string {
  const percent = Math.abs(100 * (ratio - 1));
  return `${percent.toFixed(percent < 10 ? 1 : 0)} % ${ratio <= 1 ? less : more}`;
}

function span({ low, high }: Interval, format: (x: number) => string): string {
  return `${format(low)}…${format(high)}`;
}

/** Says where SVI loses as plainly as where it wins; never without a line. */
function verdictOf(summary: Summary | null, words: boolean, methods: readonly MethodRuns[]): string[] {
  if (!summary) return ["The baselines have not been run yet: there is nothing to say."];
  const { baseline, timeToTarget: time, testNllVsBaseline: test } = summary;
  const lines: string[] = [];
  if (methods.every(({ name, tuning }) => name === "ivon-short" || tuning.length === 0))
    lines.push(
      "Nothing was tuned: every method stands at a setting of its own, and another one may suit it better.",
    );
  const short = methods.some(({ name }) => name === "ivon-short");
  if (time)
    lines.push(
      `SVI reaches the best loss of ${TITLES[baseline]} after ${time.tokens.mean.toFixed(2)} × its tokens ` +
        `(${span(time.tokens, (x) => x.toFixed(2))}) and ${time.seconds.mean.toFixed(2)} × its time ` +
        `(${TITLES[time.method]}): ${time.seconds.mean <= 1 ? "it wins" : "it loses"} on time.`,
    );
  else if (short)
    lines.push("SVI loses on time: no schedule of it reached the baseline's best loss with every seed.");
  if (test)
    lines.push(
      `On the test text, without any tuning, it is ${qualityOf(test, words, methods, baseline)} than ` +
        `${TITLES[baseline]}, early-stopped, the best of the baselines: ${won(test)}.`,
    );
  lines.push(...partsOf(summary));
  if (summary.threeTimesEpochsRise)
    lines.push(
      `With three times the epochs its validation loss rises by ${(100 * summary.threeTimesEpochsRise.mean).toFixed(1)} % from its lowest point` +
        (summary.baselineThreeTimesEpochsRise
          ? `; the baseline's by ${(100 * summary.baselineThreeTimesEpochsRise.mean).toFixed(1)} %.`
          : "."),
    );
  if (summary.defaultVsTuned)
    lines.push(
      `Its defaults are ${change(summary.defaultVsTuned.mean, "better", "worse")} than its tuned self in test nll.`,
    );
  return lines.length > 0 ? lines : ["SVI has not been run yet: there is nothing to compare."];
}

/** Against dropout, what the noise is worth, and calibration: a line each. */
function partsOf({ testNllVsDropout, withoutNoise, eceScaled, eceVsUndropped, eceFloor }: Summary): string[] {
  const lines: string[] = [];
  if (testNllVsDropout)
    lines.push(
      `Against the best with dropout its test nll is ${change(testNllVsDropout.mean, "lower", "higher")}: ` +
        `${won(testNllVsDropout)}.`,
    );
  if (withoutNoise)
    lines.push(
      `What the noise is worth: with it the test nll is ${change(withoutNoise.mean, "lower", "higher")} than without, ` +
        `both tuned${eceScaled ? `; the calibration error is ${eceScaled.mean.toFixed(2)} × as large, both at their own temperature` : ""}.`,
    );
  if (eceVsUndropped)
    lines.push(
      `Its calibration error is ${eceVsUndropped.mean.toFixed(2)} × that of the best baseline without dropout ` +
        `(${span(eceVsUndropped, (x) => x.toFixed(2))}): ${eceVsUndropped.mean <= 1 ? "it is better calibrated" : "it is worse calibrated"}.` +
        (eceFloor === null
          ? ""
          : ` On this much text a model without any error of calibration would measure about ${eceFloor.toFixed(4)}.`),
    );
  return lines;
}

function won({ mean }: Interval): string {
  return mean <= 1 ? "it wins" : "it loses";
}

/** Bits for characters, perplexity for words. */
function qualityOf(
  test: Interval,
  words: boolean,
  methods: readonly MethodRuns[],
  baseline: MethodName,
): string {
  if (!words) return `${change(test.mean, "better", "worse")} (bits)`;
  const at = (name: MethodName) =>
    mean(methods.find((m) => m.name === name)!, (r) => testFigures(r).perplexity);
  return `${change(at("ivon") / at(baseline), "better", "worse")} (perplexity)`;
}

function tuningTable(methods: readonly MethodRuns[]): string[][] {
  const rows = methods.flatMap(({ name, tuning }) =>
    tuning.map(({ axis, best, trials, inside }) => [
      TITLES[name],
      axis,
      trials
        .map(({ value, score }) => `${digits(value)}: ${score === null ? "none" : score.toFixed(4)}`)
        .join(", "),
      `${digits(best)}${inside ? "" : " (on the edge)"}`,
    ]),
  );
  return [["method", "of", "tried, with the best validation nll", "taken"], ...rows];
}

function digits(value: number): string {
  return String(Number(value.toPrecision(3)));
}
