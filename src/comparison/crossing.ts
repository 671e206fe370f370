/** @module The rules of the clock: when a run counts as having reached a target. */
import type { CurvePoint } from "./run.ts";

/** Share of the final noise below which a crossing is the warm phase's, not the posterior's. */
export const LEAST_NOISE = 0.5;

export interface Crossing {
  /** Tokens until the target was reached with at least half of the final noise on; null where it never was. */
  readonly tokens: number | null;
  /** Tokens until it was reached at all, where that was earlier: the warm phase's crossing. */
  readonly warm: number | null;
}

/**
 * Of a method with a posterior; a point estimate has no noise to wait for.
 * A warm phase counts: tokens are those of the whole run from its first step.
 */
export function crossing(curve: readonly CurvePoint[], target: number, noisy: boolean): Crossing {
  const reached = curve.find(({ nll }) => nll <= target)?.tokens ?? null;
  if (!noisy) return { tokens: reached, warm: null };
  const tokens = curve.find(({ nll, noise }) => nll <= target && noise >= LEAST_NOISE)?.tokens ?? null;
  return { tokens, warm: reached === tokens ? null : reached };
}

/** The lowest point; the first of equals. */
export function lowest(curve: readonly CurvePoint[]): CurvePoint {
  return curve.reduce((best, point) => (point.nll < best.nll ? point : best));
}

/** Rise of the validation loss from its lowest point to the end of the run, relative. */
export function rise(curve: readonly CurvePoint[]): number {
  return curve[curve.length - 1].nll / lowest(curve).nll - 1;
}
