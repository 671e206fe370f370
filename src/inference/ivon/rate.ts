/** @module IVON's learning rate where none is given. */
import type { Method } from "../methods.ts";

/** Right for a run of so many steps of so many tokens that reads nothing twice (docs/lab/ivon.md). */
const RATE = 20;
const STEPS = 300;
const TOKENS = 1024;
/** Fewer count as so many, of small minibatches as more: longer steps would not be gained by. */
const LEAST_STEPS = 80;
const MOST_RATE = 28;
/** From a learnt posterior on. */
const LEARNT_RATE = 8;
/** Of a rate that stays as high to the end, where a cosine's is half as high on average. */
const CONSTANT = 0.5;

export interface RunLength {
  readonly steps: number;
  /** Scored tokens of a step. */
  readonly tokens: number;
  /** Times that the effective tokens are read. */
  readonly epochs: number;
  readonly schedule: { readonly kind: string };
}

/**
 * A method's learning rate. IVON's own falls with the fourth root of steps and epochs, and rises with that of a step's
 * tokens, whose gradients are less noisy the more they are.
 */
export function rateOf(method: Method, { steps, tokens, epochs, schedule }: RunLength): number {
  if (method.learningRate !== null) return method.learningRate;
  if (method.kind === "ivon" && method.prior?.kind === "posterior") return LEARNT_RATE;
  const counted = Math.max(LEAST_STEPS * Math.sqrt(TOKENS / tokens), steps);
  const share = (STEPS * tokens) / (TOKENS * counted * Math.max(1, epochs));
  const rate = Math.min(MOST_RATE, RATE * Math.sqrt(Math.sqrt(share)));
  return schedule.kind === "constant" ? CONSTANT * rate : rate;
}

/** What a run's options say of its length. */
interface Run extends Pick<RunLength, "steps" | "schedule"> {
  readonly method: Method;
  readonly batch: number;
  readonly sequence: number;
  /** Scored tokens of a window, on average; all where it is null or not given. */
  readonly scored?: number | null;
  readonly lambda: number;
}

/** The learning rate of a run at its highest. */
export function highestRate({ method, steps, batch, sequence, scored, lambda, schedule }: Run): number {
  const tokens = scored ?? batch * sequence;
  return rateOf(method, { steps, tokens, epochs: (steps * tokens) / lambda, schedule });
}
