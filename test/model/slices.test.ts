/** Work in slices: no kernel call is long, whatever the size, and cutting changes no bit. */
import { describe, expect, test } from "vitest";
import { kernelsOfForm, type ProductForm } from "../../src/kernels/forms.ts";
import type { KernelExports } from "../../src/kernels/generated/signatures.ts";
import { KernelInstance } from "../../src/kernels/instance.ts";
import { MemoryPlan } from "../../src/kernels/memory.ts";
import { Products } from "../../src/model/products.ts";
import { finish, PART, SLICE_FLOPS, sliceOf, Work } from "../../src/model/work.ts";
import { randomNumbers } from "./reference.ts";

const FORMS = ["float32", "int16"] as const;

function rig(form: ProductForm, ...sizes: number[]) {
  const plan = new MemoryPlan(new KernelInstance());
  const products = new Products(plan, form);
  const places = sizes.map((size) => plan.words(size));
  plan.commit();
  const random = randomNumbers(3);
  const fill = (i: number) => {
    const numbers = plan.floats(places[i], sizes[i]);
    for (let e = 0; e < sizes[i]; e++) numbers[e] = random() - 0.5;
  };
  const read = (i: number) => plan.floats(places[i], sizes[i]).slice();
  return { plan, products, places, fill, read, k: products.kernels };
}

/** Bit by bit; a matcher takes half a minute for millions of numbers. */
function same(x: Float32Array, y: Float32Array): boolean {
  return Buffer.from(x.buffer).equals(Buffer.from(y.buffer));
}

function count(work: Generator<unknown>): number {
  let slices = 0;
  for (const _ of work) slices++;
  return slices;
}

describe.each(FORMS)("a product of %s whose fewest rows are more than a slice", (form) => {
  // 24 rows × 5003 × 1030 × 2 are 2.5 slices; neither size is a multiple of panel or block.
  const [m, n, k] = [29, 5003, 1030];
  const packed = (kernels: KernelExports) => kernels.packedSize(n, k) + 16;

  for (const transposed of [false, true])
    for (const accumulate of [false, true])
      test(`${transposed ? "Aᵀ" : "A"}·B${accumulate ? " added to C" : ""} has the bits of one call`, () => {
        const kernels = kernelsOfForm(new KernelInstance().exports, form);
        const r = rig(form, m * k, k * n, packed(kernels), m * n, m * n, kernels.gemmScratchSize() / 4);
        for (const i of [0, 1, 3]) r.fill(i);
        const [a, b, panels, c, whole, scratch] = r.places;
        r.plan.floats(whole, m * n).set(r.read(3));
        r.k.packColumns(panels, b, n, k, n);
        const stride = transposed ? m : k;
        r.k.gemm(m, n, k, a, stride, Number(transposed), panels, whole, n, Number(accumulate), scratch);
        const left = { at: a, stride, transposed };
        const slices = count(r.products.multiply([m, n, k], left, panels, { at: c, stride: n, accumulate }));
        expect(slices).toBeGreaterThanOrEqual(Math.floor((2 * m * n * k) / (2 * SLICE_FLOPS)));
        expect(same(r.read(3), r.read(4))).toBe(true);
      });
});

describe.each(FORMS)("two products of %s of one transposed A", (form) => {
  // In slices of rows, all at once, and where forty rows are more than a slice, each by itself.
  for (const [m, n, n2, k] of [
    [1000, 250, 130, 700],
    [50, 9, 20, 31],
    [83, 1500, 700, 1100],
  ])
    test(`${m} × ${n} and ${n2}, ${k} deep, have the bits of two calls`, () => {
      const kernels = kernelsOfForm(new KernelInstance().exports, form);
      const sizes = [n, n2].flatMap((columns) => [
        k * columns,
        kernels.packedSize(columns, k) + 16,
        m * columns,
        m * columns,
      ]);
      const r = rig(form, m * k, kernels.gemmScratchSize() / 4, ...sizes);
      const [a, scratch] = r.places;
      for (const i of [0, 2, 6]) r.fill(i);
      const factors = [n, n2].map((columns, i) => {
        const [b, packed, to, whole] = r.places.slice(2 + 4 * i);
        r.k.packColumns(packed, b, columns, k, columns);
        r.k.gemm(m, columns, k, a, m, 1, packed, whole, columns, 0, scratch);
        return { packed, columns, to };
      });
      const slices = count(r.products.multiplyPair([m, k], { at: a, stride: m }, factors[0], factors[1]));
      expect(slices).toBeGreaterThanOrEqual(Math.floor((2 * m * (n + n2) * k) / (2 * SLICE_FLOPS)));
      expect(same(r.read(4), r.read(5))).toBe(true);
      expect(same(r.read(8), r.read(9))).toBe(true);
    });
});

test.each(FORMS)(
  "a deep product of %s, several blocks of the depth at a time, has the bits of one call",
  (form) => {
    const [m, n, k] = [50, 43, 60_007];
    const kernels = kernelsOfForm(new KernelInstance().exports, form);
    const r = rig(
      form,
      m * k,
      k * n,
      kernels.packedSize(n, k) + 16,
      m * n,
      m * n,
      kernels.gemmScratchSize() / 4,
    );
    for (const i of [0, 1]) r.fill(i);
    const [a, b, panels, c, whole, scratch] = r.places;
    r.k.packColumns(panels, b, n, k, n);
    r.k.gemm(m, n, k, a, k, 0, panels, whole, n, 0, scratch);
    const slices = count(r.products.multiply([m, n, k], { at: a, stride: k }, panels, { at: c, stride: n }));
    expect(slices).toBeGreaterThan(0);
    expect(same(r.read(3), r.read(4))).toBe(true);
  },
);

test("slices of several threads are twice as large, so that they take as long", () => {
  const instance = new KernelInstance();
  expect(sliceOf(instance)).toBe(SLICE_FLOPS);
  for (const threads of [2, 8])
    expect(sliceOf({ ...instance, threads } as KernelInstance)).toBe(2 * SLICE_FLOPS);
});

describe.each(FORMS)("packing in parts, %s", (form) => {
  const [n, k] = [4001, 523];

  for (const rows of [true, false])
    test(`${rows ? "rows" : "columns"} lie as one call puts them`, () => {
      const size = kernelsOfForm(new KernelInstance().exports, form).packedSize(n, k);
      const r = rig(form, k * n, size + 16, size + 16);
      r.fill(0);
      const [b, parts, whole] = r.places;
      if (rows) {
        r.k.packRows(whole, b, k, k, n);
        expect(count(r.products.packRows(parts, b, k, k, n))).toBeGreaterThan(0);
      } else {
        r.k.packColumns(whole, b, n, k, n);
        expect(count(r.products.packColumns(parts, b, n, k, n))).toBeGreaterThan(0);
      }
      expect(n * k).toBeGreaterThan(PART);
      expect(same(r.read(1), r.read(2))).toBe(true);
    });
});

test("a pass visits every element once, in parts, and stops between them", () => {
  const visited: [number, number][] = [];
  const work = new Work().parts(2 * PART + 5, PART, SLICE_FLOPS / PART, (from, size) =>
    visited.push([from, size]),
  );
  expect(count(work)).toBe(2);
  expect(visited).toEqual([
    [0, PART],
    [PART, PART],
    [2 * PART, 5],
  ]);
  expect(PART % 4096).toBe(0);
  finish(new Work().parts(0, PART, 1, () => visited.push([0, 0])));
  expect(visited).toHaveLength(3);
});
