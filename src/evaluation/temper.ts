/** @module Rows of probabilities at another temperature (Guo et al. 2017, "On calibration of modern neural networks"). */
import type { MemoryPlan } from "../kernels/memory.ts";

/** Below it a logarithm has nothing to take hold of: the smallest normal number. */
export const LEAST_PROBABILITY = 1.1754944e-38;

/** Rows [rows, stride] and what is made of them; addresses. */
interface Tempered {
  readonly probabilities: number;
  readonly targets: number;
  /** [rows], written. */
  readonly nll: number;
  readonly rows: number;
  readonly stride: number;
  readonly vocabulary: number;
}

/**
 * p^(1/T) over its sum, in place, and the rows' negative log-likelihoods: what dividing logits by T comes to, for
 * averages of samples and mixtures with a cache as well, which have no logits.
 */
export function temper(plan: MemoryPlan, temperature: number, at: Tempered): void {
  const { probabilities, targets, nll, rows, stride, vocabulary } = at;
  const k = plan.instance.exports;
  const count = rows * stride;
  const values = plan.floats(probabilities, count);
  for (let i = 0; i < count; i++) values[i] = Math.max(values[i], LEAST_PROBABILITY);
  k.logArray(probabilities, probabilities, count);
  k.axpby(probabilities, 1 / temperature, probabilities, 0, count);
  k.probabilities(probabilities, 0, targets, nll, rows, vocabulary, stride);
}
