/** @module A text's table: every method's figures as a person reads them. */
import { TITLES } from "./methods.ts";
import type { MethodRuns } from "./protocol.ts";
import type { Figures, RunRecord } from "./run.ts";
import { average } from "./statistics.ts";
import { type StepCosts, type Summary, testFigures } from "./summary.ts";
import { costOf, group } from "./wording.ts";

const HEAD = [
  "ECE",
  "Brier",
  "temperature",
  "ECE at it",
  "nll at it",
  "entropy gap",
  "best validation nll",
  "at tokens",
  "step cost",
];

/** A line a method; of one with a posterior another, for the mean of the weights alone. */
export function tableOf(
  methods: readonly MethodRuns[],
  summary: Summary | null,
  words: boolean,
  costs: StepCosts | null,
): string[][] {
  const rows = methods.flatMap((runs) => {
    const records = runs.runs.flatMap(({ record }) => record ?? []);
    const tested = records.length > 0 && records.every((r) => r.test);
    const title = TITLES[runs.name] + (runs.name === summary?.baseline ? " (the baseline)" : "");
    const gap = tested ? spread(records, (r) => r.test!.best.entropyGap, 3) : "–";
    const own = [
      ...tempered(tested ? records : []),
      gap,
      ...learnt(records),
      costs ? costOf(costs, runs.name).toFixed(3) : "–",
    ];
    const whole = [title, ...figures(tested ? records : [], testFigures, words), ...own];
    if (!tested || !records.every((r) => r.test!.best.predictive)) return [whole];
    const mean = figures(records, (r) => r.test!.best, words);
    return [whole, [`${title}: mean of the weights`, ...mean, ...own.map(() => "")]];
  });
  return [["method", "test nll", words ? "perplexity" : "bits a token", ...HEAD], ...rows];
}

function figures(records: readonly RunRecord[], of: (r: RunRecord) => Figures, words: boolean): string[] {
  return [
    spread(records, (r) => of(r).nll, 4),
    spread(records, (r) => (words ? of(r).perplexity : of(r).nll / Math.LN2), words ? 1 : 4),
    spread(records, (r) => of(r).ece, 4),
    spread(records, (r) => of(r).brier, 4),
  ];
}

/** What temperature scaling comes to. */
function tempered(records: readonly RunRecord[]): string[] {
  const scaled = records.flatMap((r) => r.test!.best.scaled ?? []);
  if (scaled.length < records.length) return ["–", "–", "–"];
  return [
    ranged(
      scaled.map((s) => s.temperature),
      3,
    ),
    ranged(
      scaled.map((s) => s.ece),
      4,
    ),
    ranged(
      scaled.map((s) => s.nll),
      4,
    ),
  ];
}

/** The lowest point of the curve, and where it was. */
function learnt(records: readonly RunRecord[]): string[] {
  if (records.length === 0) return ["diverged", "–"];
  return [spread(records, (r) => r.best.nll, 4), group(average(records.map((r) => r.best.tokens)))];
}

/** Mean and, of several, half of the range. */
function spread(records: readonly RunRecord[], of: (r: RunRecord) => number, digits: number): string {
  return ranged(records.map(of), digits);
}

function ranged(values: readonly number[], digits: number): string {
  if (values.length === 0) return "–";
  const half = (Math.max(...values) - Math.min(...values)) / 2;
  return `${average(values).toFixed(digits)}${values.length > 1 ? ` ± ${half.toFixed(digits)}` : ""}`;
}
