/** @module As connect.ts, in Node, Deno and Bun: the worker's source travels as text, and a bundle needs no second file. */
import type { WorkerClient } from "./client.ts";
import { connectTo } from "./connect.ts";
import type { ConnectOptions } from "./connection.ts";
import { type NodeWorker, startFromText, type WebWorker } from "./host.ts";

/** As `connect` of svi-lm/worker. @throws SviError the same */
export async function connect(
  worker?: WebWorker | NodeWorker | null,
  options: ConnectOptions = {},
): Promise<WorkerClient> {
  return connectTo(worker, options, async () => startFromText((await import("./text.ts")).workerText));
}
