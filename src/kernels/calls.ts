/** @module Kernels as tapes record their calls, and the set of those that prediction needs. */
import { type Cut, elements, gemm, type Kernel, lanes, packing, rows } from "./cuts.ts";
import * as order from "./generated/arguments.ts";
import type { KernelExports, Signatures } from "./generated/signatures.ts";

/** A kernel's arguments in their order, and how it is cut; not at all where calls are short. */
export interface KernelCall {
  readonly order: readonly string[];
  readonly cut: Cut<Record<string, number>> | undefined;
}

export type KernelCalls = { readonly [K in Kernel]?: KernelCall };

/** What an instance is made for. */
export interface KernelSet {
  /** What may be recorded. */
  calls(): KernelCalls;
  /** Adds kernels to those that predict, where these are not all; `extendLater` where a host makes no instance at once. */
  extend?(own: KernelExports): KernelExports;
  extendLater?(own: KernelExports): Promise<KernelExports>;
}

export function call<K extends Kernel>(names: string, cut?: Cut<Signatures[K]>): KernelCall {
  return { order: names.split(" "), cut: cut as KernelCall["cut"] };
}

let known: KernelCalls | undefined;

export const PREDICTION: KernelSet = {
  calls() {
    known ??= predictionCalls();
    return known;
  },
};

/** In a function, or bundles would keep it where nobody predicts. */
export function predictionCalls() {
  return {
    axpby: call<"axpby">(
      order.axpby,
      elements(0.4, () => ({ out: 4, x: 4 })),
    ),
    copyBytes: call<"copyBytes">(order.copyBytes, {
      cost: ({ bytes }) => 0.1 * bytes,
      ways: () => [{ along: "bytes", granule: 4096, moves: { out: 1, x: 1 } }],
    }),
    fillZero: call<"fillZero">(order.fillZero, {
      cost: ({ bytes }) => 0.05 * bytes,
      ways: () => [{ along: "bytes", granule: 4096, moves: { out: 1 } }],
    }),
    gatherRows: call<"gatherRows">(
      order.gatherRows,
      rows(
        ({ width }) => 0.15 * width,
        ({ width }) => ({ out: 4 * width, ids: 4 }),
      ),
    ),
    gemm: call<"gemm">(order.gemm, gemm),
    lstmForward: call<"lstmForward">(
      order.lstmForward,
      lanes(8.4, (width) => ({ gates: 4 * width, cPrev: width, c: width, h: width })),
    ),
    gruForward: call<"gruForward">(
      order.gruForward,
      lanes(9, (width) => ({ gates: 3 * width, products: 3 * width, hPrev: width, h: width })),
    ),
    attend: call<"attend">(
      order.attend,
      rows(
        ({ width, stride }) => 0.1 * width * stride,
        ({ width, stride }) => ({
          out: 8 * width,
          weights: 4 * stride,
          x: 4 * width,
          places: 4 * stride,
          counts: 4,
        }),
      ),
    ),
    tanhArray: call<"tanhArray">(
      order.tanhArray,
      elements(2, () => ({ out: 4, x: 4 })),
    ),
    packRows: call<"packRows">(
      order.packRows,
      packing(({ ldb }) => [4 * ldb, 4]),
    ),
    probabilities: call<"probabilities">(
      order.probabilities,
      rows(
        ({ vocabulary }) => 2 * vocabulary,
        ({ stride }) => ({ logits: 4 * stride, targets: 4, nll: 4 }),
      ),
    ),
    placeCluster: call<"placeCluster">(
      order.placeCluster,
      rows(
        ({ width }) => 0.4 * width,
        ({ outStride, stride, factorStride }) => ({
          out: 4 * outStride,
          p: 4 * stride,
          factors: 4 * factorStride,
        }),
      ),
    ),
  } satisfies KernelCalls;
}
