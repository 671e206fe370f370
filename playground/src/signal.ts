/** @module A value that tells when it changes. */

export class Signal<T> {
  #value: T;
  readonly #listeners = new Set<(value: T) => void>();

  constructor(value: T) {
    this.#value = value;
  }

  get value(): T {
    return this.#value;
  }

  set value(value: T) {
    this.#value = value;
    this.tell();
  }

  /** Tells of a change inside of the value. */
  tell(): void {
    for (const listener of this.#listeners) listener(this.#value);
  }

  /** Calls at once and at every change, until the signal is aborted. */
  watch(signal: AbortSignal, listener: (value: T) => void): void {
    if (signal.aborted) return;
    this.#listeners.add(listener);
    signal.addEventListener("abort", () => this.#listeners.delete(listener));
    listener(this.#value);
  }
}
