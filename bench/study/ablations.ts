/** @module IVON with one of its parts changed at a time: which of them pay, on which text. */
import { join } from "node:path";
import type { Pool } from "../../src/cli/compare/pool.ts";
import { openSubject, type Subject } from "../../src/cli/compare/session.ts";
import type { RunStore } from "../../src/cli/compare/store.ts";
import type { MethodSpec, RunRecord } from "../../src/comparison/run.ts";
import { average } from "../../src/comparison/statistics.ts";
import { testFigures } from "../../src/comparison/summary.ts";
import { writeFileAtomically } from "../../src/entries/node.ts";

type Ivon = Extract<MethodSpec, { kind: "ivon" }>;

const ALIKE = { embedding: 1, input: 1, recurrent: 1, output: 1 };
/** Each is `ivon()` but for what it names. */
const VARIANTS: readonly (readonly [
  name: string,
  options: Omit<Ivon, "kind">,
  extra?: { averaging: number },
])[] = [
  ["`ivon()`", {}],
  ["all rows move alike (strides of 1)", { strides: ALIKE }],
  ["h even, at 0.003 (no rows, no level)", { h0: 0.003, probe: 0 }],
  ["noise may cost 0.005 nats", { noiseCost: 0.005 }],
  ["noise may cost 0.02 nats", { noiseCost: 0.02 }],
  ["noise may cost 0.1 nats", { noiseCost: 0.1 }],
  ["no noise to speak of", { noiseCost: 1e-9 }],
  ["gradients at the mean (`noise: false`)", { noise: false }],
  ["noise at full strength from the first step that may have it", { noiseRamp: 0 }],
  ["noise that rises over 30 %", { noiseRamp: 0.3 }],
  ["prior N(0, 1)", { prior: { kind: "gaussian", scale: 1 } }],
  ["momentum 0.9", { beta1: 0.9 }],
  ["h hardly moves (β2 0.99999)", { beta2: 0.99999 }],
  ["two particles", { particles: 2 }],
  ["mean averaged over the last 20 %", {}, { averaging: 0.2 }],
];
const SEEDS = [1];

export interface Ablated {
  readonly name: string;
  readonly rows: readonly (readonly string[])[];
}

/** @param pool null makes no run: what is not at hand is left out */
export async function ablate(subject: Subject, pool: Pool | null, store: RunStore): Promise<Ablated> {
  const { name, budget } = subject;
  const { make } = await openSubject(subject, pool, store);
  const run = (variant: string, method: Ivon, seed: number, extra: object) => {
    const setting = { method, tokens: budget.tokens!, seed, points: budget.points, test: true, ...extra };
    return make(setting, `${variant} seed ${seed}`, 0);
  };
  const rows = await Promise.all(
    VARIANTS.map(async ([variant, options, extra = {}]) => {
      const records = await Promise.all(
        SEEDS.map((seed) => run(variant, { kind: "ivon", ...options }, seed, extra)),
      );
      return rowOf(variant, records);
    }),
  );
  return { name, rows: rows.flatMap((row) => row ?? []) };
}

function rowOf(variant: string, records: readonly (RunRecord | null | undefined)[]): string[][] | null {
  if (records.includes(undefined)) return null;
  if (records.includes(null)) return [[variant, "diverged", "", "", "", ""]];
  const mean = (of: (r: RunRecord) => number, digits = 4) =>
    average((records as RunRecord[]).map(of)).toFixed(digits);
  return [
    [
      variant,
      mean((r) => r.best.nll),
      mean((r) => r.test!.best.nll),
      mean((r) => testFigures(r).nll),
      mean((r) => r.test!.best.ece),
      mean((r) => testFigures(r).ece),
    ],
  ];
}

export async function writeAblations(
  ablated: readonly Ablated[],
  folder: string,
  command: string,
): Promise<void> {
  const head = ["variant", "best validation nll", "test nll, mean", "samples", "ECE, mean", "samples"];
  const line = (row: readonly string[]) => `| ${row.join(" | ")} |`;
  const tables = ablated.map(
    ({ name, rows }) =>
      `## ${name}\n\n${[line(head), `|${head.map(() => "---|").join("")}`, ...rows.map(line)].join("\n")}\n`,
  );
  const text = `# What pays in \`ivon()\`, and what does not

Written by \`${command}\`: the models, texts and lengths of [results.md](results.md), one part of \`ivon()\` changed at a time, seed ${SEEDS.join(", ")}: differences of a percent are within what seeds differ by. "mean" is the mean of the weights, "samples" the posterior's predictive distribution, 16 samples averaged.

${tables.join("\n")}`;
  await writeFileAtomically(join(folder, "ablations.md"), new TextEncoder().encode(text));
}
