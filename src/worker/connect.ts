/** @module The first words between a caller and its worker. */
import { requireNumber, wrongOption } from "../errors.ts";
import { type Kinds, requireOptions } from "../options.ts";
import { tagOf } from "../shapes.ts";
import { WorkerClient } from "./client.ts";
import { Connection, type ConnectOptions } from "./connection.ts";
import { type NodeWorker, startFromFile, type WebWorker } from "./host.ts";

/**
 * svi-lm in a worker of its own: a Web Worker, or a thread of Node's.
 *
 * Without an argument it starts the package's own: in Node, Deno and Bun from the package's text, in a page from its
 * file, which Vite, webpack and others find by its `new URL`. With a bundler that does not, give it a Worker whose file
 * imports `svi-lm/worker/thread`.
 *
 * ```ts
 * import { connect } from "svi-lm/worker";
 *
 * const client = await connect();
 * const corpus = await client.Corpus.open("the sea, the sea", { tokenizer: "character" });
 * console.log(corpus.tokens); // 16
 * client.terminate();
 * ```
 *
 * @throws SviError `E_WORKER` where the worker cannot be loaded, does not answer or is of another version;
 *   `E_KERNELS` for kernels that are not this package's; `E_OPTION`; the signal's reason
 */
export async function connect(
  worker?: WebWorker | NodeWorker | null,
  options: ConnectOptions = {},
): Promise<WorkerClient> {
  return connectTo(worker, options, startFromFile);
}

/** Timers of hosts know no more. */
const RANGE = "milliseconds above 0 and below 2 ** 31";
const OPTIONS: Kinds<ConnectOptions> = { kernels: "any", timeout: "number", signal: "signal" };

/** @throws SviError as `connect` does */
export async function connectTo(
  worker: WebWorker | NodeWorker | null | undefined,
  options: ConnectOptions,
  start: () => WebWorker | NodeWorker | Promise<WebWorker | NodeWorker>,
): Promise<WorkerClient> {
  requireOptions("connect", options, OPTIONS);
  const { kernels, timeout } = options;
  if (timeout !== undefined) requireNumber("timeout", timeout, RANGE, (ms) => ms > 0 && ms < 2 ** 31);
  if (kernels !== undefined && tagOf(kernels) !== "WebAssembly.Module")
    throw wrongOption("kernels", kernels, "a compiled WebAssembly.Module");
  options.signal?.throwIfAborted();
  const connection = new Connection(worker ?? (await start()));
  await connection.greet(options);
  return new WorkerClient(connection);
}
