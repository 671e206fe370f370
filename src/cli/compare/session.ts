/** @module A comparison on one text: runs found or made, step costs, and what came of them. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { ALSO, type Also, METHOD_NAMES, type MethodName } from "../../comparison/methods.ts";
import { type Budget, Comparison, type MethodRuns, NotRun } from "../../comparison/protocol.ts";
import type { Compared, LabelledRun } from "../../comparison/report.ts";
import type { RunRecord, Setting, Shape, Texts } from "../../comparison/run.ts";
import { COST_NAMES, measureStepCosts } from "../../comparison/stepCosts.ts";
import type { StepCosts } from "../../comparison/summary.ts";
import { writeFileAtomically } from "../../entries/node.ts";
import { makeFolder } from "../../formats/file.ts";
import { configureModel } from "../../model/configuration.ts";
import { layoutOf } from "../../model/layout.ts";
import type { Pool } from "./pool.ts";
import { keyHash, type RunKey, type RunStore } from "./store.ts";
import { openTexts, type TextsSpec } from "./texts.ts";

export interface Subject {
  readonly name: string;
  readonly kind: Compared["kind"];
  readonly texts: TextsSpec;
  readonly shape: Shape;
  /** Methods besides those that every comparison has; none by default. */
  readonly also?: readonly Also[];
  /** Its tokens may be a fraction of an epoch: `tokens` null means `epochs` times the training text. */
  readonly budget: Omit<Budget, "tokens"> & { readonly tokens: number | null; readonly epochs?: number };
}

/** Runs that the headline stands on go first, and the longest last, should there be no time for all. */
const FIRST = ["sgd", "adam", "ivon", "ivon-short", "target"];
/** Steps of every method that its cost is measured with. */
const COST_ROUNDS = 60;

/** The texts of a subject, and what makes a run on them, or finds it: undefined where there is neither. */
export async function openSubject(
  { name, texts, shape }: Subject,
  pool: Pool | null,
  store: RunStore,
  signal?: AbortSignal,
): Promise<{
  opened: Texts;
  fingerprints: readonly string[];
  keyOf: (setting: Setting) => RunKey;
  make: (setting: Setting, label: string, rank: number) => Promise<RunRecord | null | undefined>;
}> {
  const opened = await openTexts(texts, signal);
  const corpora = [opened.train, opened.valid, opened.test];
  const fingerprints = await Promise.all(corpora.map((corpus) => corpus.fingerprint()));
  const { curveTokens, sampledTokens } = texts;
  const keyOf = (setting: Setting) => ({ texts: fingerprints, curveTokens, sampledTokens, shape, setting });
  const make = (setting: Setting, label: string, rank: number) => {
    const key = keyOf(setting);
    return pool ? pool.run({ texts, shape, setting }, key, `${name}: ${label}`, rank) : store.read(key);
  };
  return { opened, fingerprints, keyOf, make };
}

/**
 * @param pool null makes no run: what is not at hand is left out
 * @param folder of what is kept besides the runs
 */
export async function compareOn(
  subject: Subject,
  {
    pool,
    store,
    folder,
    done,
    signal,
  }: {
    pool: Pool | null;
    store: RunStore;
    folder: string;
    done?: (runs: MethodRuns) => void;
    signal?: AbortSignal;
  },
): Promise<Compared> {
  const { shape, name, kind } = subject;
  const { opened, fingerprints, keyOf, make } = await openSubject(subject, pool, store, signal);
  const tokens = subject.budget.tokens ?? Math.round((subject.budget.epochs ?? 1) * opened.train.tokens);
  const runs: LabelledRun[] = [];
  const run = async (setting: Setting, label: string) => {
    const rank = setting.tokens > tokens ? 2 : FIRST.some((method) => label.startsWith(`${method} `)) ? 0 : 1;
    const record = await make(setting, label, rank);
    if (record === undefined) throw new NotRun(label);
    runs.push({ label, key: keyHash(keyOf(setting)), setting, record });
    return record;
  };
  const budget: Budget = { ...subject.budget, tokens };
  const { also = [] } = subject;
  const methods = await new Comparison(run, budget, also).all(done);
  const wanted = METHOD_NAMES.filter(
    (method) =>
      !(ALSO as readonly MethodName[]).includes(method) || (also as readonly MethodName[]).includes(method),
  );
  const order = new Map<MethodName, number>(METHOD_NAMES.map((method, i) => [method, i]));
  methods.sort((a, b) => order.get(a.name)! - order.get(b.name)!);
  const vocabulary = opened.train.tokenizer.vocabularySize;
  return {
    name,
    kind,
    shape,
    vocabulary,
    parameters: layoutOf(configureModel(vocabulary, shape)).parameters,
    tokens: { train: opened.train.tokens, valid: opened.valid.tokens, test: opened.test.tokens },
    budget: tokens,
    runs: runs.toSorted((a, b) => (placeOf(a) < placeOf(b) ? -1 : 1)),
    methods,
    missing: wanted.filter((method) => !methods.some((runs) => runs.name === method)),
    costs: await costsOf(folder, fingerprints[0], shape, () =>
      measureStepCosts(opened.train, shape, COST_ROUNDS, signal),
    ),
  };
}

/** Labels repeat where a rate is tuned twice; runs are found in any order, and reported in one. */
function placeOf({ label, setting }: LabelledRun): string {
  return label + JSON.stringify(setting);
}

/** Measured once for a text and a shape: a report that is made again has the same clock. */
export async function costsOf(
  folder: string,
  fingerprint: string,
  shape: Shape,
  measure: () => Promise<StepCosts>,
): Promise<StepCosts> {
  const name = createHash("sha256")
    .update(JSON.stringify([fingerprint, shape]))
    .digest("hex")
    .slice(0, 16);
  const path = join(folder, `costs-${name}.json`);
  const found: Partial<StepCosts> = JSON.parse(await readFile(path, "utf8").catch(() => "{}"));
  if (COST_NAMES.every((cost) => found[cost] !== undefined)) return found as StepCosts;
  const costs = await measure();
  await makeFolder(folder);
  await writeFileAtomically(path, new TextEncoder().encode(JSON.stringify(costs)));
  return costs;
}
