/** @module Writes what the study found: results.json, results.md with plots beside it, results.html. */
import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { corpusPlots, htmlReport } from "../../src/comparison/html.ts";
import { standalone } from "../../src/comparison/plot.ts";
import type { Compared, CorpusReport } from "../../src/comparison/report.ts";
import type { RunRecord } from "../../src/comparison/run.ts";
import type { Interval } from "../../src/comparison/statistics.ts";
import { PREDICTIVE_SAMPLES } from "../../src/comparison/testing.ts";
import { writeFileAtomically } from "../../src/entries/node.ts";

export interface Finished {
  readonly id: string;
  readonly compared: Compared;
  readonly report: CorpusReport;
}

const TITLE = "SVI against maximum likelihood, measured";
const LEAD =
  "Every method has the same model, text, seeds and number of tokens, and is tuned by the same protocol. " +
  "What a run is judged by is its lowest validation loss: early stopping is open to all. IVON is judged without any tuning.";

export async function writeResults(
  finished: readonly Finished[],
  folder: string,
  command: string,
): Promise<void> {
  const write = (name: string, text: string) =>
    writeFileAtomically(join(folder, name), new TextEncoder().encode(text));
  const reports = finished.map(({ report }) => report);
  await mkdir(join(folder, "results"), { recursive: true });
  await write("results.json", json(finished, await racesOf(folder)));
  await write("results.html", htmlReport({ title: TITLE, lead: LEAD, corpora: reports }));
  const pictures = new Map<string, string[]>();
  for (const { id, report } of finished) {
    const names: string[] = [];
    for (const [i, svg] of corpusPlots(report).entries()) {
      names.push(`results/${id}-${i + 1}.svg`);
      await write(names[i], standalone(svg));
    }
    await removeOthers(folder, id, names);
    pictures.set(id, names);
  }
  await write("results.md", markdown(finished, pictures, command));
}

/** Plots of an earlier report that this one has not. */
async function removeOthers(folder: string, id: string, names: readonly string[]): Promise<void> {
  const there = (await readdir(join(folder, "results"))).map((name) => `results/${name}`);
  for (const name of there)
    if (name.startsWith(`results/${id}-`) && !names.includes(name)) await rm(join(folder, name));
}

/** What `npm run bench:race` measured, by the ids of texts: ratios of wall clock. */
export type Races = Readonly<Record<string, { readonly seconds: number; readonly chromium: number | null }>>;
export const RACES = "race.json";

async function racesOf(folder: string): Promise<Races> {
  const text = await readFile(join(folder, RACES), "utf8").catch(() => null);
  return text === null ? {} : JSON.parse(text).races;
}

function json(finished: readonly Finished[], races: Races): string {
  const corpora = finished.map(({ id, report, compared }) => {
    const { summary, name } = report;
    return {
      name,
      model: report.setting,
      timeToTarget: summary?.timeToTarget
        ? { tokens: summary.timeToTarget.tokens.mean, seconds: summary.timeToTarget.seconds.mean }
        : null,
      baseline: summary?.baseline ?? null,
      testNllVsBaseline: meanOf(summary?.testNllVsBaseline),
      testNllVsUndropped: meanOf(summary?.testNllVsUndropped),
      testNllVsDropout: meanOf(summary?.testNllVsDropout),
      eceVsUndropped: meanOf(summary?.eceVsUndropped),
      threeTimesEpochsRise: meanOf(summary?.threeTimesEpochsRise),
      withoutNoise: meanOf(summary?.withoutNoise),
      eceScaled: meanOf(summary?.eceScaled),
      defaultVsTuned: meanOf(summary?.defaultVsTuned),
      ...(races[id] ? { race: { seconds: races[id].seconds, chromium: races[id].chromium } } : {}),
      intervals: summary,
      stepCosts: compared.costs,
      missing: report.missing,
    };
  });
  // Settings stand as they are: their last digit decides bits.
  const runs = finished.flatMap(({ report, compared }) =>
    compared.runs.map(({ record, ...run }) =>
      JSON.stringify({
        corpus: report.name,
        ...run,
        ...JSON.parse(JSON.stringify(compact(record), rounded)),
      }),
    ),
  );
  return `{"corpora":${JSON.stringify(corpora, rounded, 1)},\n"runs":[\n${runs.join(",\n")}\n]}\n`;
}

/** Short enough to read, and long enough that no two points of a curve become one. */
function rounded(_: string, value: unknown): unknown {
  return typeof value === "number" && !Number.isInteger(value) ? Number(value.toPrecision(8)) : value;
}

function meanOf(interval: Interval | null | undefined): number | null {
  return interval?.mean ?? null;
}

/** Curves as rows of numbers. */
function compact(record: RunRecord | null) {
  if (!record) return { diverged: true };
  return { ...record, curve: record.curve.map(({ tokens, nll, noise }) => [tokens, nll, noise]) };
}

function markdown(
  finished: readonly Finished[],
  pictures: ReadonlyMap<string, readonly string[]>,
  command: string,
): string {
  return `# ${TITLE}

Written by \`${command}\`; the figures behind it are in [results.json](results.json), and [results.html](results.html) is the same to open in a browser. ${LEAD}

${summaryTable(finished)}

Ratios are of SVI over the baseline, the mean over paired seeds with the 95 % interval of their bootstrap. The baseline is the one with the lowest validation loss of all that one run gives: SGD, Adam, AdamW and MAP, with and without variational dropout and an average of the weights, early-stopped; its name stands in each table. "Without noise" is tuned IVON over the same without noise, tuned as well, and their calibration errors after temperature scaling of both. Time to target: tokens, and tokens times the ratio of step costs, until the baseline's lowest validation loss of the same seed is reached with at least half of the final noise on.

${PROTOCOL}
${finished.map(({ id, report }) => section(report, pictures.get(id) ?? [])).join("\n")}`;
}

