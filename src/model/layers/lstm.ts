/** @module Long short-term memory, PyTorch's nn.LSTM: gates in the order i, f, g, o. */
import type { KernelExports } from "../../kernels/generated/signatures.ts";
import type { LoopRecorder } from "../../kernels/tape.ts";
import type { Cell, CellRows, CellStep } from "./cell.ts";
import type { Init } from "./layer.ts";

export const lstm: Cell = {
  prefix: "lstm",
  gates: 4,
  states: 2,
  apart: false,

  /** The forget gate's is 1 (Jozefowicz et al. 2015). */
  biases(hidden: number): readonly [Init, Init] {
    const forget = (value: number): Init => ({
      kind: "uniform",
      width: hidden,
      fill: { from: hidden, to: 2 * hidden, value },
    });
    return [forget(1), forget(0)];
  },

  forward(k: LoopRecorder, { gates, bias, cBefore, c, h, batch, hidden }: CellRows, step: number): void {
    k.lstmForward(
      { gates, bias, cPrev: cBefore, c, h, batch, hidden },
      { gates: 4 * step, cPrev: step, c: step, h: step },
    );
  },

  backward(k: LoopRecorder, { gates, cBefore, c, dh, carried, batch, hidden }: CellRows, step: number): void {
    k.lstmBackward(
      { gates, cPrev: cBefore, c, dh, dc: carried, batch, hidden },
      { gates: 4 * step, cPrev: step, c: step, dh: step },
    );
  },

  step(k: KernelExports, { gates, bias, cBefore, c, h, batch, hidden }: CellStep): void {
    k.lstmForward(gates, bias, cBefore, c, h, batch, hidden);
  },
};
