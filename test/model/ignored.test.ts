/** Targets of -1 add nothing: gradients of complementary halves of a window's targets add up to that of all. */
import { expect, test } from "vitest";
import { randomNumbers } from "../support/random.ts";
import { Rig } from "./support.ts";

const [BATCH, STEPS, VOCABULARY] = [5, 7, 23];
const ROWS = BATCH * STEPS;

test.each([
  ["full", "float32", false, 2e-6],
  ["full", "float32", true, 2e-6],
  ["full", "int16", false, 3e-3],
  ["full", "float32", "narrow", 2e-6],
  ["full", "int16", "narrow", 3e-3],
  ["adaptive", "float32", false, 2e-6],
  ["adaptive", "int16", false, 3e-3],
] as const)("%s softmax, %s products, tied %s", (softmax, products, tied, bound) => {
  const random = randomNumbers(11);
  const hidden = tied === true ? 6 : 9;
  const more = softmax === "adaptive" ? { softmax, cutoffs: [5, 12] } : {};
  const rig = new Rig(
    { vocabulary: VOCABULARY, embedding: 6, hidden, tied: tied !== false, ...more },
    { batch: BATCH, sequence: STEPS, dropout: false, resets: false, products },
  );
  const { length } = rig.layout;
  const theta = rig.plan.floats(rig.theta, length);
  for (let i = 0; i < length; i++) theta[i] = random() - 0.5;
  const pick = () => Math.floor(random() * VOCABULARY);
  const inputs = Int32Array.from({ length: ROWS }, pick);
  const targets = Int32Array.from({ length: ROWS }, pick);
  const half = Array.from({ length: ROWS }, () => random() < 0.4);
  const run = (kept: (r: number) => boolean) => {
    const own = targets.map((target, r) => (kept(r) ? target : -1));
    const nll = rig.run(inputs, own, STEPS, { carry: false }) * ROWS;
    const count = own.filter((target) => target >= 0).length;
    return { nll, gradient: Float64Array.from(rig.plan.floats(rig.gradient, length), (g) => g * count) };
  };
  const [all, one, other] = [run(() => true), run((r) => half[r]), run((r) => !half[r])];
  expect(one.nll + other.nll).toBeCloseTo(all.nll, 4);
  const most = Math.max(...all.gradient.map(Math.abs));
  const sum = all.gradient.map((_, i) => one.gradient[i] + other.gradient[i]);
  expect(Math.max(...sum.map((g, i) => Math.abs(g - all.gradient[i])))).toBeLessThan(bound * most);
  const none = run(() => false);
  expect(none.nll).toBe(0);
  expect(none.gradient.every((g) => g === 0)).toBe(true);
});
