/** @module What is seen of the runs of a comparison: a bar for each one under way, a line for each one done. */
import { MultiBar, type SingleBar } from "cli-progress";
import type { RunRecord } from "../../comparison/run.ts";
import { duration, note } from "../print.ts";
import { BAR, isLive } from "../progress.ts";
import type { Watcher } from "./pool.ts";

/** @returns the watcher, and what leaves the terminal as it should be */
export function watchRuns(json: boolean): Watcher & { stop(): void } {
  if (json) return { started() {}, progress() {}, finished() {}, stop() {} };
  return isLive(json) ? new LiveWatcher() : new PlainWatcher();
}

function line(label: string, record: RunRecord | null, done: number): string {
  const result = record
    ? `best validation nll ${record.best.nll.toFixed(4)}, ${duration(record.seconds)}`
    : "diverged";
  return `[${done}] ${label}: ${result}`;
}

class PlainWatcher implements Watcher {
  #done = 0;
  #kept = 0;

  started(): void {}
  progress(): void {}

  finished(label: string, record: RunRecord | null, kept: boolean): void {
    this.#done++;
    if (kept) this.#kept++;
    else note(line(label, record, this.#done));
  }

  stop(): void {
    if (this.#kept) note(`${this.#kept} of ${this.#done} runs were finished before`);
  }
}

class LiveWatcher implements Watcher {
  readonly #bars = new MultiBar({
    ...BAR,
    format: "{bar} {percentage} %  {label}  {eta_formatted} left",
    clearOnComplete: true,
  });
  readonly #running = new Map<string, SingleBar>();
  #done = 0;

  started(label: string): void {
    this.#running.set(label, this.#bars.create(100, 0, { label }));
  }

  progress(label: string, share: number): void {
    this.#running.get(label)?.update(Math.round(100 * share));
  }

  finished(label: string, record: RunRecord | null, kept: boolean): void {
    this.#done++;
    const bar = this.#running.get(label);
    if (bar) this.#bars.remove(bar);
    this.#running.delete(label);
    if (!kept) this.#bars.log(`${line(label, record, this.#done)}\n`);
  }

  stop(): void {
    this.#bars.stop();
  }
}
