/** @module The candidate of the fewest expected errors, and how sharp probabilities should be to find it. */
import type { Slices } from "../kernels/tape.ts";
import { wordErrors } from "../metrics/errorRate.ts";
import type { CandidateList } from "./lists.ts";
import { probabilitiesOf } from "./probabilities.ts";
import { bestOf, type ErrorTable, type Table, totalOf } from "./table.ts";

/** Scales that are tried, from all candidates alike to the likeliest alone. */
const SCALES = [1 / 64];
while (SCALES.length < 38) SCALES.push(1.25 * SCALES[SCALES.length - 1]);
/** Probabilities that count. */
const LEAST = 1e-6;

/** Word errors of every candidate against every other. */
export function distancesOf({ candidates }: CandidateList): number[][] {
  const distances = candidates.map(() => new Array<number>(candidates.length).fill(0));
  for (const [i, { text }] of candidates.entries())
    for (let j = 0; j < i; j++)
      if (text !== candidates[j].text)
        distances[i][j] = distances[j][i] = wordErrors(text, candidates[j].text).errors;
  return distances;
}

export function leastRisk(
  distances: readonly (readonly number[])[],
  probabilities: readonly number[],
): number {
  const risk = (own: readonly number[]) =>
    probabilities.reduce((sum, p, i) => (p > LEAST ? sum + p * own[i] : sum), 0);
  return bestOf(distances.map((own) => -risk(own)));
}

/**
 * The scale of totals by which the least risk makes the fewest errors, counted at every scale of a grid. Of scales that
 * differ by less than a standard error of the difference the largest, which is the nearest to the best total: a gain
 * that a development set cannot tell from none is lost on another.
 */
export function* tuneRisk(
  lists: readonly CandidateList[],
  table: Table,
  { errors }: ErrorTable,
  weights: readonly number[],
): Slices<number> {
  const own = table.columns.map((column) => weights[column]);
  const counts: number[][] = [];
  for (const [l, rows] of table.rows.entries()) {
    const totals = rows.map(({ values }) => totalOf(values, weights));
    const distances = distancesOf(lists[l]);
    counts.push(
      SCALES.map((scale) => errors[l][leastRisk(distances, probabilitiesOf(rows, totals, own, scale))]),
    );
    yield;
  }
  const sums = SCALES.map((_, s) => counts.reduce((sum, each) => sum + each[s], 0));
  const fewest = bestOf(sums.map((sum) => -sum));
  const asGood = SCALES.map((_, s) => {
    const more = sums[s] - sums[fewest];
    const squares = counts.reduce((sum, each) => {
      const apart = each[s] - each[fewest];
      return sum + apart * apart;
    }, 0);
    return more <= Math.sqrt(squares - (more * more) / counts.length);
  });
  return SCALES[asGood.lastIndexOf(true)];
}
