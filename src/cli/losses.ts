/** @module The losses of a run's last steps: what it had come to, and what the weights before that had. */

/** Steps that a mean is of; also the most that `fit` may have done since the weights that it falls back to. */
const SPAN = 50;
/** Noise of minibatches, and the first steps of a run, do not count as worse. */
const TOLERANCE = 1.05;

export class Losses {
  /** Of the last two spans at most, the oldest first. */
  #last: number[] = [];
  #steps = 0;

  add(nll: number): void {
    this.#steps++;
    this.#last.push(nll);
    if (this.#last.length > 2 * SPAN) this.#last.shift();
  }

  /** Mean over the last tenth of the run, at most 50 steps. */
  get recent(): number {
    return mean(this.#last.slice(-Math.min(SPAN, Math.ceil(this.#steps / 10))));
  }

  isWorseThan(loss: number): boolean {
    return this.#steps > 0 && this.recent > TOLERANCE * loss;
  }

  /** Whether it was so 50 steps ago and before. */
  wereWorseThan(loss: number): boolean {
    const older = this.#last.slice(0, -SPAN);
    return older.length === 0 || mean(older) > TOLERANCE * loss;
  }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
