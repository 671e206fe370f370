/** @module Runs of n units and how often they occur. */

export type Counts = ReadonlyMap<string, number>;

/** @param between what cannot stand inside a unit */
export function ngrams(units: readonly string[], n: number, between: string): Counts {
  const counts = new Map<string, number>();
  for (let i = 0; i + n <= units.length; i++) {
    const gram = units.slice(i, i + n).join(between);
    counts.set(gram, (counts.get(gram) ?? 0) + 1);
  }
  return counts;
}

/** How many of the first are matched by the second, each at most as often as it is there. */
export function matches(counts: Counts, others: Counts): number {
  let sum = 0;
  for (const [gram, count] of counts) sum += Math.min(count, others.get(gram) ?? 0);
  return sum;
}

/** For every gram the most that one of the texts has. */
export function mostOf(texts: readonly Counts[]): Counts {
  const most = new Map<string, number>();
  for (const counts of texts)
    for (const [gram, count] of counts) most.set(gram, Math.max(count, most.get(gram) ?? 0));
  return most;
}

export function sumsOf(rows: readonly (readonly number[])[]): number[] {
  const sums = new Array<number>(rows[0].length).fill(0);
  for (const row of rows) for (let c = 0; c < sums.length; c++) sums[c] += row[c];
  return sums;
}
