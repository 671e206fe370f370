/** @module Kernels as tapes record their calls: all that training, evaluation and threads know besides prediction's. */
import { call, type KernelCalls, predictionCalls } from "./calls.ts";
import {
  type Cut,
  ELEMENTS,
  elements,
  lanes,
  type Moves,
  packing,
  rowGranule,
  rows,
  SHORT_ROWS,
  SPEED,
  SUM_BLOCK,
} from "./cuts.ts";
import * as order from "./generated/arguments.ts";
import type { Signatures } from "./generated/signatures.ts";

function sum<A extends { readonly n: number }>(
  nanoseconds: number,
  moves: Moves<NoInfer<A>>,
  combine = (a: number, b: number) => a + b,
): Cut<A> {
  return {
    cost: ({ n }) => nanoseconds * n,
    ways: () => [{ along: "n", granule: SUM_BLOCK, moves }],
    combine,
  };
}

const gemmPair: Cut<Signatures["gemmPair"]> = {
  cost: ({ m, n, n2, k }) => (2 * m * (n + n2) * k) / SPEED,
  own: "scratch",
  ways: ({ m, ldc, ldc2 }, threads) => [
    {
      along: "m",
      granule: threads === 1 ? SHORT_ROWS : rowGranule(m, true, threads),
      moves: { a: 4, c: 4 * ldc, c2: 4 * ldc2 },
    },
  ],
};

let known: KernelCalls | undefined;

/** Of all kernels that are recorded, those of prediction among them. */
export function allCalls(): KernelCalls {
  known ??= { ...predictionCalls(), ...updateCalls(), ...layerCalls() };
  return known;
}

function updateCalls() {
  return {
    sampleNatural: call<"sampleNatural">(
      order.sampleNatural,
      elements(3.3, () => ({ theta: 4, mean: 4, h: 4, firstElement: 1 })),
    ),
    sampleMeanField: call<"sampleMeanField">(
      order.sampleMeanField,
      elements(5, () => ({ theta: 4, mean: 4, rho: 4, firstElement: 1 })),
    ),
    deviationArray: call<"deviationArray">(
      order.deviationArray,
      elements(2, () => ({ out: 4, rho: 4 })),
    ),
    averageInto: call<"averageInto">(
      order.averageInto,
      elements(0.4, () => ({ average: 4, x: 4 })),
    ),
    meanFieldGradient: call<"meanFieldGradient">(
      order.meanFieldGradient,
      elements(5, () => ({ gMean: 4, gRho: 4, theta: 4, mean: 4, rho: 4 })),
    ),
    meanFieldFinish: call<"meanFieldFinish">(
      order.meanFieldFinish,
      elements(5, () => ({ gMean: 4, gSd: 4, mean: 4, rho: 4 })),
    ),
    meanFieldAccumulate: call<"meanFieldAccumulate">(
      order.meanFieldAccumulate,
      elements(3, () => ({ gMeanSum: 4, gSdSum: 4, theta: 4, mean: 4, rho: 4, g: 4 })),
    ),
    sgdStep: call<"sgdStep">(
      order.sgdStep,
      elements(0.4, () => ({ w: 4, u: 4, g: 4 })),
    ),
    dynamicStep: call<"dynamicStep">(
      order.dynamicStep,
      elements(0.6, () => ({ w: 4, mean: 4, scale: 4, g: 4 })),
    ),
    adamStep: call<"adamStep">(
      order.adamStep,
      elements(1.8, () => ({ w: 4, m: 4, v: 4, g: 4 })),
    ),
    ivonStep: call<"ivonStep">(
      order.ivonStep,
      elements(2.4, ({ g, price }) => ({
        mean: 4,
        h: 4,
        u: 4,
        theta: 4,
        g: g && 4,
        price: price && 4,
      })),
    ),
    anchorGradient: call<"anchorGradient">(
      order.anchorGradient,
      elements(0.8, () => ({ g: 4, mean: 4, anchor: 4, precision: 4 })),
    ),
    accumulateParticle: call<"accumulateParticle">(
      order.accumulateParticle,
      elements(1, () => ({ gSum: 4, price: 4, theta: 4, mean: 4, g: 4 })),
    ),
    sumSquares: call<"sumSquares">(order.sumSquares, sum(0.15, { g: 4 })),
    klNatural: call<"klNatural">(order.klNatural, sum(1.5, { mean: 4, h: 4 })),
    klMeanField: call<"klMeanField">(order.klMeanField, sum(3, { mean: 4, rho: 4 })),
    mixtureGradient: call<"mixtureGradient">(order.mixtureGradient, sum(6, { g: 4, theta: 4 })),
    entropyMeanField: call<"entropyMeanField">(order.entropyMeanField, sum(3, { rho: 4 })),
    isFiniteArray: call<"isFiniteArray">(order.isFiniteArray, sum(0.15, { x: 4 }, Math.min)),
    rowSquares: call<"rowSquares">(
      order.rowSquares,
      rows(
        ({ width }) => 0.5 * width,
        ({ width }) => ({ out: 8, x: 4 * width }),
      ),
    ),
    rowLevels: call<"rowLevels">(
      order.rowLevels,
      rows(
        ({ width }) => 2 * width,
        ({ width }) => ({ inverses: 8, totals: 8, x: 4 * width }),
      ),
    ),
    scaleRows: call<"scaleRows">(
      order.scaleRows,
      rows(
        ({ width }) => 0.5 * width,
        ({ width }) => ({ x: 4 * width, factors: 8 }),
      ),
    ),
  } satisfies KernelCalls;
}

