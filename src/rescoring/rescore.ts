/** @module Candidate lists in a new order: a recogniser's or translator's scores beside a language model's. */
import { requireChoice, requireNumber, SviError, wrongOption } from "../errors.ts";
import { drive } from "../kernels/slices.ts";
import type { Slices } from "../kernels/tape.ts";
import { type Interval, interval, resampled } from "../metrics/bootstrap.ts";
import { log } from "../metrics/elementary.ts";
import { type Kinds, requireOptions } from "../options.ts";
import { type Choice, choose } from "./choose.ts";
import { type CandidateList, isMeasurable, LARGEST, type RankedCandidate, type RankedList } from "./lists.ts";
import { probabilitiesOf } from "./probabilities.ts";
import { requireReferences } from "./references.ts";
import { tuneRisk } from "./risk.ts";
import type { ScoredText, Scorer } from "./scorer.ts";
import {
  bestOf,
  type ErrorTable,
  errorTable,
  type Known,
  type Table,
  tableOf,
  totalOf,
  wordsOf,
} from "./table.ts";
import { tune } from "./tune.ts";

/**
 * By the name of a score; `logProbability` is the language model's, `words` the number of words, `unknown` of unknown
 * ones; `logProbability2` and `unknown2` are a second model's; `unseen` is the number of words outside of `vocabulary`.
 */
export type Weights = Readonly<Record<string, number>>;

export interface RescoreOptions {
  /** What is not named weighs 0; by default the lists' scores 1, the log-probabilities 0.3 together. */
  readonly weights?: Weights;
  /** What was said, by the lists' ids: errors are counted, and reported. */
  readonly references?: ReadonlyMap<string, string>;
  /** Whether weights are tuned for the fewest errors against `references`. */
  readonly tune?: boolean;
  /** "best" takes the highest total, the default; "mbr" the least expected errors over candidates and samples. */
  readonly choice?: "best" | "mbr";
  /** What totals are multiplied by before they become probabilities; found by tuning, else 1. */
  readonly scale?: number;
  /**
   * The same where "mbr" seeks the least expected errors: sharper probabilities make fewer errors than true ones. Found
   * by tuning, else `scale`.
   */
  readonly riskScale?: number;
  /** What the scorer is given for a candidate: itself by default. */
  readonly normalise?: (text: string) => string;
  /** Words that are known: those of a candidate, normalised, that are not among them are its score `unseen`. */
  readonly vocabulary?: ReadonlySet<string>;
  readonly signal?: AbortSignal;
}

const OPTIONS: Kinds<RescoreOptions> = {
  weights: "object",
  references: "object",
  tune: "boolean",
  choice: "string",
  scale: "number",
  riskScale: "number",
  normalise: "function",
  vocabulary: "object",
  signal: "signal",
};

/** A list in its new order. */
export interface RescoredList extends RankedList {
  readonly best: string;
  /** The chosen candidate's total. */
  readonly score: number;
  /** Its probability among the candidates. */
  readonly confidence: number;
  /** Word errors to be expected of it, a word: give the lists with the highest to a person. */
  readonly uncertainty: number;
}

export interface Rescoring {
  readonly lists: readonly RescoredList[];
  readonly weights: Weights;
  readonly scale: number;
  /** Where "mbr" chose. */
  readonly riskScale: number | null;
  /** Candidates with unknown words or symbols, and how many those are. */
  readonly unknown: { readonly candidates: number; readonly symbols: number };
  /** Where references are known. */
  readonly errors: RescoringErrors | null;
}

/** Word error rates in per cent. */
export interface RescoringErrors {
  readonly wer: number;
  readonly interval: Interval;
  /** Of the candidates that came first, and of the best there are. */
  readonly first: number;
  readonly oracle: number;
  /** Of the four fifths of the lists that are surest. */
  readonly surest: number;
  /** References without a list: their words are counted as deletions. */
  readonly missing: readonly string[];
}

/**
 * Reorders candidate lists: total = Σ weight × score + Σ weight × log-probability + weight × words.
 *
 * `rescore(lists, modelScorer(model), { references, tune: true })` → `{ lists, weights, errors: { wer: 16.1, … } }`
 * @param scorer of one model, or of several that are weighed side by side; null for the lists' own scores alone
 * @throws SviError `E_OPTION`; `E_FORMAT` for a list that is empty, or has no reference where there are some; as the
 *   scorer throws
 */
export async function rescore(
  lists: readonly CandidateList[],
  scorer: Scorer | readonly Scorer[] | null,
  options: RescoreOptions = {},
): Promise<Rescoring> {
  requireOptions("rescore", options, OPTIONS);
  requireLists(lists);
  const { references, vocabulary, normalise = (text) => text } = options;
  if (references) requireReferences(lists, references);
  const models: Known["models"][number][] = [];
  if (typeof vocabulary?.has !== "function" && vocabulary !== undefined)
    throw wrongOption("vocabulary", vocabulary, "a Set of words");
  for (const each of scorersOf(scorer)) models.push(await scoreTexts(lists, each, options));
  const unseen = (text: string) => wordsOf(normalise(text)).filter((word) => !vocabulary!.has(word)).length;
  const table = tableOf(lists, { models, unseen: vocabulary ? unseen : null });
  return drive(weigh(lists, table, options), options.signal);
}

