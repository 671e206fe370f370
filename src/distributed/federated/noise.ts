/**
 * @module A result that tells little of its text: the change of the mean, clipped and with noise from the host's own
 * generator. Noise that a seed gives is known to whoever knows the seed, so that such runs repeat to no hash.
 */
import { requireNumber } from "../../errors.ts";
import type { Layout } from "../../model/layout.ts";
import type { Change } from "../naturals.ts";

export interface Protection {
  /** Greatest Euclidean norm of a round's change of the mean, above 0. */
  readonly clip: number;
  /** Standard deviation of the noise on every weight, over `clip`; above 0. */
  readonly noise: number;
}

/** What `getRandomValues` gives at most in one call, in 32-bit words. */
const MOST_WORDS = 16384;

/** @throws SviError `E_OPTION` */
export function requireProtection({ clip, noise }: Protection): Protection {
  const positive = (name: string, value: number) =>
    requireNumber(name, value, "a number above 0", (v) => v > 0);
  return { clip: positive("clip", clip), noise: positive("noise", noise) };
}

/**
 * The change of natural parameters that moves the mean alone: the precision stays that which all know.
 * @param precision of the weights, before and after
 */
export function protectedChange(
  layout: Layout,
  before: { readonly mean: Float32Array; readonly precision: Float32Array },
  after: Float32Array,
  { clip, noise }: Protection,
): Change {
  const moved = clipped(before.mean, after, clip);
  const random = new Gaussian();
  const weighted = new Float32Array(layout.length);
  for (const { offset, size, bias } of layout.segments)
    for (let i = offset; i < offset + size; i++)
      weighted[i] = (bias ? 1 : before.precision[i]) * (moved[i] + clip * noise * random.next());
  return { precision: new Float32Array(layout.length), weighted };
}

/** The difference, at most `clip` long; none where it is not finite. */
function clipped(before: Float32Array, after: Float32Array, clip: number): Float64Array {
  const moved = Float64Array.from(after, (value, i) => value - before[i]);
  let squares = 0;
  for (const value of moved) squares += value * value;
  const norm = Math.sqrt(squares);
  const factor = Number.isFinite(norm) ? Math.min(1, clip / Math.max(norm, Number.MIN_VALUE)) : 0;
  return moved.map((value) => (factor === 0 ? 0 : value * factor));
}

/** Standard normal numbers by Box and Muller's method, from the host's generator. */
class Gaussian {
  readonly #words = new Uint32Array(MOST_WORDS);
  #used = MOST_WORDS;
  #spare: number | null = null;

  next(): number {
    if (this.#spare !== null) {
      const spare = this.#spare;
      this.#spare = null;
      return spare;
    }
    const radius = Math.sqrt(-2 * Math.log(this.#uniform()));
    const angle = 2 * Math.PI * this.#uniform();
    this.#spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }

  /** Of 53 bits, above 0. */
  #uniform(): number {
    if (this.#used === MOST_WORDS) {
      crypto.getRandomValues(this.#words);
      this.#used = 0;
    }
    const [high, low] = [this.#words[this.#used], this.#words[this.#used + 1]];
    this.#used += 2;
    return ((high >>> 5) * 2 ** 26 + (low >>> 6) + 1) / 2 ** 53;
  }
}
