/** What is recorded on a tape, in slices of any size, has the bits of the calls made one by one. */

import { beforeAll, describe, expect, test, vi } from "vitest";
import { BLOCK_DEPTH, PANEL_COLUMNS, PART, SLICE } from "../../src/kernels/cuts.ts";
import { KernelInstance } from "../../src/kernels/instance.ts";
import { defaultKernels, type Instantiated } from "../../src/kernels/kernels.ts";
import { MemoryPlan } from "../../src/kernels/memory.ts";
import { finish, Tape } from "../../src/kernels/tape.ts";
import { TRAINING } from "../../src/kernels/training.ts";
import { Products } from "../../src/model/products.ts";
import { randomNumbers } from "../support/random.ts";
import { CALLS, END, onTape, outcome } from "./calls.ts";
import { kernelsOfForm, loosely } from "./forms.ts";
import { whole } from "./whole.ts";

vi.setConfig({ testTimeout: 60_000 });

let instance: Instantiated;
beforeAll(() => {
  instance = defaultKernels().instantiate(TRAINING);
  instance.memory.grow(END / 65536 - instance.memory.buffer.byteLength / 65536);
});

describe.each(Object.entries(CALLS))("%s, cut into slices", (_name, call) => {
  test("has the bits of one call", () => {
    const expected = outcome(instance, loosely(instance.exports), call);
    let pauses = 0;
    for (const slice of [700, 60_000]) {
      const sliced = onTape(instance, slice, (times) => {
        pauses += times;
      });
      const found = outcome(instance, sliced, call);
      expect(found.value).toBe(expected.value);
      expect(found.bytes.equals(expected.bytes)).toBe(true);
    }
    expect(pauses).toBeGreaterThan(1);
  });
});

test("every kernel that may be cut is called above", () => {
  const called = new Set(Object.keys(CALLS).map((name) => name.split(/[, ]/)[0]));
  expect(Object.entries(TRAINING.calls()).filter(([name, { cut }]) => cut && !called.has(name))).toEqual([]);
});

test("the sizes that cuts keep to are those of the kernels", () => {
  const { exports } = new KernelInstance(TRAINING, whole);
  expect([exports.panelColumns(), exports.blockDepth()]).toEqual([PANEL_COLUMNS, BLOCK_DEPTH]);
});

function planned(...sizes: number[]) {
  const plan = new MemoryPlan(new KernelInstance(TRAINING));
  const tape = new Tape(plan.instance);
  const places = sizes.map((size) => plan.words(size));
  return { plan, tape, places, k: tape.k };
}

describe("a tape", () => {
  test("does calls, JavaScript and what that records in the order of writing", () => {
    const { plan, tape, places, k } = planned(16);
    plan.commit();
    const [x] = places;
    const seen: number[] = [];
    const look = () => seen.push(plan.floats(x, 1)[0]);
    plan.floats(x, 16).fill(1);
    k.axpby({ out: x, a: 2, x, b: 0, n: 16 });
    tape.js(() => {
      look();
      k.axpby({ out: x, a: 5, x, b: 0, n: 16 });
      tape.js(look);
    });
    k.axpby({ out: x, a: 3, x, b: 0, n: 16 });
    tape.js(look);
    expect(seen).toEqual([]);
    finish(tape.run());
    expect(seen).toEqual([2, 10, 30]);
    finish(tape.run());
    expect(seen).toEqual([2, 10, 30]);
  });

  test("adds up flat arrays in the same ranges whatever a slice is", () => {
    const { plan, tape, places, k } = planned(2 * PART + 100);
    plan.commit();
    const random = randomNumbers(2);
    const n = 2 * PART + 100;
    plan.floats(places[0], n).forEach((_, i, all) => {
      all[i] = random();
    });
    const parts: number[] = [];
    k.sumSquares({ g: places[0], n }, (value) => parts.push(value));
    finish(tape.run());
    const { sumSquares } = plan.instance.exports;
    const at = (i: number) => places[0] + 4 * i * PART;
    expect(parts).toEqual([sumSquares(at(0), PART), sumSquares(at(1), PART), sumSquares(at(2), 100)]);
  });

  test("forgets what was recorded before a failure", () => {
    const { tape } = planned();
    const seen: string[] = [];
    tape.js(() => {
      tape.js(() => seen.push("within"));
      throw new Error("stop");
    });
    tape.js(() => seen.push("behind"));
    expect(() => finish(tape.run())).toThrow("stop");
    finish(tape.run());
    expect(seen).toEqual([]);
  });

  for (const slice of [10, 3000, SLICE])
    test(`makes the turns of a loop in slices of ${slice} ns as if one by one`, () => {
      const plan = new MemoryPlan(new KernelInstance(TRAINING));
      const tape = new Tape(plan.instance, slice);
      const [sums, rows] = [plan.words(64), plan.words(64 * 9)];
      plan.commit();
      plan.floats(rows, 64 * 9).forEach((_, i, all) => {
        all[i] = i;
      });
      tape.loop(8, (k) => {
        k.addRows({ out: sums, x: rows, rows: 4, width: 16 }, { x: 256 });
        k.copyBytes({ out: rows + 256, x: sums, bytes: 256 }, { out: 256 });
      });
      finish(tape.run());
      const expected = new Float32Array(64).map((_, i) => i);
      for (let turn = 1; turn < 8; turn++) for (let i = 0; i < 64; i++) expected[i] *= 2;
      expect(plan.floats(sums, 64)).toEqual(expected);
    });
});

describe.each(["float32", "int16"] as const)("two products of %s of one transposed A", (form) => {
  // In slices of rows, all at once, and where forty rows are more than a slice, each by itself.
  for (const [m, n, n2, k] of [
    [1000, 250, 130, 700],
    [50, 9, 20, 31],
    [83, 1500, 700, 1300],
  ])
    test(`${m} × ${n} and ${n2}, ${k} deep, have the bits of two calls`, () => {
      const plan = new MemoryPlan(new KernelInstance(TRAINING));
      const products = new Products(new Tape(plan.instance), plan, form);
      const kernels = kernelsOfForm(plan.instance.exports, form);
      const scratch = plan.words(kernels.gemmScratchSize() / 4);
      const a = plan.words(m * k);
      const factors = [n, n2].map((columns) => ({
        columns,
        b: plan.words(k * columns),
        packed: products.planPacked(columns, k),
        to: plan.words(m * columns),
        alone: plan.words(m * columns),
      }));
      plan.commit();
      const random = randomNumbers(3);
      const fill = (at: number, count: number) =>
        plan.floats(at, count).forEach((_, i, all) => {
          all[i] = random() - 0.5;
        });
      fill(a, m * k);
      for (const { columns, b, packed, alone } of factors) {
        fill(b, k * columns);
        kernels.packColumns(packed, b, columns, k, columns);
        kernels.gemm(m, columns, k, a, m, 1, packed, alone, columns, 0, scratch);
      }
      const bytes = (at: number, count: number) => Buffer.from(plan.floats(at, count).slice().buffer);
      products.multiplyPair([m, k], { at: a, stride: m }, factors[0], factors[1]);
      finish(products.tape.run());
      for (const { columns, to, alone } of factors)
        expect(bytes(to, m * columns).equals(bytes(alone, m * columns))).toBe(true);
    });
});