function scorersOf(scorer: Scorer | readonly Scorer[] | null): Scorer[] {
  const scorers = scorer === null ? [] : [scorer].flat();
  const wrong = scorers.find((each) => typeof each !== "function");
  if (scorers.every((each) => typeof each === "function")) return scorers;
  throw wrongOption("scorer", wrong, "modelScorer(model), several such, or null", "A scorer");
}

/** Tuning and choosing, with a pause after every list and every line that is searched. */
function* weigh(lists: readonly CandidateList[], table: Table, options: RescoreOptions): Slices<Rescoring> {
  const { references, choice = "best" } = options;
  requireChoice("choice", choice, ["best", "mbr"]);
  const counted = references && (yield* errorTable(lists, references));
  const { weights, scale } = yield* settle(table, counted, options);
  let riskScale = choice === "mbr" ? (options.riskScale ?? scale) : null;
  if (choice === "mbr" && options.riskScale === undefined && options.tune && counted)
    riskScale = yield* tuneRisk(lists, table, counted, weights);
  const chosen: Choice[] = [];
  for (const [l, list] of lists.entries()) {
    chosen.push(choose(list, table.rows[l], table.columns, weights, scale, riskScale));
    yield;
  }
  const unknown = table.rows.flat().map((row) => row.unknown);
  return {
    lists: lists.map((list, l) => ordered(list, chosen[l], table, l)),
    weights: Object.fromEntries(table.names.map((name, f) => [name, weights[f]])),
    scale,
    riskScale,
    unknown: {
      candidates: unknown.filter((count) => count > 0).length,
      symbols: unknown.reduce((sum, count) => sum + count, 0),
    },
    errors: counted && references ? errorsOf(lists, chosen, counted, references) : null,
  };
}

function requireLists(lists: readonly CandidateList[]): void {
  if (!Array.isArray(lists) || lists.length === 0)
    throw new SviError("E_OPTION", "There are no lists", {
      option: "lists",
      value: lists,
      remedy: "Give lists",
    });
  for (const list of lists)
    if (!Array.isArray(list?.candidates))
      throw wrongOption("lists", list, "lists, of { id, candidates }", "A list");
  const empty = lists.find(({ candidates }) => candidates.length === 0);
  if (empty)
    throw new SviError("E_FORMAT", `The list ${JSON.stringify(empty.id)} is empty`, {
      value: empty.id,
      remedy: "Give every list a candidate",
    });
  const ids = new Set<string>();
  for (const { id } of lists) {
    if (ids.has(id))
      throw new SviError("E_FORMAT", `The list ${JSON.stringify(id)} is there twice`, {
        value: id,
        remedy: "Give every list once",
      });
    ids.add(id);
  }
}

/** Every text once, however often it is a candidate. */
async function scoreTexts(
  lists: readonly CandidateList[],
  scorer: Scorer,
  { normalise = (text) => text, signal }: RescoreOptions,
): Promise<(text: string) => ScoredText> {
  const texts = new Set(lists.flatMap(({ candidates }) => candidates.map(({ text }) => normalise(text))));
  const scores = await scorer([...texts], signal);
  if (scores?.length !== texts.size)
    throw new SviError(
      "E_OPTION",
      `The scorer gave ${scores?.length ?? "no"} scores for ${texts.size} texts`,
      {
        option: "scorer",
        value: scores?.length,
        remedy: "Give a scorer that answers for every text, in their order",
      },
    );
  const byText = new Map([...texts].map((text, i) => [text, scores[i]]));
  return (text) => byText.get(normalise(text))!;
}

function* settle(
  table: Table,
  counted: ErrorTable | undefined,
  options: RescoreOptions,
): Slices<{ weights: readonly number[]; scale: number }> {
  const given = options.weights ?? {};
  const wrong = Object.keys(given).find((name) => !table.names.includes(name));
  if (wrong !== undefined)
    throw new SviError("E_OPTION", `weights names ${JSON.stringify(wrong)}`, {
      option: "weights",
      value: wrong,
      remedy: `The scores are ${table.names.join(", ")}`,
    });
  const bad = Object.entries(given).find(([, weight]) => !isMeasurable(weight));
  if (bad)
    throw new SviError("E_OPTION", `weights.${bad[0]} is ${bad[1]}`, {
      option: "weights",
      value: bad[1],
      remedy: `Give numbers up to ${LARGEST}`,
    });
  for (const name of ["scale", "riskScale"] as const)
    if (options[name] !== undefined)
      requireNumber(name, options[name], `a number from 0 to ${LARGEST}`, (v) => v >= 0 && v <= LARGEST);
  const start = table.names.map((name) => given[name] ?? (options.weights ? 0 : defaultWeight(table, name)));
  if (!options.tune) return { weights: start, scale: options.scale ?? 1 };
  if (!counted)
    throw new SviError("E_OPTION", "tune is true without references", {
      option: "tune",
      remedy: "Give references to tune for",
    });
  const { weights } = yield* tune(table, counted, start, idle(table));
  return { weights, scale: options.scale ?? (yield* calibrate(table, counted, weights)) };
}

