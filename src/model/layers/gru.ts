/** @module Gated recurrent units, PyTorch's nn.GRU: gates in the order r, z, n, and two biases. */
import type { KernelExports } from "../../kernels/generated/signatures.ts";
import type { LoopRecorder } from "../../kernels/tape.ts";
import type { Cell, CellRows, CellStep } from "./cell.ts";
import type { Init } from "./layer.ts";

export const gru: Cell = {
  prefix: "gru",
  gates: 3,
  states: 1,
  apart: true,

  biases(hidden: number): readonly [Init, Init] {
    const init = { kind: "uniform", width: hidden } as const;
    return [init, init];
  },

  forward(k: LoopRecorder, at: CellRows, step: number): void {
    const { gates, products, bias, stateBias, hBefore, h, batch, hidden } = at;
    k.gruForward(
      { gates, products, bias, stateBias, hPrev: hBefore, h, batch, hidden },
      { gates: 3 * step, products: 3 * step, hPrev: step, h: step },
    );
  },

  backward(k: LoopRecorder, at: CellRows, step: number): void {
    const { gates, products, hBefore, dh, carried, batch, hidden } = at;
    k.gruBackward(
      { gates, products, hPrev: hBefore, dh, carried, batch, hidden },
      { gates: 3 * step, products: 3 * step, hPrev: step, dh: step },
    );
  },

  step(k: KernelExports, { gates, products, bias, stateBias, hBefore, h, batch, hidden }: CellStep): void {
    k.gruForward(gates, products, bias, stateBias, hBefore, h, batch, hidden);
  },
};
