/** @module What random numbers are numbered by: a seed, and a stream for every use. */

/** Streams of random numbers: one use each, so that no two draws share bits. */
export const STREAM = { weights: 0, initialise: 1, dropout: 2, evaluate: 3, generate: 4, signs: 5 } as const;

/** A 64-bit seed as the generator takes it. */
export interface Seed {
  readonly low: number;
  readonly high: number;
}

/** @param seed an integer from 0 to 2⁵³ − 1 */
export function seedOf(seed: number): Seed {
  return { low: (seed % 2 ** 32) | 0, high: Math.floor(seed / 2 ** 32) | 0 };
}
