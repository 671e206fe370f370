/** @module Which candidate is chosen: that of the highest total, or that of the least expected errors. */
import { wordErrors } from "../metrics/errorRate.ts";
import type { CandidateList } from "./lists.ts";
import { probabilitiesOf } from "./probabilities.ts";
import { distancesOf, leastRisk } from "./risk.ts";
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
 * @param riskScale the same where the least risk is sought; null for the highest total
 */
export function choose(
  list: CandidateList,
  rows: readonly Row[],
  columns: Table["columns"],
  weights: readonly number[],
  scale: number,
  riskScale: number | null,
): Choice {
  const totals = rows.map(({ values }) => totalOf(values, weights));
  const own = columns.map((column) => weights[column]);
  const probabilities = probabilitiesOf(rows, totals, own, scale);
  const texts = list.candidates.map(({ text }) => text);
  const best =
    riskScale === null
      ? bestOf(totals)
      : leastRisk(distancesOf(list), probabilitiesOf(rows, totals, own, riskScale));
  const risk = expectedErrors(texts, probabilities, best);
  return { best, totals, probabilities, uncertainty: risk / Math.max(1, countWords(texts[best])) };
}

function expectedErrors(texts: readonly string[], probabilities: readonly number[], chosen: number): number {
  let sum = 0;
  for (const [i, text] of texts.entries())
    if (i !== chosen && text !== texts[chosen] && probabilities[i] > 1e-6)
      sum += probabilities[i] * wordErrors(text, texts[chosen]).errors;
  return sum;
}
