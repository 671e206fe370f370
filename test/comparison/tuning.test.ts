/** The tuning protocol. */
import { expect, test } from "vitest";
import { geometric, tune } from "../../src/comparison/tuning.ts";

const axis = geometric("learning rate", [1, 2, 4, 8], 2);
/** Lowest at a value, on a logarithmic scale. */
const bowl = (best: number) => async (value: number) => Math.abs(Math.log2(value / best));
const values = (trials: readonly { value: number }[]) => trials.map(({ value }) => value);

test("a best value inside the grid needs no more trials", async () => {
  const tuned = await tune(axis, bowl(4));
  expect(tuned).toMatchObject({ best: 4, inside: true });
  expect(values(tuned.trials)).toEqual([1, 2, 4, 8]);
});

test("a grid is extended beyond either edge until a worse value lies on both sides", async () => {
  const high = await tune(axis, bowl(32));
  expect(high).toMatchObject({ best: 32, inside: true });
  expect(values(high.trials)).toEqual([1, 2, 4, 8, 16, 32, 64]);
  const low = await tune(axis, bowl(0.5));
  expect(low).toMatchObject({ best: 0.5, inside: true });
  expect(values(low.trials)).toEqual([0.25, 0.5, 1, 2, 4, 8]);
});

test("a grid that falls for ever stops, and says that its best is on the edge", async () => {
  const tuned = await tune(axis, async (value) => -value);
  expect(tuned).toMatchObject({ best: 512, inside: false });
  expect(tuned.trials).toHaveLength(10);
});

test("a second valley two steps above the best is found where two worse values are asked for", async () => {
  const losses: Record<number, number> = { 1: 2.1, 2: 1.9, 4: 1.87, 8: 1.88, 16: 1.776, 32: 1.8 };
  const score = async (value: number) => losses[value] ?? null;
  expect(await tune(axis, score)).toMatchObject({ best: 4, inside: true });
  const tuned = await tune({ ...axis, beyond: 2 }, score);
  expect(tuned).toMatchObject({ best: 16, inside: true });
  // One that diverged is worse, too.
  expect(values(tuned.trials)).toEqual([1, 2, 4, 8, 16, 32, 64]);
});

test("two worse values are asked for above the best alone, and within the limit", async () => {
  const wide = { ...axis, beyond: 2 };
  expect(values((await tune(wide, bowl(2))).trials)).toEqual([1, 2, 4, 8]);
  expect(values((await tune(wide, bowl(1))).trials)).toEqual([0.5, 1, 2, 4, 8]);
  const far = await tune(wide, bowl(256));
  expect(far).toMatchObject({ best: 256, inside: true });
  expect(far.trials).toHaveLength(10);
});

test("a side that ends is as good as a worse value", async () => {
  const lengths = geometric("length", [0.5, 0.75, 1], 1.5, { most: 1 });
  expect(await tune(lengths, async (value) => -value)).toMatchObject({ best: 1, inside: true });
  const short = geometric("length", [0.2, 0.3, 0.4], 1.5, { most: 1 });
  const tuned = await tune(short, async (value) => -value);
  expect(values(tuned.trials)).toEqual([0.2, 0.3, 0.4, 0.6, 0.9, 1]);
});

test("a value that diverges is worse than any other; all of them are an error", async () => {
  const tuned = await tune(axis, async (value) => (value > 4 ? null : -value));
  expect(tuned).toMatchObject({ best: 4, inside: true });
  await expect(tune(axis, async () => null)).rejects.toMatchObject({ code: "E_DIVERGED" });
});