function layerCalls() {
  return {
    dropoutMask: call<"dropoutMask">(order.dropoutMask),
    attendBackward: call<"attendBackward">(
      order.attendBackward,
      rows(
        ({ width, stride }) => 0.1 * width * stride,
        ({ width, stride }) => ({
          dx: 4 * width,
          slopes: 4 * stride,
          dOut: 8 * width,
          weights: 4 * stride,
          places: 4 * stride,
          counts: 4,
        }),
      ),
    ),
    // By columns first: rows read states in common.
    attendKeysBackward: call<"attendKeysBackward">(order.attendKeysBackward, {
      cost: ({ rows, width, stride }) => 0.15 * rows * width * stride,
      ways: ({ pitch, stride }) => [
        { along: "width", granule: 16, moves: { dx: 4, dOut: 4, x: 4 } },
        {
          along: "rows",
          granule: 1,
          moves: {
            dOut: 8 * pitch,
            slopes: 4 * stride,
            weights: 4 * stride,
            x: 4 * pitch,
            places: 4 * stride,
            counts: 4,
          },
          after: {},
        },
      ],
    }),
    tanhBackward: call<"tanhBackward">(
      order.tanhBackward,
      elements(0.4, () => ({ dx: 4, y: 4 })),
    ),
    addProbabilities: call<"addProbabilities">(order.addProbabilities, {
      cost: ({ count }) => 0.4 * count,
      ways: () => [{ along: "count", granule: ELEMENTS, moves: { sum: 4, p: 4 } }],
    }),
    // By columns first: rows may have an id in common.
    scatterAddRows: call<"scatterAddRows">(order.scatterAddRows, {
      cost: ({ count, width }) => 0.2 * count * width,
      ways: ({ stride }) => [
        { along: "width", granule: 16, moves: { table: 4, rows: 4 } },
        { along: "count", granule: 1, moves: { rows: 4 * stride, ids: 4 }, after: {} },
      ],
    }),
    sumRows: call<"sumRows">(order.sumRows, {
      cost: ({ count, width }) => 0.15 * count * width,
      ways: ({ stride }) => [
        { along: "width", granule: 16, moves: { out: 4, rows: 4 } },
        { along: "count", granule: 1, moves: { rows: 4 * stride }, after: { accumulate: 1 } },
      ],
    }),
    maskRows: call<"maskRows">(
      order.maskRows,
      rows(
        ({ width }) => 0.4 * width,
        ({ width }) => ({ out: 4 * width, x: 4 * width }),
        ({ batch }) => batch,
      ),
    ),
    keepRows: call<"keepRows">(
      order.keepRows,
      rows(
        ({ width }) => 0.1 * width,
        ({ width }) => ({ out: 4 * width, x: 4 * width, keep: 4 }),
      ),
    ),
    addRows: call<"addRows">(
      order.addRows,
      rows(
        ({ width }) => 0.15 * width,
        ({ width }) => ({ out: 4 * width, x: 4 * width }),
      ),
    ),
    crossEntropy: call<"crossEntropy">(
      order.crossEntropy,
      rows(
        ({ vocabulary }) => 2 * vocabulary,
        ({ stride }) => ({ logits: 4 * stride, targets: 4, nll: 4 }),
      ),
    ),
    addEntropy: call<"addEntropy">(
      order.addEntropy,
      rows(
        ({ stride }) => 2 * stride,
        ({ stride }) => ({ entropy: 4, p: 4 * stride }),
      ),
    ),
    scoreRows: call<"scoreRows">(
      order.scoreRows,
      rows(
        ({ stride }) => 0.5 * stride,
        ({ stride }) => ({ out: 16, p: 4 * stride, targets: 4 }),
      ),
    ),
    lstmBackward: call<"lstmBackward">(
      order.lstmBackward,
      lanes(5, (width) => ({ gates: 4 * width, cPrev: width, c: width, dh: width, dc: width })),
    ),
    gruBackward: call<"gruBackward">(
      order.gruBackward,
      lanes(4, (width) => ({
        gates: 3 * width,
        products: 3 * width,
        hPrev: width,
        dh: width,
        carried: width,
      })),
    ),
    gemmPair: call<"gemmPair">(order.gemmPair, gemmPair),
    packColumns: call<"packColumns">(
      order.packColumns,
      packing(({ ldb }) => [4, 4 * ldb]),
    ),
  } satisfies KernelCalls;
}