function defaultWeight({ names, columns }: Table, name: string): number {
  if (columns.includes(names.indexOf(name))) return 0.3 / columns.length;
  return /^(words|unknown\d*|unseen)$/.test(name) ? 0 : 1;
}

/** Features that never differ within a list cannot be tuned. */
function idle({ names, rows }: Table): number[] {
  return names.flatMap((_, f) =>
    rows.every((list) => list.every(({ values }) => values[f] === list[0].values[f])) ? [f] : [],
  );
}

/** The scale that makes the candidates with the fewest errors likeliest. */
function* calibrate(table: Table, { errors }: ErrorTable, weights: readonly number[]): Slices<number> {
  const own = table.columns.map((column) => weights[column]);
  let best = { scale: 1, likelihood: Number.NEGATIVE_INFINITY };
  for (let scale = 1 / 64; scale <= 8; scale *= 1.25) {
    let likelihood = 0;
    for (const [l, rows] of table.rows.entries()) {
      const totals = rows.map(({ values }) => totalOf(values, weights));
      const fewest = Math.min(...errors[l]);
      const probability = probabilitiesOf(rows, totals, own, scale).reduce(
        (sum, p, i) => (errors[l][i] === fewest ? sum + p : sum),
        0,
      );
      likelihood += log(Math.max(probability, 1e-300));
    }
    if (likelihood > best.likelihood) best = { scale, likelihood };
    yield;
  }
  return best.scale;
}

/** The chosen candidate first, the others by their totals. */
function ordered(
  list: CandidateList,
  choice: Choice,
  { names, columns, rows }: Table,
  l: number,
): RescoredList {
  const order = list.candidates.map((_, i) => i);
  const first = (i: number) => (i === choice.best ? 1 : 0);
  order.sort((a, b) => first(b) - first(a) || choice.totals[b] - choice.totals[a] || a - b);
  const [column, ...others] = columns;
  const pick = (chosen: readonly number[], values: readonly number[]) =>
    Object.fromEntries(chosen.map((f) => [names[f], values[f]]));
  const candidates = order.map(
    (i): RankedCandidate => ({
      ...list.candidates[i],
      scores: { ...list.candidates[i].scores, ...pick(others, rows[l][i].values) },
      total: choice.totals[i],
      logProbability: column === undefined ? null : rows[l][i].values[column],
    }),
  );
  return {
    id: list.id,
    best: list.candidates[choice.best].text,
    score: choice.totals[choice.best],
    confidence: choice.probabilities[choice.best],
    uncertainty: choice.uncertainty,
    candidates,
  };
}

function errorsOf(
  lists: readonly CandidateList[],
  chosen: readonly Choice[],
  { errors, words }: ErrorTable,
  references: ReadonlyMap<string, string>,
): RescoringErrors {
  const ids = new Set(lists.map(({ id }) => id));
  const missing = [...references].filter(([id]) => !ids.has(id));
  const lost = missing.map(([, text]) => wordsOf(text).length);
  const rowsBy = (pick: (own: readonly number[], l: number) => number) => [
    ...errors.map((own, l) => [own[pick(own, l)], words[l]]),
    ...lost.map((count) => [count, count]),
  ];
  const rows = rowsBy((_, l) => chosen[l].best);
  const surest = chosen
    .map(({ uncertainty }, l) => ({ uncertainty, l }))
    .sort((a, b) => a.uncertainty - b.uncertainty || a.l - b.l)
    .slice(0, Math.ceil(0.8 * chosen.length));
  const rate = (counts: readonly (readonly number[])[]) => {
    const sum = (c: number) => counts.reduce((total, row) => total + row[c], 0);
    return sum(1) > 0 ? (100 * sum(0)) / sum(1) : 0;
  };
  const scoreOf = ([errors, words]: readonly number[]) => (words > 0 ? (100 * errors) / words : 0);
  return {
    wer: rate(rows),
    interval: interval(resampled({ score: rate(rows) }, rows, scoreOf)),
    first: rate(rowsBy(() => 0)),
    oracle: rate(rowsBy((own) => bestOf(own.map((count) => -count)))),
    surest: rate(surest.map(({ l }) => rows[l])),
    missing: missing.map(([id]) => id),
  };
}
