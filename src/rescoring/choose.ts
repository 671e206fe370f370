/** @module Which candidate is chosen: that of the highest total, or that of the least expected errors. */
import { exp } from "../metrics/elementary.ts";
import { wordErrors } from "../metrics/errorRate.ts";
import type { CandidateList } from "./lists.ts";
import { bestOf, countWords, type Row, type Table, totalOf } from "./table.ts";

/** What is known of a list once its candidates are weighed. */
export interface Choice {
  /** Index of the chosen candidate. */
  readonly best: number;
  readonly totals: readonly number[];
  /** Probabilities of the candidates. */
  readonly probabilities: readonly number[];
  /** Word errors to be expected of the chosen candidate, a word of it. */
  readonly uncertainty: number;
}

/**
 * Minimum Bayes risk over the candidates (Kumar and Byrne 2004) and over the posterior's samples (Daheim et al. 2025):
 * probabilities are those of every sample, averaged.
 * @param scale of the totals, before they become probabilities
 */
export function choose(
  list: CandidateList,
  rows: readonly Row[],
  columns: Table["columns"],
  weights: readonly number[],
  scale: number,
  mbr: boolean,
): Choice {
  const totals = rows.map(({ values }) => totalOf(values, weights));
  const probabilities = probabilitiesOf(
    rows,
    totals,
    columns.map((column) => weights[column]),
    scale,
  );
  const texts = list.candidates.map(({ text }) => text);
  const risk = (chosen: number) => expectedErrors(texts, probabilities, chosen);
  const best = mbr ? bestOf(texts.map((_, i) => -risk(i))) : bestOf(totals);
  return { best, totals, probabilities, uncertainty: risk(best) / Math.max(1, countWords(texts[best])) };
}

/**
 * Softmax of the scaled totals; with samples, the mean over what each of them says: the first samples of all models
 * belong together, then the second ones.
 * @param weights of the models' log-probabilities
 */
export function probabilitiesOf(
  rows: readonly Row[],
  totals: readonly number[],
  weights: readonly number[],
  scale: number,
): number[] {
  const counts = rows[0].samples.flatMap(({ length }, m) => (length > 0 && weights[m] !== 0 ? [length] : []));
  if (counts.length === 0) return softmax(totals, scale);
  const count = Math.min(...counts);
  const sums = new Array<number>(rows.length).fill(0);
  for (let s = 0; s < count; s++) {
    const own = rows.map(({ samples }, i) =>
      samples.reduce(
        (total, each, m) => (each.length > 0 ? total + weights[m] * (each[s] - meanOf(each)) : total),
        totals[i],
      ),
    );
    for (const [i, p] of softmax(own, scale).entries()) sums[i] += p / count;
  }
  return sums;
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function softmax(totals: readonly number[], scale: number): number[] {
  const most = Math.max(...totals);
  const weights = totals.map((total) => exp((total - most) * scale));
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => weight / sum);
}

function expectedErrors(texts: readonly string[], probabilities: readonly number[], chosen: number): number {
  let sum = 0;
  for (const [i, text] of texts.entries())
    if (i !== chosen && text !== texts[chosen] && probabilities[i] > 1e-6)
      sum += probabilities[i] * wordErrors(text, texts[chosen]).errors;
  return sum;
}
