/** @module What is under way in the worker: single answers that an abort can end, and runs that are pulled. */
import { SviError } from "../../errors.ts";
import type { Job } from "../protocol.ts";
import { Turns } from "../turns.ts";

interface Run {
  readonly turns: Turns<unknown>;
  readonly controller: AbortController;
}

export class Jobs {
  readonly #jobs = new Map<Job, AbortController>();
  readonly #runs = new Map<Job, Run>();

  abort(job: Job): void {
    (this.#jobs.get(job) ?? this.#runs.get(job)?.controller)?.abort();
  }

  /** Work with one answer. */
  async heeding<T>(job: Job, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const controller = new AbortController();
    this.#jobs.set(job, controller);
    try {
      return await work(controller.signal);
    } finally {
      this.#jobs.delete(job);
    }
  }

  begin(
    job: Job,
    start: (signal: AbortSignal, turn: () => Promise<boolean>) => AsyncIterator<unknown, void, void>,
  ): void {
    const turns = new Turns<unknown>();
    const controller = new AbortController();
    this.#runs.set(job, { controller, turns: turns.run(start(controller.signal, turns.turn)) });
  }

  async next(job: Job): Promise<unknown> {
    let value: unknown;
    try {
      value = await this.#running(job).turns.next();
      return value;
    } finally {
      if (value === undefined) this.#runs.delete(job);
    }
  }

  async close(job: Job, leaving: boolean): Promise<void> {
    const { turns, controller } = this.#running(job);
    this.#runs.delete(job);
    // Whoever leaves does not wait for a gradient that nobody wants.
    if (leaving) controller.abort();
    try {
      await turns.end();
    } catch (error) {
      if (!leaving) throw error;
    }
  }

  #running(job: Job): Run {
    const run = this.#runs.get(job);
    if (run) return run;
    throw new SviError("E_OPTION", `The worker runs no job of number ${String(job)}`, {
      option: "job",
      value: job,
      remedy: "Begin it first; at its end it is forgotten",
    });
  }
}
