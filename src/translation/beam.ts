/**
 * @module Beam search over the tokens of one text: the likeliest beginnings are followed side by side, and those that
 * end are weighed by their log-probability over their length to a power (Wu et al. 2016 normalise likewise).
 */

import { likeliest } from "../prediction/likeliest.ts";
import type { RowFigures } from "../prediction/rowEnsemble.ts";

export interface BeamOptions {
  /** Beginnings that are followed, and ends that are found, at most. */
  readonly width: number;
  /** Power of the length that log-probabilities are divided by; 0 for none. */
  readonly lengthNormalisation: number;
  /** Ends a text. */
  readonly end: number;
  /** Stands between source and target, and is never written. */
  readonly after: number;
}

/** What the search needs of the kernels: the same numbers on every engine. */
export interface BeamMath {
  log64(x: number): number;
  exp64(x: number): number;
}

/** A beginning, or a text that has ended; sums over its tokens, in nats. */
export interface Hypothesis {
  readonly before: Hypothesis | null;
  readonly token: number;
  readonly length: number;
  readonly logProbability: number;
  readonly entropy: number;
  readonly mutualInformation: number;
  /** The row of the last step that it follows. */
  readonly parent: number;
}

export interface Ended {
  readonly hypothesis: Hypothesis;
  /** Log-probability over the length to its power. */
  readonly score: number;
  /** Whether the model ended it, not the limit. */
  readonly complete: boolean;
}

interface Extension {
  readonly of: Hypothesis;
  readonly token: number;
  readonly logProbability: number;
  readonly figures: Pick<RowFigures, "entropy" | "mutualInformation">;
  readonly row: number;
}

/** The smallest normal number: below it the logarithm has nothing to take hold of. */
const LEAST_PROBABILITY = 1.1754944e-38;

export class Beam {
  /** Beginnings whose last token is to be read next. */
  live: readonly Hypothesis[];
  readonly #options: BeamOptions;
  readonly #longest: number;
  readonly #k: BeamMath;
  readonly #ended: Ended[] = [];
  #extensions: Extension[] = [];

  /**
   * @param parent row that the target's beginning follows
   * @param longest tokens that are written at most, the end among them
   */
  constructor(options: BeamOptions, k: BeamMath, parent: number, longest: number) {
    const none = { length: 0, logProbability: 0, entropy: 0, mutualInformation: 0 };
    this.#options = options;
    this.#k = k;
    this.#longest = longest;
    this.live = [{ before: null, token: options.after, parent, ...none }];
  }

  /** Takes what may follow the `i`th of the live ones, which was read in a row. */
  follow(i: number, row: number, { probabilities, entropy, mutualInformation }: RowFigures): void {
    const of = this.live[i];
    const { width, after } = this.#options;
    // Twice as many as are followed, since ends are among them.
    for (const token of likeliest(probabilities, Math.min(probabilities.length, 2 * width + 1))) {
      if (token === after) continue;
      const logProbability =
        of.logProbability + this.#k.log64(Math.max(probabilities[token], LEAST_PROBABILITY));
      this.#extensions.push({ of, token, logProbability, figures: { entropy, mutualInformation }, row });
    }
  }

  /** Chooses among what may follow. @returns whether the search continues */
  choose(): boolean {
    const { width, end } = this.#options;
    const found = this.#extensions.sort((a, b) => b.logProbability - a.logProbability);
    this.#extensions = [];
    const next: Hypothesis[] = [];
    for (const [rank, extension] of found.entries()) {
      if (next.length === width) break;
      const extended = extend(extension);
      if (extension.token !== end) next.push(extended);
      else if (rank < width) this.#ended.push(this.#weighed(extended, true));
    }
    this.live = next;
    const full = next.length > 0 && next[0].length >= this.#longest;
    if (full && this.#ended.length === 0)
      this.#ended.push(...next.map((hypothesis) => this.#weighed(hypothesis, false)));
    return !full && next.length > 0 && this.#ended.length < width;
  }

  /** The best `count` texts that have ended, the best first. */
  best(count: number): Ended[] {
    return this.#ended.sort((a, b) => b.score - a.score).slice(0, count);
  }

  #weighed(hypothesis: Hypothesis, complete: boolean): Ended {
    const { lengthNormalisation: power } = this.#options;
    const { length, logProbability } = hypothesis;
    const divisor = power === 1 ? length : this.#k.exp64(power * this.#k.log64(length));
    return { hypothesis, complete, score: logProbability / divisor };
  }
}

function extend({ of, token, logProbability, figures, row }: Extension): Hypothesis {
  return {
    before: of,
    token,
    length: of.length + 1,
    logProbability,
    entropy: of.entropy + figures.entropy,
    mutualInformation: of.mutualInformation + figures.mutualInformation,
    parent: row,
  };
}

/** The tokens of a hypothesis, without the end. */
export function tokensOf({ hypothesis, complete }: Ended): number[] {
  const tokens: number[] = [];
  for (let at: Hypothesis | null = hypothesis; at?.before; at = at.before) tokens.push(at.token);
  if (complete) tokens.shift();
  return tokens.reverse();
}
