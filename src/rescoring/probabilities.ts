/** @module How likely each candidate of a list is, as its total says. */
import { exp } from "../metrics/elementary.ts";
import type { Row } from "./table.ts";

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
