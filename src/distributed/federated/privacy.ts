/**
 * @module What a party's results tell about its text at most: differential privacy of Gaussian noise over rounds.
 *
 * A result is the change of the mean, clipped to the norm C, with noise N(0, (zC)²) on every number. Texts that differ
 * as much as they like change it by at most 2C. The Gaussian mechanism has the Rényi divergence α·s²/(2z²) of order α,
 * s the greatest change over C (Mironov 2017, proposition 7); rounds add up, also where later ones depend on earlier
 * ones (proposition 1); (ε, δ) follows by theorem 21 of Balle, Barthe, Gaboardi, Hsu and Sato (2020), which is less
 * than Mironov's proposition 3. The order that gives the least ε is searched.
 */
import { requireInteger, requireNumber } from "../../errors.ts";
import { type Kinds, requireOptions } from "../../options.ts";

export interface PrivacyOptions {
  /** Standard deviation of the noise over the clipping norm, above 0. */
  readonly noise: number;
  /** Results that were sent: rounds, and any that were made anew for the same round. */
  readonly rounds: number;
  /** Probability with which ε may fail, above 0 and below 1; well below one over the number of persons in the text. */
  readonly delta: number;
  /** Greatest change of a result, in clipping norms: 2 by default, for any two texts; 1 for a text or none. */
  readonly sensitivity?: number;
}

const PRIVACY: Kinds<PrivacyOptions> = {
  noise: "number",
  rounds: "number",
  delta: "number",
  sensitivity: "number",
};

export interface Privacy {
  readonly epsilon: number;
  /** Rényi's order that shows it. */
  readonly order: number;
}

/** Orders are searched from 1 + e^−9 to 1 + e^15. */
const [FROM, TO, STEPS] = [-9, 15, 480];
const REFINEMENTS = 3;

/**
 * Privacy of a party's whole text, in results that all went out with the same noise.
 *
 * ```ts
 * import { privacySpent } from "svi-lm/federated";
 *
 * console.log(privacySpent({ noise: 10, rounds: 20, delta: 1e-6 }).epsilon.toFixed(2)); // 4.60
 * ```
 *
 * @throws SviError `E_OPTION`
 */
export function privacySpent(options: PrivacyOptions): Privacy {
  requireOptions("privacySpent", options, PRIVACY);
  const positive = (name: string, value: number) =>
    requireNumber(name, value, "a number above 0", (v) => v > 0);
  const noise = positive("noise", options.noise);
  const sensitivity = positive("sensitivity", options.sensitivity ?? 2);
  const rounds = requireInteger("rounds", options.rounds, 0, Number.MAX_SAFE_INTEGER);
  const delta = requireNumber("delta", options.delta, "between 0 and 1", (v) => v > 0 && v < 1);
  if (rounds === 0) return { epsilon: 0, order: Number.POSITIVE_INFINITY };
  const rate = (rounds * sensitivity * sensitivity) / (2 * noise * noise);
  const at = (exponent: number): Privacy => {
    const order = 1 + Math.exp(exponent);
    const converted = Math.log1p(-1 / order) - Math.log(delta * order) / (order - 1);
    return { epsilon: Math.max(0, rate * order + converted), order };
  };
  let [center, width] = [(FROM + TO) / 2, (TO - FROM) / 2];
  for (let pass = 0; pass < REFINEMENTS; pass++) {
    center = least(at, center - width, center + width);
    width = (2 * width) / STEPS;
  }
  return at(center);
}

function least(at: (exponent: number) => Privacy, from: number, to: number): number {
  let best = from;
  for (let i = 1; i <= STEPS; i++) {
    const exponent = from + ((to - from) * i) / STEPS;
    if (at(exponent).epsilon < at(best).epsilon) best = exponent;
  }
  return best;
}
