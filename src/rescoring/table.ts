/** @module Candidates as numbers: a row of features each, and how many word errors it has. */
import { SviError } from "../errors.ts";
import type { Slices } from "../kernels/tape.ts";
import { wordErrors } from "../metrics/errorRate.ts";
import { type CandidateList, isMeasurable, LARGEST } from "./lists.ts";
import type { ScoredText } from "./scorer.ts";

/** What is known of the candidates beside the lists' own scores. */
export interface Known {
  /** What each model says of a text. */
  readonly models: readonly ((text: string) => ScoredText)[];
  /** Words of a text that are not in the vocabulary, where there is one. */
  readonly unseen: ((text: string) => number) | null;
}

export interface Row {
  /** Values of the features, in the table's order. */
  readonly values: readonly number[];
  /** What each sample of each model says, where there are samples. */
  readonly samples: readonly (readonly number[])[];
  readonly unknown: number;
}

export interface Table {
  readonly names: readonly string[];
  /** Where the models' log-probabilities stand among the features. */
  readonly columns: readonly number[];
  /** A row a candidate, list by list. */
  readonly rows: readonly (readonly Row[])[];
}

/** Names of features that are not the lists' own scores: those of a second model end in 2. */
export function ownNames(models: number, unseen: boolean): string[] {
  const names = models > 0 ? ["logProbability", "words", "unknown"] : ["words"];
  for (let m = 2; m <= models; m++) names.push(`logProbability${m}`, `unknown${m}`);
  return unseen ? [...names, "unseen"] : names;
}

export function tableOf(lists: readonly CandidateList[], { models, unseen }: Known): Table {
  const given = Object.keys(lists[0].candidates[0].scores);
  const own = ownNames(models.length, unseen !== null);
  const taken = given.find((name) => [...own, "logProbability", "unknown"].includes(name));
  if (taken !== undefined)
    throw new SviError("E_FORMAT", `The lists have a score called ${JSON.stringify(taken)}`, {
      value: taken,
      remedy: "Give it another name: that one is the language model's",
    });
  const rowOf = (list: CandidateList): Row[] =>
    list.candidates.map(({ text, scores }) => {
      const [first, ...others] = models.map((said) => said(text));
      const values = [
        ...given.map((name) => scores[name]),
        ...(first ? [first.logProbability, countWords(text), first.unknown ?? 0] : [countWords(text)]),
        ...others.flatMap(({ logProbability, unknown = 0 }) => [logProbability, unknown]),
        ...(unseen ? [unseen(text)] : []),
      ];
      const samples = [first, ...others].map((said) => said?.samples ?? []);
      requireMeasurable(list, [...values, ...samples.flat()]);
      return { values, samples, unknown: first?.unknown ?? 0 };
    });
  const names = [...given, ...own];
  const columns = models.map((_, m) => names.indexOf(`logProbability${m === 0 ? "" : m + 1}`));
  return { names, columns, rows: lists.map(rowOf) };
}

function requireMeasurable({ id }: CandidateList, values: readonly number[]): void {
  const wrong = values.findIndex((value) => !isMeasurable(value));
  if (wrong < 0) return;
  throw new SviError("E_FORMAT", `A score of list ${JSON.stringify(id)} is ${values[wrong]}`, {
    value: values,
    remedy: `Give every candidate the same scores, as numbers up to ${LARGEST}`,
  });
}

export function wordsOf(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== "");
}

export function countWords(text: string): number {
  return wordsOf(text).length;
}

/** Word errors of every candidate, and the words of every reference. */
export interface ErrorTable {
  readonly errors: readonly (readonly number[])[];
  readonly words: readonly number[];
}

/** @throws SviError `E_FORMAT` for a list without a reference */
export function* errorTable(
  lists: readonly CandidateList[],
  references: ReadonlyMap<string, string>,
): Slices<ErrorTable> {
  const words: number[] = [];
  const errors: number[][] = [];
  for (const { id, candidates } of lists) {
    const said = references.get(id)!;
    words.push(countWords(said));
    errors.push(candidates.map(({ text }) => wordErrors(said, text).errors));
    yield;
  }
  return { errors, words };
}

export function totalOf(values: readonly number[], weights: readonly number[]): number {
  let total = 0;
  for (let f = 0; f < values.length; f++) total += values[f] * weights[f];
  return total;
}

/** Of equals the first. */
export function bestOf(totals: readonly number[]): number {
  let best = 0;
  for (let i = 1; i < totals.length; i++) if (totals[i] > totals[best]) best = i;
  return best;
}
