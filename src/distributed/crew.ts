/** @module Who does the jobs of a run on one machine: this thread, or several of its own. */
import { Worker } from "node:worker_threads";
import { SviError } from "../errors.ts";
import { width } from "../kernels/width.ts";
import { jsonTokenizer } from "../text/json.ts";
import { fromWire } from "../worker/wire.ts";
import { runJob } from "./job.ts";
import { Kept } from "./kept.ts";
import { planBytes, type RunPlan } from "./plan.ts";
import type { Job, JobResult } from "./round.ts";
import type { Blobs, MemoryBlobs } from "./store.ts";
import type { Reply, Request } from "./thread.ts";

/** One that does a job at a time. */
export interface Member {
  readonly name: string;
  do(job: Job): Promise<JobResult>;
  end(): Promise<unknown>;
}

/** This thread, which pauses between slices: the signal is heard. */
export function ownThread(plan: RunPlan, blobs: Blobs, signal: AbortSignal): Member {
  const name = "this thread";
  const kept = new Kept(0);
  return {
    name,
    do: async (job) => ({
      ...(await runJob(plan, job, blobs, { json: jsonTokenizer, signal, kept })),
      worker: name,
    }),
    end: async () => {},
  };
}

/** The package's own file, beside that of the entry point. */
export function ownWorker(): Worker {
  return new Worker(new URL("./distributed/thread.js", import.meta.url));
}

export class ThreadMember implements Member {
  readonly name: string;
  readonly #worker: Worker;
  /** Until it is sent. */
  #plan: Uint8Array | null;
  readonly #blobs: MemoryBlobs;
  /** The model that the thread has. */
  #model = "";
  #settle: { resolve(reply: Reply): void; reject(error: unknown): void } | null = null;
  #lost: SviError | null = null;

  constructor(name: string, worker: Worker, plan: RunPlan, blobs: MemoryBlobs) {
    this.name = name;
    this.#worker = worker;
    this.#plan = planBytes(plan);
    this.#blobs = blobs;
    worker.on("message", (reply: Reply) => this.#settle?.resolve(reply));
    worker.on("error", (error) => this.#lose(error));
    worker.on("exit", (code) => this.#lose(new Error(`it ended with code ${code}`)));
  }

  #lose(cause: Error): void {
    this.#lost ??= new SviError("E_WORKER", `A thread was lost: ${cause.message.replace(/\.$/, "")}`, {
      value: this.name,
      remedy: "Begin the run again, with fewer workers where memory is short",
      cause,
    });
    this.#settle?.reject(this.#lost);
  }

  async do(job: Job): Promise<JobResult> {
    const model = job.model === this.#model ? null : job.model;
    const names = [model, job.state].filter((name): name is string => name !== null);
    const blobs: [string, Uint8Array][] = [];
    for (const name of names) blobs.push([name, await this.#blobs.get(name)]);
    const reply = await this.#ask({ plan: this.#plan, job, wide: width.reason === null, blobs });
    if ("error" in reply) throw fromWire(reply.error);
    this.#plan = null;
    this.#model = job.model;
    for (const [name, bytes] of reply.blobs) this.#blobs.take(name, bytes);
    return { ...reply.result, worker: this.name };
  }

  #ask(request: Request): Promise<Reply> {
    if (this.#lost) throw this.#lost;
    return new Promise<Reply>((resolve, reject) => {
      this.#settle = { resolve, reject };
      this.#worker.postMessage(request);
    });
  }

  end(): Promise<unknown> {
    return this.#worker.terminate();
  }
}
