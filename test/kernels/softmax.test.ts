import { describe, expect, it } from "vitest";
import { Arena, centralDifferences, largestError, random } from "./matrix.ts";

const VOCABULARIES = [1, 2, 3, 4, 5, 8, 13, 96, 1003];
const arena = new Arena(4 * 2 ** 20);
const k = arena.k;
const rounded = (n: number) => Math.ceil(n / 4) * 4;

function logSoftmax(logits: ArrayLike<number>): Float64Array {
  const x = Float64Array.from(logits);
  const most = x.reduce((a, b) => Math.max(a, b));
  const sum = x.reduce((total, value) => total + Math.exp(value - most), 0);
  return x.map((value) => value - most - Math.log(sum));
}

interface Rows {
  rows: number;
  vocabulary: number;
  logits: Float32Array;
  bias: Float32Array;
  targets: number[];
}

function sample(rows: number, vocabulary: number, scale: number, seed = 1): Rows {
  return {
    rows,
    vocabulary,
    logits: random(rows * vocabulary, scale, seed),
    bias: random(vocabulary, scale / 4, seed + 1),
    targets: Array.from({ length: rows }, (_, r) => (r * 7 + vocabulary - 1) % vocabulary),
  };
}

/** Sums of a logit and its bias as the kernel rounds them. */
function row({ vocabulary, logits, bias }: Rows, r: number): Float64Array {
  return Float64Array.from({ length: vocabulary }, (_, j) =>
    Math.fround(logits[r * vocabulary + j] + bias[j]),
  );
}

/** Lays the rows out in their stride; the padding holds NaN, as memory may. */
function place({ rows, vocabulary, logits, bias, targets }: Rows) {
  arena.reset();
  const stride = rounded(vocabulary);
  const at = arena.region(rows * stride);
  for (let r = 0; r < rows; r++)
    arena.floats.set(logits.subarray(r * vocabulary, (r + 1) * vocabulary), at / 4 + r * stride);
  const biasAt = arena.region(vocabulary, bias);
  const targetsAt = arena.indices(targets);
  const nll = arena.region(rows);
  const allowed = [
    { at, rows: 1, width: rows * stride, stride: 0 },
    { at: nll, rows: 1, width: rows, stride: 0 },
  ];
  return { stride, at, biasAt, targetsAt, nll, allowed };
}

function crossEntropy(input: Rows, scale: number) {
  const { stride, at, biasAt, targetsAt, nll, allowed } = place(input);
  const before = arena.snapshot();
  const total = k.crossEntropy(at, biasAt, targetsAt, nll, input.rows, input.vocabulary, stride, scale);
  const stray = arena.strayWrite(before, allowed);
  return {
    total,
    stray,
    stride,
    nll: arena.read(nll, input.rows),
    gradient: arena.read(at, input.rows * stride),
  };
}

function probabilities(input: Rows) {
  const { stride, at, biasAt, targetsAt, nll, allowed } = place(input);
  const before = arena.snapshot();
  k.probabilities(at, biasAt, targetsAt, nll, input.rows, input.vocabulary, stride);
  const stray = arena.strayWrite(before, allowed);
  return {
    stray,
    stride,
    at,
    targetsAt,
    nll: arena.read(nll, input.rows),
    p: arena.read(at, input.rows * stride),
  };
}

