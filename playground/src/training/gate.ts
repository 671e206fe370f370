/** @module What runs wait at between two steps: a pause, an end, and each other. */
import type { Runner } from "./runner.ts";

/** How far one run may be ahead of the other, as a part of the whole. */
const LEAD = 0.02;

export class Gate {
  readonly #runners: Runner[] = [];
  readonly #done = new Set<Runner>();
  #paused = false;
  #stopped = false;
  #waiting: (() => void)[] = [];

  add(runner: Runner): void {
    this.#runners.push(runner);
  }

  set paused(paused: boolean) {
    this.#paused = paused;
    this.#wake();
  }

  stop(): void {
    this.#stopped = true;
    this.#wake();
  }

  /** A run that has ended, or cannot continue, is not waited for. */
  leave(runner: Runner): void {
    this.#done.add(runner);
    this.#wake();
  }

  /** A run that continues after it was lost. */
  enter(runner: Runner): void {
    this.#done.delete(runner);
  }

  /** Resolves when the run may take its next step: to false when it should end. */
  async open(runner: Runner): Promise<boolean> {
    this.#wake();
    while (!this.#stopped && (this.#paused || this.#ahead(runner)))
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return !this.#stopped;
  }

  #ahead(runner: Runner): boolean {
    return this.#runners.some(
      (other) => other !== runner && !this.#done.has(other) && runner.fraction > other.fraction + LEAD,
    );
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
