/** @module A run that is pulled from another thread: one value ahead of what was asked for, never more. */

export class Turns<T> {
  #iterator!: AsyncIterator<T, void, void>;
  #ahead: Promise<IteratorResult<T, void>> | null = null;
  /** Whether somebody waits for a value. */
  #wanted = false;
  #ending = false;
  #go: (() => void) | null = null;

  /** For a run that asks before it changes anything: true once the caller wants its next value, false at the end. */
  readonly turn = async (): Promise<boolean> => {
    if (!this.#wanted && !this.#ending)
      await new Promise<void>((resolve) => {
        this.#go = resolve;
      });
    return !this.#ending;
  };

  run(iterator: AsyncIterator<T, void, void>): this {
    this.#iterator = iterator;
    return this;
  }

  async next(): Promise<T | undefined> {
    this.#wanted = true;
    this.#go?.();
    const { done, value } = await (this.#ahead ?? this.#iterator.next());
    this.#wanted = false;
    if (done) return undefined;
    this.#ahead = this.#iterator.next();
    // Told when it is asked for.
    this.#ahead.catch(() => {});
    return value;
  }

  /** What the value ahead comes to is thrown, as the run's own end would. */
  async end(): Promise<void> {
    this.#ending = true;
    this.#go?.();
    await this.#ahead;
    await this.#iterator.return?.();
  }
}
