import { describe, expect, it } from "vitest";
import { Arena, centralDifferences, largestError, random } from "./matrix.ts";

const HIDDEN = [1, 2, 3, 4, 5, 7, 8, 17];
const arena = new Arena(4 * 2 ** 20);
const k = arena.k;

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

/** One step in double precision: activations in the order i, f, g, o, then c and h. */
function step(a: ArrayLike<number>, bias: ArrayLike<number>, cPrev: ArrayLike<number>, hidden: number) {
  const batch = cPrev.length / hidden;
  const gates = new Float64Array(4 * batch * hidden);
  const c = new Float64Array(batch * hidden);
  const h = new Float64Array(batch * hidden);
  for (let b = 0; b < batch; b++)
    for (let j = 0; j < hidden; j++) {
      const gate = (q: number) => a[(4 * b + q) * hidden + j] + bias[q * hidden + j];
      const values = [sigmoid(gate(0)), sigmoid(gate(1)), Math.tanh(gate(2)), sigmoid(gate(3))];
      for (let q = 0; q < 4; q++) gates[(4 * b + q) * hidden + j] = values[q];
      const [i, f, g, o] = values;
      const at = b * hidden + j;
      c[at] = f * cPrev[at] + i * g;
      h[at] = o * Math.tanh(c[at]);
    }
  return { gates, c, h };
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

function forward(a: Float32Array, bias: Float32Array, cPrev: Float32Array, hidden: number) {
  arena.reset();
  const count = cPrev.length;
  const at = {
    gates: arena.region(4 * count, a),
    bias: arena.region(4 * hidden, bias),
    cPrev: arena.region(count, cPrev),
    c: arena.region(count),
    h: arena.region(count),
  };
  const before = arena.snapshot();
  k.lstmForward(at.gates, at.bias, at.cPrev, at.c, at.h, count / hidden, hidden);
  const stray = arena.strayWrite(before, [
    { at: at.gates, rows: 1, width: 4 * count, stride: 0 },
    { at: at.c, rows: 1, width: count, stride: 0 },
    { at: at.h, rows: 1, width: count, stride: 0 },
  ]);
  return {
    at,
    stray,
    gates: arena.read(at.gates, 4 * count),
    c: arena.read(at.c, count),
    h: arena.read(at.h, count),
  };
}

describe("lstmForward", () => {
  for (const hidden of HIDDEN)
    it(`agrees with double precision at hidden ${hidden}, and writes its outputs alone`, () => {
      for (const batch of [1, 2, 5])
        for (const scale of [0.1, 2, 30]) {
          const a = random(4 * batch * hidden, scale, 1);
          const bias = random(4 * hidden, scale, 2);
          const cPrev = random(batch * hidden, 3, 3);
          const found = forward(a, bias, cPrev, hidden);
          const expected = step(a, bias, cPrev, hidden);
          // The sum of a gate and its bias is rounded before the sigmoid: half an ulp of it at most.
          const bound = 4e-7 * Math.max(1, scale / 2);
          expect(largestError(found.gates, expected.gates)).toBeLessThan(bound);
          expect(largestError(found.c, expected.c)).toBeLessThan(2 * bound);
          expect(largestError(found.h, expected.h)).toBeLessThan(2 * bound);
          expect(found.stray).toBeUndefined();
        }
    });

  it("saturates without losing a finite number", () => {
    const { gates, c, h } = forward(
      Float32Array.of(1e4, -1e4, 1e4, 1e4),
      new Float32Array(4),
      Float32Array.of(5),
      1,
    );
    expect(Array.from(gates)).toEqual([1, 0, 1, 1]);
    expect(c[0]).toBe(1);
    expect(h[0]).toBeCloseTo(Math.tanh(1), 6);
  });

  it("may write c over c_prev", () => {
    const [hidden, batch] = [7, 3];
    const a = random(4 * batch * hidden, 2, 4);
    const bias = random(4 * hidden, 1, 5);
    const cPrev = random(batch * hidden, 1, 6);
    const apart = forward(a, bias, cPrev, hidden);
    arena.reset();
    const gates = arena.region(a.length, a);
    const biasAt = arena.region(bias.length, bias);
    const c = arena.region(cPrev.length, cPrev);
    const h = arena.region(cPrev.length);
    k.lstmForward(gates, biasAt, c, c, h, batch, hidden);
    expect(arena.read(c, cPrev.length)).toEqual(apart.c);
    expect(arena.read(h, cPrev.length)).toEqual(apart.h);
  });
});

describe("lstmBackward", () => {
  /** The kernel's gradients of sum(wc·c + wh·h) by a and by c_prev. */
  function backward(
    a: Float32Array,
    bias: Float32Array,
    cPrev: Float32Array,
    wh: Float32Array,
    wc: Float32Array,
    hidden: number,
  ) {
    const { at } = forward(a, bias, cPrev, hidden);
    const count = cPrev.length;
    const dh = arena.region(count, wh);
    const dc = arena.region(count, wc);
    const before = arena.snapshot();
    k.lstmBackward(at.gates, at.cPrev, at.c, dh, dc, count / hidden, hidden);
    const stray = arena.strayWrite(before, [
      { at: at.gates, rows: 1, width: 4 * count, stride: 0 },
      { at: dc, rows: 1, width: count, stride: 0 },
    ]);
    return { byA: arena.read(at.gates, 4 * count), byCPrev: arena.read(dc, count), stray };
  }

  for (const hidden of HIDDEN)
    it(`agrees with central differences at hidden ${hidden}, and writes its outputs alone`, () => {
      for (const batch of [1, 3]) {
        const count = batch * hidden;
        const a = random(4 * count, 2, 7);
        const bias = random(4 * hidden, 1, 8);
        const cPrev = random(count, 2, 9);
        const wh = random(count, 1, 10);
        const wc = random(count, 1, 11);
        const found = backward(a, bias, cPrev, wh, wc, hidden);
        const loss = ({ c, h }: { c: Float64Array; h: Float64Array }) => dot(wc, c) + dot(wh, h);
        const byA = centralDifferences((x) => loss(step(x, bias, cPrev, hidden)), a);
        const byCPrev = centralDifferences((x) => loss(step(a, bias, x, hidden)), cPrev);
        expect(largestError(found.byA, byA)).toBeLessThan(1e-6);
        expect(largestError(found.byCPrev, byCPrev)).toBeLessThan(1e-6);
        expect(found.stray).toBeUndefined();
      }
    });

  it("gives a unit the same bits in a vector and in the tail", () => {
    const batch = 2;
    const input = (hidden: number, seed: number, gates: number) => {
      // The first seven units of both widths are the same.
      const wide = random(batch * gates * 8, 2, seed);
      const out = new Float32Array(batch * gates * hidden);
      for (let r = 0; r < batch * gates; r++) out.set(wide.subarray(8 * r, 8 * r + hidden), r * hidden);
      return out;
    };
    const run = (hidden: number) => {
      const bias = input(hidden, 22, 4).subarray(0, 4 * hidden);
      const a = input(hidden, 21, 4);
      const cPrev = input(hidden, 23, 1);
      const { gates, c, h } = forward(a, bias, cPrev, hidden);
      const { byA, byCPrev } = backward(a, bias, cPrev, input(hidden, 24, 1), input(hidden, 25, 1), hidden);
      return [gates, c, h, byA, byCPrev].map((values) =>
        Array.from({ length: values.length / hidden }, (_, r) =>
          Array.from(values.subarray(r * hidden, r * hidden + 7)),
        ),
      );
    };
    expect(run(7)).toEqual(run(8));
  });

  it("keeps gradients of saturated gates at zero", () => {
    const { byA, byCPrev } = backward(
      Float32Array.of(1e4, 1e4, 1e4, 1e4),
      new Float32Array(4),
      Float32Array.of(0.5),
      Float32Array.of(1),
      Float32Array.of(1),
      1,
    );
    expect(Array.from(byA)).toEqual([0, 0, 0, 0]);
    expect(byCPrev[0]).toBeCloseTo(2 - Math.tanh(1.5) ** 2, 6);
  });
});
