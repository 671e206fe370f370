/** @module Runs in processes of their own, a few at a time, each finished one kept. */
import { type ChildProcess, fork } from "node:child_process";
import type { RunRecord } from "../../comparison/run.ts";
import { SviError, type SviErrorCode } from "../../errors.ts";
import { keyHash, type RunKey, type RunStore } from "./store.ts";
import { type Job, type Message, WORKER } from "./worker.ts";

/** What is seen of the runs while they go. */
export interface Watcher {
  started(label: string): void;
  progress(label: string, share: number): void;
  /** `kept` where the record was there already. */
  finished(label: string, record: RunRecord | null, kept: boolean): void;
}

interface Waiting {
  readonly job: Job;
  readonly key: RunKey;
  readonly label: string;
  readonly rank: number;
  readonly resolve: (record: RunRecord | null) => void;
  readonly reject: (error: unknown) => void;
}

export class Pool {
  readonly #store: RunStore;
  readonly #watcher: Watcher;
  readonly #signal: AbortSignal;
  readonly #waiting: Waiting[] = [];
  readonly #children = new Set<ChildProcess>();
  readonly #under = new Map<string, Promise<RunRecord | null>>();
  #idle: number;

  /** @param workers processes at a time */
  constructor(store: RunStore, workers: number, watcher: Watcher, signal: AbortSignal) {
    this.#store = store;
    this.#idle = workers;
    this.#watcher = watcher;
    this.#signal = signal;
    signal.addEventListener("abort", () => this.#stop());
  }

  /**
   * The record of a run, made now or found; null where it diverged.
   * @param rank those of a lower one go first
   * @throws what a run throws otherwise; the signal's reason
   */
  run(job: Job, key: RunKey, label: string, rank: number): Promise<RunRecord | null> {
    // The same run may be asked for twice, as a trial and as a result.
    const name = keyHash(key);
    let promise = this.#under.get(name);
    if (!promise) {
      promise = this.#find(job, key, label, rank);
      this.#under.set(name, promise);
    }
    return promise;
  }

  async #find(job: Job, key: RunKey, label: string, rank: number): Promise<RunRecord | null> {
    const found = await this.#store.read(key);
    if (found !== undefined) {
      this.#watcher.finished(label, found, true);
      return found;
    }
    this.#signal.throwIfAborted();
    return new Promise((resolve, reject) => {
      const next = this.#waiting.findIndex((other) => other.rank > rank);
      this.#waiting.splice(next < 0 ? this.#waiting.length : next, 0, {
        job,
        key,
        label,
        rank,
        resolve,
        reject,
      });
      this.#next();
    });
  }

  #next(): void {
    if (this.#idle === 0 || this.#signal.aborted) return;
    const waiting = this.#waiting.shift();
    if (!waiting) return;
    this.#idle--;
    this.#work(waiting)
      .then(waiting.resolve, waiting.reject)
      .finally(() => {
        this.#idle++;
        this.#next();
      });
  }

  async #work({ job, key, label }: Waiting): Promise<RunRecord | null> {
    this.#watcher.started(label);
    const child = fork(process.argv[1], [WORKER], { stdio: ["ignore", "inherit", "inherit", "ipc"] });
    this.#children.add(child);
    try {
      const message = await answer(child, job, (share) => this.#watcher.progress(label, share));
      const record = recordOf(message);
      await this.#store.write(key, record);
      this.#watcher.finished(label, record, false);
      return record;
    } catch (error) {
      // A process that was stopped has not failed.
      this.#signal.throwIfAborted();
      throw error;
    } finally {
      this.#children.delete(child);
      if (child.connected) child.disconnect();
    }
  }

  #stop(): void {
    for (const child of this.#children) child.kill("SIGKILL");
    for (const { reject } of this.#waiting.splice(0)) reject(this.#signal.reason);
  }
}

function answer(child: ChildProcess, job: Job, progress: (share: number) => void): Promise<Message> {
  return new Promise((resolve, reject) => {
    child.on("message", (message: Message) => {
      if (message.kind === "progress") progress(message.share);
      else resolve(message);
    });
    child.on("error", reject);
    child.on("exit", (code, signal) =>
      reject(new Error(`A run's process ended before its run: ${signal ?? `exit code ${code}`}`)),
    );
    child.send(job);
  });
}

/** A method that diverges at a setting has a result: none. */
function recordOf(message: Message): RunRecord | null {
  if (message.kind === "done") return message.record;
  if (message.kind === "progress" || message.code === "E_DIVERGED") return null;
  throw new SviError(message.code as SviErrorCode, message.message.replace(/\.$/, ""), {
    remedy: "Correct that and start again; finished runs are kept",
  });
}