const PROTOCOL = `## Protocol

- Every method has the same axes of tuning: the learning rate (four values, a factor of two apart), the momentum (three), the bound on the gradient's norm (0.03, 0.1, 0.3 and 1), one of its own (three), the learning rate again (around the one that stands: half, as much, twice), and for SGD, Adam, AdamW and MAP the length of the schedule. Of its own Bayes by Backprop has the temperature, tuned IVON the prior's scale, SGD and Adam nothing. Axes are tuned in this order, each on the best of what came before, with a seed of its own, by the lowest validation loss on the way. The steps of SGD and IVON are in proportion to the gradient: while the bound is tuned, their learning rate is scaled so that a clipped step stays as long. A grid is extended by its own factor until the best value has a worse one on both sides; the first grid of the learning rate until two worse ones lie above it, since a second valley may lie behind one of them. Six values are tried beyond a grid at most. Dropout starts from the better of SGD and Adam, and has four rates of dropout and the length.
- A trial reads half of a run's tokens. On the two texts that are read many times (Moby Dick's words five times and a half, 100,000 of its characters twenty times) trials are whole, since what serves half of the epochs overfits in all of them; SGD, Adam, dropout and Bayes by Backprop are tuned with a third of the run's tokens at first, then by length up to all of it, and where the length moves by the learning rate once more.
- AdamW has its weight decay as its own axis (0.3, 1, 3 and 10, which is 100 times the usual, each times a learning rate of thousandths; extended both ways), MAP by Adam the scale of its Gaussian prior. After the length, and the learning rate where the length moves, follows the decay of a moving average of the weights (none, 0.9, 0.97, 0.99, extended); "Adam, averaged" and "IVON, averaged" have that last axis alone. With dropout they start from what was tuned without it, and have the rate of dropout, their own axis again, the length and the average. "IVON without noise" has the axes of tuned IVON, and the average. "Four Adam runs" averages the predictions of four runs of tuned Adam, each at its own lowest point: a reference of four times the cost, which is not a target.
- "Temperature" is the one that suits the first 4,000 tokens of the tuning text best, of what a method is judged by: the predictive distribution of a posterior, the weights of a point estimate. What it makes of the test stands beside it.
- "IVON, no arguments" is not tuned at all. "IVON, short schedule" is the same with the shortest schedule that reaches the lowest loss of the best baseline on the tuning seed: half of the tokens that this one needed, 0.65, 0.8, as many, 1.25 or 1.5 times as many, as far as a run goes.
- All of a text's runs have the same first weights, batches and number of tokens for the same seed; the schedule is a cosine to 0.
- Test figures are of the weights at the lowest validation loss. Of a posterior they are of its predictive distribution, the probabilities of ${PREDICTIVE_SAMPLES} samples averaged; those of the mean of the weights alone stand in a line of their own. Curves, and what runs are tuned and stopped by, are of the mean.
- Step costs are medians of the ratio of neighbouring steps, all methods in turn on the text's own windows.
`;

function summaryTable(finished: readonly Finished[]): string {
  const head = [
    "text",
    "tokens to target",
    "time to target",
    "test nll / baseline",
    "test nll / undropped",
    "test nll / dropout",
    "ECE / undropped",
    "test nll, ECE / without noise",
    "rise in 3 × the epochs (baseline)",
    "default / tuned",
  ];
  const rows = finished.map(({ report: { name, summary } }) => [
    name + (summary?.overfits ? " (overfits)" : ""),
    spanned(summary?.timeToTarget?.tokens, 2),
    spanned(summary?.timeToTarget?.seconds, 2),
    spanned(summary?.testNllVsBaseline, 4),
    spanned(summary?.testNllVsUndropped, 4),
    spanned(summary?.testNllVsDropout, 4),
    spanned(summary?.eceVsUndropped, 2),
    `${spanned(summary?.withoutNoise, 4)}, ${spanned(summary?.eceScaled, 2)}`,
    `${percent(summary?.threeTimesEpochsRise)} (${percent(summary?.baselineThreeTimesEpochsRise)})`,
    spanned(summary?.defaultVsTuned, 4),
  ]);
  return table([head, ...rows]);
}

function spanned(interval: Interval | null | undefined, digits: number): string {
  if (!interval) return "–";
  const [mean, low, high] = [interval.mean, interval.low, interval.high].map((x) => x.toFixed(digits));
  return interval.values.length > 1 ? `${mean} (${low}…${high})` : mean;
}

function percent(interval: Interval | null | undefined): string {
  return interval ? `${(100 * interval.mean).toFixed(1)} %` : "–";
}

function section(report: CorpusReport, pictures: readonly string[]): string {
  const { name, setting, verdict, missing, table: rows, tuning } = report;
  return `## ${name}

${setting}.

${verdict.map((line) => `- ${line}`).join("\n")}
${missing.length ? `\nNot run yet: ${missing.join(", ")}.\n` : ""}
${table(rows)}

${pictures.map((path) => `![](${path})`).join("\n")}

Tuning:

${table(tuning)}
`;
}

function table([head, ...rows]: readonly (readonly string[])[]): string {
  const line = (row: readonly string[]) => `| ${row.join(" | ")} |`;
  return [line(head), `|${head.map(() => "---|").join("")}`, ...rows.map(line)].join("\n");
}