describe("crossEntropy", () => {
  for (const vocabulary of VOCABULARIES)
    it(`agrees with double precision at a vocabulary of ${vocabulary}`, () => {
      for (const scale of [0.01, 3, 80]) {
        const input = sample(5, vocabulary, scale);
        const { total, nll, gradient, stride, stray } = crossEntropy(input, 0.25);
        let expectedTotal = 0;
        for (let r = 0; r < input.rows; r++) {
          const log = logSoftmax(row(input, r));
          const target = input.targets[r];
          expectedTotal -= log[target];
          expect(Math.abs(nll[r] + log[target])).toBeLessThan(1e-6 * (1 + Math.abs(log[target])));
          const expected = log.map((x, j) => 0.25 * (Math.exp(x) - Number(j === target)));
          expect(largestError(gradient.subarray(r * stride, r * stride + vocabulary), expected)).toBeLessThan(
            2e-7,
          );
          expect(gradient.subarray(r * stride + vocabulary, (r + 1) * stride).every((x) => x === 0)).toBe(
            true,
          );
        }
        expect(Math.abs(total - expectedTotal)).toBeLessThan(1e-6 * (1 + expectedTotal));
        expect(total).toBe(nll.reduce((sum, x) => sum + x, 0));
        expect(stray).toBeUndefined();
      }
    });

  it("has the gradient of the mean loss, by central differences", () => {
    for (const vocabulary of VOCABULARIES.slice(0, 8)) {
      const input = sample(3, vocabulary, 4, 5);
      const { gradient, stride } = crossEntropy(input, 1 / 3);
      const loss = (x: Float64Array) => {
        let sum = 0;
        for (let r = 0; r < 3; r++) {
          const logits = x.subarray(r * vocabulary, (r + 1) * vocabulary).map((v, j) => v + input.bias[j]);
          sum -= logSoftmax(logits)[input.targets[r]] / 3;
        }
        return sum;
      };
      const expected = centralDifferences(loss, input.logits);
      for (let r = 0; r < 3; r++)
        expect(
          largestError(
            gradient.subarray(r * stride, r * stride + vocabulary),
            expected.subarray(r * vocabulary, (r + 1) * vocabulary),
          ),
        ).toBeLessThan(1e-6);
    }
  });

  it("stays finite and right on extreme logits", () => {
    for (const vocabulary of VOCABULARIES.slice(1))
      for (const size of [80, 1e4]) {
        const input = sample(4, vocabulary, size, 3);
        for (let r = 0; r < 4; r++) input.logits[r * vocabulary + (r % vocabulary)] = r % 2 ? size : -size;
        input.bias.fill(0);
        const { total, nll, gradient } = crossEntropy(input, 1);
        expect(Number.isFinite(total)).toBe(true);
        expect(gradient.every((x) => Number.isFinite(x) && Math.abs(x) <= 1.000001)).toBe(true);
        for (let r = 0; r < 4; r++) {
          const expected = -logSoftmax(row(input, r))[input.targets[r]];
          expect(Math.abs(nll[r] - expected)).toBeLessThan(1e-6 * (1 + expected));
        }
      }
  });

  it("shows a NaN wherever in the row it stands", () => {
    for (const j of [0, 3, 4, 11, 12]) {
      const input = sample(1, 13, 1);
      input.logits[j] = Number.NaN;
      expect(crossEntropy(input, 1).total).toBeNaN();
    }
  });

  it("gives rows the same bits whichever others they come with", () => {
    const input = sample(5, 13, 3);
    const all = crossEntropy(input, 0.5);
    const last = crossEntropy(
      { ...input, rows: 1, logits: input.logits.slice(4 * 13), targets: [input.targets[4]] },
      0.5,
    );
    expect(all.gradient.slice(4 * all.stride)).toEqual(last.gradient);
    expect(all.nll[4]).toBe(last.nll[0]);
  });
});

describe("probabilities", () => {
  it("sums to 1 and agrees with double precision", () => {
    for (const vocabulary of VOCABULARIES)
      for (const scale of [0.01, 3, 80, 1e4]) {
        const input = sample(3, vocabulary, scale, 7);
        const { p, nll, stride, stray } = probabilities(input);
        for (let r = 0; r < 3; r++) {
          const log = logSoftmax(row(input, r));
          const found = p.subarray(r * stride, (r + 1) * stride);
          expect(Math.abs(found.reduce((sum, x) => sum + x, 0) - 1)).toBeLessThan(1e-6);
          expect(largestError(found.subarray(0, vocabulary), log.map(Math.exp))).toBeLessThan(3e-7);
          expect(found.subarray(vocabulary).every((x) => x === 0)).toBe(true);
          expect(Math.abs(nll[r] + log[input.targets[r]])).toBeLessThan(
            1e-6 * (1 + Math.abs(log[input.targets[r]])),
          );
        }
        expect(stray).toBeUndefined();
      }
  });

  it("has the losses of crossEntropy, to the bit", () => {
    for (const vocabulary of VOCABULARIES) {
      const input = sample(5, vocabulary, 5, 11);
      expect(probabilities(input).nll).toEqual(crossEntropy(input, 1).nll);
    }
  });
});

