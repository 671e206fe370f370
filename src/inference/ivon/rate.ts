/** @module IVON's learning rate where none is given. */
import type { Method } from "../methods.ts";

/** Right for a run of so many steps that reads nothing twice (docs/lab/ivon.md). */
const RATE = 20;
const STEPS = 300;
const MOST_RATE = 28;
/** From a learnt posterior on. */
const LEARNT_RATE = 8;

export interface RunLength {
  readonly steps: number;
  /** Times that the effective tokens are read. */
  readonly epochs: number;
}

/** A method's learning rate: IVON's own falls with the fourth root of steps and epochs. */
export function rateOf(method: Method, { steps, epochs }: RunLength): number {
  if (method.learningRate !== null) return method.learningRate;
  if (method.kind === "ivon" && method.prior?.kind === "posterior") return LEARNT_RATE;
  const root = Math.sqrt(Math.sqrt(STEPS / (steps * Math.max(1, epochs))));
  return Math.min(MOST_RATE, RATE * root);
}
