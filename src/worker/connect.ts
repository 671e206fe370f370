/** @module Starts a worker and waits until it answers. */
import { WorkerClient } from "./client.ts";
import { Connection, type ConnectOptions } from "./connection.ts";
import type { NodeWorker, WebWorker } from "./host.ts";

/**
 * svi-lm in a worker of its own: a Web Worker, or a thread of Node's.
 *
 * Without an argument it starts the package's own file, which Vite and webpack find by its `new URL`; with a bundler
 * that leaves that alone give it a Worker whose file imports `svi-lm/worker/thread`.
 *
 * @throws SviError `E_WORKER` where the worker cannot be loaded, does not answer or is of another version;
 *   `E_KERNELS` for kernels that are not this package's; the signal's reason
 */
export async function connect(
  worker?: WebWorker | NodeWorker | null,
  options: ConnectOptions = {},
): Promise<WorkerClient> {
  options.signal?.throwIfAborted();
  const connection = new Connection(worker ?? undefined);
  await connection.greet(options);
  return new WorkerClient(connection);
}
