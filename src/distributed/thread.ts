/** @module A thread that does a run's jobs, one after the other, for the process that started it. */
import { parentPort } from "node:worker_threads";
import { width } from "../kernels/width.ts";
import { jsonTokenizer } from "../text/json.ts";
import { toWire, type WireError } from "../worker/wire.ts";
import { runJob } from "./job.ts";
import { planFromBytes } from "./plan.ts";
import type { Job, JobResult } from "./round.ts";
import { MemoryBlobs } from "./store.ts";

type Named = readonly [name: string, bytes: Uint8Array];

export interface Request {
  readonly plan: Uint8Array;
  readonly job: Job;
  /** Whether products take 256-bit code, which is of the whole process. */
  readonly wide: boolean;
  /** What the job reads. */
  readonly blobs: readonly Named[];
}

export type Reply =
  | { readonly result: Omit<JobResult, "worker">; readonly blobs: readonly Named[] }
  | { readonly error: WireError };

/** What is used of the port to who started this thread. */
interface Port {
  on(event: "message", listener: (request: Request) => void): unknown;
  postMessage(reply: Reply): void;
}

/** Serves until it is ended. */
export function serveJobs(port: Port = parentPort!): void {
  port.on("message", async (request: Request) => {
    port.postMessage(await reply(request).catch((error): Reply => ({ error: toWire(error) })));
  });
}

async function reply({ plan, job, wide, blobs }: Request): Promise<Reply> {
  if (wide) width.reason = null;
  const memory = new MemoryBlobs(blobs);
  const result = await runJob(planFromBytes(plan), job, memory, { json: jsonTokenizer });
  const { change, state } = result;
  const named = async (name: string): Promise<Named> => [name, await memory.get(name)];
  return { result, blobs: [await named(change), await named(state)] };
}
