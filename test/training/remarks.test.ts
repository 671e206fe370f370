/** When a run's rate is told to be too high for windows of few scored tokens: by what its loss does. */
import { expect, test } from "vitest";
import { adam, ivon, schedule } from "../../src/entries/index.ts";
import type { Method } from "../../src/inference/methods.ts";
import type { Plan } from "../../src/training/plan.ts";
import { Remarks } from "../../src/training/remarks.ts";

/** Of 80 kinds of token: guessing costs 4.38 nats. */
const VOCABULARY = 80;

/** Steps at which the warning came, of a run with such mean losses of 50 steps each. */
function warned(means: readonly number[], method: Method = ivon(), scored: number | null = 128): number[] {
  const steps = 50 * means.length;
  const plan = { method, scored, batch: 32, steps, lambda: 1e6, learnt: 0, schedule: schedule() } as Plan;
  const remarks = new Remarks(plan, {}, VOCABULARY);
  const at: number[] = [];
  for (let step = 1; step <= steps; step++) {
    // Minibatches differ by a tenth.
    const nll = means[Math.ceil(step / 50) - 1] * (step % 2 === 0 ? 0.9 : 1.1);
    const { warning } = remarks.of({ step, nll, learningRate: 8, valid: null }, false);
    if (warning?.includes("scored tokens")) at.push(step);
  }
  return at;
}

const RISING = [2.1, 0.9, 0.58, 0.7, 0.95, 1.4];

test.each<[string, readonly number[], number[]]>([
  ["a loss that rises", RISING, [250]],
  ["a loss above guessing", [4.1, 4.5, 4.7, 4.8], [100]],
  ["one that never came below it", [5.1, 4.6, 4.6], [100]],
  ["a steady fall", [3.1, 2.2, 1.4, 0.9, 0.6], []],
  ["a plateau", [3.1, 2.2, 2.2, 2.25, 2.15, 2.1], []],
  ["first steps that overshoot", [7.4, 2.5, 2.2, 1.9], []],
  ["a low loss that wavers", [1.5, 0.1, 0.05, 0.07, 0.05], []],
])("%s", (_, means, steps) => expect(warned(means)).toEqual(steps));

test.each<[string, Method, number | null]>([
  ["the lower rate", ivon({ learningRate: 3 }), 128],
  ["another method", adam(), 128],
  ["windows of many", ivon(), 2048],
  ["text of which all is scored", ivon(), null],
])("a loss that rises is not laid to it with %s", (_, method, scored) => {
  expect(warned(RISING, method, scored)).toEqual([]);
});
