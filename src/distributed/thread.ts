/** @module A thread that does a run's jobs, one after the other, for the process that started it. */
import { parentPort } from "node:worker_threads";
import { width } from "../kernels/width.ts";
import { jsonTokenizer } from "../text/json.ts";
import { toWire, type WireError } from "../worker/wire.ts";
import { runJob } from "./job.ts";
import { Kept } from "./kept.ts";
import { planFromBytes, type RunPlan } from "./plan.ts";
import type { Job, JobResult } from "./round.ts";
import { MemoryBlobs } from "./store.ts";

type Named = readonly [name: string, bytes: Uint8Array];

export interface Request {
  /** With the first job of a thread. */
  readonly plan: Uint8Array | null;
  readonly job: Job;
  /** Whether products take 256-bit code, which is of the whole process. */
  readonly wide: boolean;
  /** What the job reads, but for the model that the thread's last job began with, too. */
  readonly blobs: readonly Named[];
}

export type Reply =
  | { readonly result: Omit<JobResult, "worker">; readonly blobs: readonly Named[] }
  | { readonly error: WireError };

/** What is used of the port to who started this thread. */
interface Port {
  on(event: "message", listener: (request: Request) => void): unknown;
  postMessage(reply: Reply, transferred?: readonly ArrayBuffer[]): void;
}

/** Serves until it is ended. */
export function serveJobs(port: Port = parentPort!): void {
  const bench = new Bench();
  port.on("message", async (request: Request) => {
    const reply = await bench.do(request).catch((error): Reply => ({ error: toWire(error) }));
    const sent = "blobs" in reply ? reply.blobs.map(([, { buffer }]) => buffer as ArrayBuffer) : [];
    port.postMessage(reply, sent);
  });
}

class Bench {
  /** States come with every job. */
  readonly #kept = new Kept(0);
  #plan: RunPlan | null = null;

  async do({ plan, job, wide, blobs }: Request): Promise<Reply> {
    if (wide) width.reason = null;
    if (plan) this.#plan = planFromBytes(plan);
    const memory = new MemoryBlobs(blobs);
    const result = await runJob(this.#plan!, job, memory, { json: jsonTokenizer, kept: this.#kept });
    const named = async (name: string): Promise<Named> => [name, await memory.get(name)];
    return { result, blobs: [await named(result.change), await named(result.state)] };
  }
}
