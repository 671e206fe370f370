/** Weights by exact line search: never worse than before, and as good as a fine grid finds on one axis. */
import { describe, expect, test } from "vitest";
import { finish } from "../../src/kernels/tape.ts";
import { philox } from "../../src/metrics/philox.ts";
import { type ErrorTable, type Table, totalOf } from "../../src/rescoring/table.ts";
import { errorsAt, tune } from "../../src/rescoring/tune.ts";

/** Lists of random features; errors that a hidden weighting would partly foresee. */
function lists(seed: number, count: number, features: number): { table: Table; errors: ErrorTable } {
  let position = 0;
  const uniform = () => philox([position++, 0, 0, 0], [seed, 0])[0] / 2 ** 32;
  const hidden = Array.from({ length: features }, (_, f) => 1 / (f + 1));
  const rows = Array.from({ length: count }, () =>
    Array.from({ length: 6 }, () => ({
      values: Array.from({ length: features }, () => 10 * uniform()),
      samples: [],
      unknown: 0,
    })),
  );
  const errors = rows.map((list) =>
    list.map(({ values }) => Math.max(0, Math.round(20 - totalOf(values, hidden) + 6 * uniform()))),
  );
  const names = hidden.map((_, f) => `f${f}`);
  return { table: { names, columns: [], rows }, errors: { errors, words: rows.map(() => 20) } };
}

describe("tuning", () => {
  test("finds what the finest grid finds where one weight is free", () => {
    for (let seed = 1; seed <= 4; seed++) {
      const { table, errors } = lists(seed, 20, 2);
      const tuned = finish(tune(table, errors, [1, 0], []));
      let least = Number.POSITIVE_INFINITY;
      for (let weight = -8; weight <= 8; weight += 0.004)
        least = Math.min(least, errorsAt(table, errors.errors, [1, weight]));
      expect(tuned.errors).toBeLessThanOrEqual(least);
      expect(errorsAt(table, errors.errors, tuned.weights)).toBe(tuned.errors);
    }
  });

  test("comes near to the weights that errors were made by", () => {
    const { table, errors } = lists(3, 800, 4);
    const tuned = finish(tune(table, errors, [1, 0, 0, 0], []));
    const hidden = errorsAt(table, errors.errors, [1, 1 / 2, 1 / 3, 1 / 4]);
    expect(tuned.errors).toBeLessThanOrEqual(hidden);
    expect(tuned.errors).toBeLessThan(errorsAt(table, errors.errors, [1, 0, 0, 0]));
    expect(tuned.weights[1]).toBeCloseTo(1 / 2, 0);
  });

  test("leaves the first weight and those that are fixed, and gives the same twice", () => {
    const { table, errors } = lists(4, 100, 4);
    const tuned = finish(tune(table, errors, [1, 0, 0.25, 0], [2]));
    expect([tuned.weights[0], tuned.weights[2]]).toEqual([1, 0.25]);
    expect(finish(tune(table, errors, [1, 0, 0.25, 0], [2]))).toEqual(tuned);
  });

  test("changes nothing where nothing can be gained", () => {
    const { table } = lists(5, 10, 3);
    const none = { errors: table.rows.map((list) => list.map(() => 1)), words: table.rows.map(() => 3) };
    expect(finish(tune(table, none, [1, 0.5, 0.5], []))).toEqual({ weights: [1, 0.5, 0.5], errors: 10 });
  });
});