describe("what is made of probabilities", () => {
  it("adds rows of samples up", () => {
    arena.reset();
    const a = random(24, 1, 1);
    const b = random(24, 1, 2);
    const sum = arena.region(24);
    const first = arena.region(24, a);
    const second = arena.region(24, b);
    const before = arena.snapshot();
    k.addProbabilities(sum, first, 24, 1);
    expect(arena.read(sum, 24)).toEqual(a);
    k.addProbabilities(sum, second, 24, 0);
    expect(arena.read(sum, 24)).toEqual(a.map((x, i) => x + b[i]));
    expect(arena.strayWrite(before, [{ at: sum, rows: 1, width: 24, stride: 0 }])).toBeUndefined();
  });

  it("has the entropy of the scaled rows, 0 ln 0 being 0", () => {
    for (const vocabulary of VOCABULARIES)
      for (const scale of [0.01, 3, 1e4]) {
        const input = sample(3, vocabulary, scale, 13);
        const { at, stride, p } = probabilities(input);
        const entropy = arena.region(3);
        const before = arena.snapshot();
        const expected = (by: number) =>
          Float64Array.from({ length: 3 }, (_, r) => {
            let sum = 0;
            for (const x of p.subarray(r * stride, (r + 1) * stride))
              if (x > 0) sum -= x * by * Math.log(x * by);
            return sum;
          });
        k.addEntropy(entropy, at, 3, stride, 1, 1);
        expect(largestError(arena.read(entropy, 3), expected(1))).toBeLessThan(1e-6);
        k.addEntropy(entropy, at, 3, stride, 0.5, 0);
        const half = expected(0.5);
        expect(
          largestError(
            arena.read(entropy, 3),
            expected(1).map((x, r) => x + half[r]),
          ),
        ).toBeLessThan(2e-6);
        expect(arena.strayWrite(before, [{ at: entropy, rows: 1, width: 3, stride: 0 }])).toBeUndefined();
      }
  });

  it("without a bias does what it does with one of zeros, to the bit", () => {
    for (const vocabulary of VOCABULARIES) {
      const input = { ...sample(5, vocabulary, 3, 29), bias: new Float32Array(vocabulary) };
      const run = (bias: boolean, gradient: boolean) => {
        const { at, biasAt, targetsAt, nll, stride, allowed } = place(input);
        const before = arena.snapshot();
        const address = bias ? biasAt : 0;
        const total = gradient
          ? k.crossEntropy(at, address, targetsAt, nll, 5, vocabulary, stride, 0.2)
          : k.probabilities(at, address, targetsAt, nll, 5, vocabulary, stride);
        expect(arena.strayWrite(before, allowed)).toBeUndefined();
        return [total, arena.read(at, 5 * stride), arena.read(nll, 5)];
      };
      for (const gradient of [true, false]) expect(run(false, gradient)).toEqual(run(true, gradient));
    }
  });

  it("places a cluster's probabilities beside others, times the cluster's own, and writes nothing else", () => {
    for (const size of VOCABULARIES) {
      const [rows, stride, outStride, clusters] = [3, rounded(size), size + 7, 2];
      arena.reset();
      const p = random(rows * stride, 1, 31);
      const shares = random(rows * clusters, 1, 32);
      const at = arena.region(rows * stride, p);
      const factors = arena.region(rows * clusters, shares);
      const out = arena.region(rows * outStride);
      const before = arena.snapshot();
      k.placeCluster(out + 12, outStride, at, stride, factors + 4, clusters, rows, size);
      expect(
        arena.strayWrite(before, [{ at: out + 12, rows, width: size, stride: outStride }]),
      ).toBeUndefined();
      for (let r = 0; r < rows; r++)
        expect(arena.read(out + 4 * (r * outStride + 3), size)).toEqual(
          p.slice(r * stride, r * stride + size).map((x) => x * shares[r * clusters + 1]),
        );
    }
  });

  it("scores rows: confidence, hit, Brier, the target's probability", () => {
    for (const vocabulary of VOCABULARIES) {
      const input = sample(6, vocabulary, 3, 17);
      // One row is right for certain.
      input.logits[2 * vocabulary + input.targets[2]] = 30;
      const { at, stride, p, targetsAt } = probabilities(input);
      const out = arena.region(24);
      const before = arena.snapshot();
      k.scoreRows(out, at, targetsAt, 6, stride, 0.5);
      const found = arena.read(out, 24);
      for (let r = 0; r < 6; r++) {
        const scaled = Array.from(p.subarray(r * stride, r * stride + vocabulary), (x) => x * 0.5);
        const target = input.targets[r];
        const most = scaled.reduce((a, b) => Math.max(a, b));
        const brier = scaled.reduce((sum, x, j) => sum + (x - Number(j === target)) ** 2, 0);
        expect(found[4 * r]).toBe(most);
        expect(found[4 * r + 1]).toBe(Number(scaled[target] === most));
        expect(found[4 * r + 2]).toBeCloseTo(brier, 6);
        expect(found[4 * r + 3]).toBe(scaled[target]);
      }
      expect(found[9]).toBe(1);
      expect(arena.strayWrite(before, [{ at: out, rows: 1, width: 24, stride: 0 }])).toBeUndefined();
    }
  });
});
