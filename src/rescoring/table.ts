/** @module Candidates as numbers: a row of features each, and how many word errors it has. */
import { SviError } from "../errors.ts";
import type { Slices } from "../kernels/tape.ts";
import { wordErrors } from "../metrics/errorRate.ts";
import { type CandidateList, isMeasurable, LARGEST } from "./lists.ts";
import type { ScoredText } from "./scorer.ts";

/** Names of features that are not the lists' own scores. */
export const OWN = ["logProbability", "words", "unknown"] as const;

export interface Row {
  /** Values of the features, in the table's order. */
  readonly values: readonly number[];
  /** What each sample says, where there are samples. */
  readonly samples: readonly number[];
  readonly unknown: number;
}

export interface Table {
  readonly names: readonly string[];
  /** A row a candidate, list by list. */
  readonly rows: readonly (readonly Row[])[];
}

/** @param scored by the text that was given to the scorer; null where there is no scorer */
export function tableOf(
  lists: readonly CandidateList[],
  scored: ((text: string) => ScoredText) | null,
): Table {
  const own = Object.keys(lists[0].candidates[0].scores);
  const taken = own.find((name) => (OWN as readonly string[]).includes(name));
  if (taken !== undefined)
    throw new SviError("E_FORMAT", `The lists have a score called ${JSON.stringify(taken)}`, {
      value: taken,
      remedy: "Give it another name: that one is the language model's",
    });
  const names = [...own, ...(scored ? OWN : OWN.filter((name) => name === "words"))];
  const rowOf = (list: CandidateList): Row[] =>
    list.candidates.map(({ text, scores }) => {
      const said = scored?.(text);
      const unknown = said?.unknown ?? 0;
      const model = said ? [said.logProbability, countWords(text), unknown] : [countWords(text)];
      const values = [...own.map((name) => scores[name]), ...model];
      const samples = said?.samples ?? [];
      const all = [...values, ...samples];
      const wrong = all.findIndex((value) => !isMeasurable(value));
      if (wrong >= 0)
        throw new SviError("E_FORMAT", `A score of list ${JSON.stringify(list.id)} is ${all[wrong]}`, {
          value: values,
          remedy: `Give every candidate the same scores, as numbers up to ${LARGEST}`,
        });
      return { values, samples, unknown };
    });
  return { names, rows: lists.map(rowOf) };
}

export function countWords(text: string): number {
  return text.split(/\s+/).filter((word) => word !== "").length;
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
