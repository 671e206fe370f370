/**
 * @module Weights that make the fewest word errors on a development set: exact line search (Och 2003).
 *
 * Along a line through the weights each candidate's total is a straight line, and a list's best candidate changes only
 * where their upper envelope has a corner. Between corners the number of errors is constant, so the least on the whole
 * line is found exactly, with no gradient and no grid.
 */
import type { Slices } from "../kernels/tape.ts";
import { philox } from "../metrics/philox.ts";
import { bestOf, type ErrorTable, type Table, totalOf } from "./table.ts";

export interface Tuned {
  readonly weights: number[];
  readonly errors: number;
}

/** Random directions that each round tries beside the axes. */
const DIRECTIONS = 8;
/** Beginnings: the given weights, and others near them. */
const STARTS = 6;

/**
 * @param start weights to begin with; the first is the unit of all others and stays
 * @param fixed indices of further weights that stay
 */
export function* tune(
  table: Table,
  { errors }: ErrorTable,
  start: readonly number[],
  fixed: readonly number[],
): Slices<Tuned> {
  const free = start.flatMap((_, f) => (f === 0 || fixed.includes(f) ? [] : [f]));
  const scales = scalesOf(table);
  let best: Tuned = { weights: [...start], errors: errorsAt(table, errors, start) };
  for (let s = 0; s < STARTS; s++) {
    const weights = [...start];
    if (s > 0) for (const f of free) weights[f] += (normal(s, f) * 0.5) / scales[f];
    const found = yield* descend(table, errors, weights, free, scales, s);
    if (found.errors < best.errors) best = found;
  }
  return best;
}

function* descend(
  table: Table,
  errors: ErrorTable["errors"],
  start: readonly number[],
  free: readonly number[],
  scales: readonly number[],
  seed: number,
): Slices<Tuned> {
  let weights = [...start];
  let least = errorsAt(table, errors, weights);
  for (let round = 0; round < 20; round++) {
    const before = least;
    for (const direction of directionsOf(free, scales, seed * 1000 + round)) {
      const found = searchLine(table, errors, weights, direction);
      yield;
      if (found.errors >= least) continue;
      weights = weights.map((weight, f) => weight + found.at * direction[f]);
      // Counted anew: sums of floating point may differ from the envelope's by their last bits.
      least = errorsAt(table, errors, weights);
    }
    if (least >= before) break;
  }
  return { weights, errors: least };
}

function directionsOf(free: readonly number[], scales: readonly number[], seed: number): number[][] {
  const axis = (f: number) => scales.map((_, g) => (g === f ? 1 : 0));
  const random = (d: number) =>
    scales.map((scale, f) => (free.includes(f) ? normal(seed, 100 * d + f) / scale : 0));
  const several = free.length > 1 ? Array.from({ length: DIRECTIONS }, (_, d) => random(d + 1)) : [];
  return [...free.map(axis), ...several];
}

export function errorsAt(table: Table, errors: ErrorTable["errors"], weights: readonly number[]): number {
  let sum = 0;
  for (const [l, rows] of table.rows.entries())
    sum += errors[l][bestOf(rows.map(({ values }) => totalOf(values, weights)))];
  return sum;
}

/** Where the best candidate of a list changes, and by how many errors. */
interface Corner {
  readonly at: number;
  readonly change: number;
}

/** The middle of the widest range with the fewest errors. */
function searchLine(
  table: Table,
  errors: ErrorTable["errors"],
  weights: readonly number[],
  direction: readonly number[],
): { at: number; errors: number } {
  const corners: Corner[] = [];
  let count = 0;
  for (const [l, rows] of table.rows.entries())
    count += envelope(rows, errors[l], weights, direction, corners);
  corners.sort((a, b) => a.at - b.at);
  if (corners.length === 0) return { at: 0, errors: count };
  const first = corners[0].at;
  let best = { at: first - 1, errors: count, width: 0 };
  for (let c = 0; c < corners.length; c++) {
    count += corners[c].change;
    const { at } = corners[c];
    const end = corners[c + 1]?.at;
    if (end === at) continue;
    const width = end === undefined ? 0 : end - at;
    if (count < best.errors || (count === best.errors && width > best.width))
      best = { at: end === undefined ? at + 1 : at + width / 2, errors: count, width };
  }
  return best;
}

/** Adds a list's corners. @returns its errors at the line's beginning, minus infinity */
function envelope(
  rows: Table["rows"][number],
  errors: readonly number[],
  weights: readonly number[],
  direction: readonly number[],
  corners: Corner[],
): number {
  const lines = rows.map(({ values }, i) => ({
    height: totalOf(values, weights),
    slope: totalOf(values, direction),
    errors: errors[i],
  }));
  lines.sort((a, b) => a.slope - b.slope || b.height - a.height);
  // The line that is highest from `from` on, for every range.
  const hull: { line: (typeof lines)[number]; from: number }[] = [];
  for (const line of lines) {
    let from = Number.NEGATIVE_INFINITY;
    while (hull.length > 0) {
      const top = hull[hull.length - 1];
      if (top.line.slope === line.slope) {
        from = Number.POSITIVE_INFINITY;
        break;
      }
      from = (top.line.height - line.height) / (line.slope - top.line.slope);
      if (from > top.from) break;
      hull.pop();
      from = Number.NEGATIVE_INFINITY;
    }
    if (from < Number.POSITIVE_INFINITY) hull.push({ line, from });
  }
  for (let i = 1; i < hull.length; i++)
    corners.push({ at: hull[i].from, change: hull[i].line.errors - hull[i - 1].line.errors });
  return hull[0].line.errors;
}

/** How far a feature's values lie from their list's first, on average: steps in weights are taken against it. */
function scalesOf({ names, rows }: Table): number[] {
  return names.map((_, f) => {
    let [sum, count] = [0, 0];
    for (const list of rows)
      for (const { values } of list) {
        sum += Math.abs(values[f] - list[0].values[f]);
        count++;
      }
    return sum > 0 ? sum / count : 1;
  });
}

/** Nearly normal: a sum of uniform numbers, of + − × ÷ alone. */
function normal(seed: number, index: number): number {
  const uniform = (counter: number) =>
    philox([counter, index, 0, 0], [seed, 1]).reduce((sum, word) => sum + word / 2 ** 32, 0);
  return uniform(0) + uniform(1) + uniform(2) - 6;
}
