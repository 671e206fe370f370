/**
 * @module Maximum likelihood, tuned and with dropout, against variational inference, on one task of pairs: the figures
 * of all sentences, and the error of the 80 % that each model is surest of.
 */
import { performance } from "node:perf_hooks";
import type { LanguageModel } from "../../src/entries/index.ts";
import { type Translation, translateAll } from "../../src/entries/translation.ts";
import type { Flags } from "./flags.ts";
import { modelOf, type Setting, type Texts, tuned } from "./models.ts";

export interface Sentence {
  readonly source: string;
  /** What counts as right, at least one. */
  readonly references: readonly string[];
}

export interface Task extends Omit<Texts, "sources"> {
  readonly test: readonly Sentence[];
  /** Figures in per cent, by name; the first is the error whose fall is told for the surest sentences. */
  figures(hypotheses: readonly string[], sentences: readonly Sentence[]): Record<string, number>;
}

const SUREST = 0.8;
const WAYS = ["mle", "ivonMean", "ivonSamples"] as const;

interface Outcome {
  readonly figures: Record<string, number>;
  /** Error of the surest, and how much lower it is than that of all, in per cent. */
  readonly surest: number;
  readonly lower: number;
  readonly tokensPerSecond: number;
}

/** Log-probability a token: what orders sentences from the surest to the least sure. */
const sureness = ({ logProbability, tokens }: Translation) => logProbability / Math.max(1, tokens);

async function outcomeOf(model: LanguageModel, task: Task, flags: Flags, samples: number): Promise<Outcome> {
  const { beam, kernels } = flags;
  const found: Translation[] = [];
  const began = performance.now();
  const sources = task.test.map(({ source }) => source);
  for await (const each of translateAll(model, sources, { beam, samples, kernels, strict: true }))
    found.push(each as Translation);
  const seconds = (performance.now() - began) / 1000;
  const texts = found.map(({ text }) => text);
  const figures = task.figures(texts, task.test);
  const order = found.map((_, i) => i).sort((a, b) => sureness(found[b]) - sureness(found[a]));
  const some = order.slice(0, Math.ceil(SUREST * order.length));
  const [error] = Object.keys(figures);
  const surest = task.figures(
    some.map((i) => texts[i]),
    some.map((i) => task.test[i]),
  )[error];
  const tokens = found.reduce((sum, each) => sum + each.tokens, 0);
  const lower = figures[error] > 0 ? 100 * (1 - surest / figures[error]) : 0;
  return { figures, surest, lower, tokensPerSecond: (beam * tokens) / seconds };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Half the distance between the lowest and the highest, which three seeds give no better figure of. */
function spread(values: readonly number[]): number {
  return (Math.max(...values) - Math.min(...values)) / 2;
}

export async function compare(task: Task, flags: Flags): Promise<void> {
  const { seeds, samples, note } = flags;
  const pairs = [...task.train, ...task.valid].map(([source]) => source);
  const texts: Texts = { ...task, sources: [...pairs, ...task.test.map(({ source }) => source)] };
  note(
    `${task.name}: ${task.train.length} pairs to train on, ${task.valid.length} to tune, ${task.test.length} to test`,
  );
  const mle = await tuned(texts, flags, "adam", seeds[0]);
  const svi = await tuned(texts, flags, "ivon", seeds[0]);
  const outcomes: Record<string, Outcome[]> = { mle: [], ivonMean: [], ivonSamples: [] };
  for (const seed of seeds)
    for (const [setting, ways] of [
      [mle, { mle: 0 }],
      [svi, { ivonMean: 0, ivonSamples: samples }],
    ] as const) {
      const model = await modelOf(texts, flags, setting, seed);
      for (const [way, count] of Object.entries(ways)) {
        const outcome = await outcomeOf(model, task, flags, count);
        outcomes[way].push(outcome);
        note(`${task.name} ${way} seed ${seed}: ${shown(outcome)}`);
      }
      model.dispose();
    }
  report(task, { mle, svi }, outcomes, flags);
  await flags.kernels?.dispose();
}

function shown({ figures, surest, lower, tokensPerSecond }: Outcome): string {
  const own = Object.entries(figures).map(([name, value]) => `${name} ${value.toFixed(2)}`);
  return [
    ...own,
    `surest 80 %: ${surest.toFixed(2)} (${lower.toFixed(1)} % lower)`,
    `${tokensPerSecond.toFixed(0)} target tokens a second × beam`,
  ].join(", ");
}

function report(
  task: Task,
  { mle, svi }: Readonly<Record<"mle" | "svi", Setting>>,
  outcomes: Record<string, Outcome[]>,
  flags: Flags,
): void {
  const names = Object.keys(outcomes.mle[0].figures);
  const rows: Record<string, Record<string, number>> = {};
  for (const way of WAYS) {
    const of = (value: (outcome: Outcome) => number) => mean(outcomes[way].map(value));
    rows[way] = {
      ...Object.fromEntries(names.map((name) => [name, of(({ figures }) => figures[name])])),
      surest: of(({ surest }) => surest),
      surestLower: of(({ lower }) => lower),
      tokensPerSecond: of(({ tokensPerSecond }) => tokensPerSecond),
    };
  }
  if (flags.json) {
    const { learningRate, dropout } = mle;
    console.log(
      JSON.stringify({
        task: task.name,
        seeds: flags.seeds,
        tuned: { learningRate, dropout },
        ivon: { learningRate: svi.learningRate },
        rows,
      }),
    );
    return;
  }
  const columns = [...names, "surest 80 %", "lower by"];
  console.log(`\n| ${task.name} | ${columns.join(" | ")} |\n|---|${columns.map(() => "---").join("|")}|`);
  for (const way of WAYS) {
    const cells = names.map((name) => {
      const values = outcomes[way].map(({ figures }) => figures[name]);
      return `${mean(values).toFixed(2)} ± ${spread(values).toFixed(2)}`;
    });
    const { surest, surestLower } = rows[way];
    console.log(`| ${way} | ${[...cells, surest.toFixed(2), `${surestLower.toFixed(1)} %`].join(" | ")} |`);
  }
  console.log(
    `\nMeans over seeds ${flags.seeds.join(", ")} ± half their range; mle: adam ${mle.learningRate}, dropout ${mle.dropout}; ivon ${svi.learningRate}`,
  );
}
