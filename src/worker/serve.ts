/** @module The worker's end. */
import "../kernels/embedded.ts";
import { ownEndpoint } from "./host.ts";
import { type ServeOptions, serveAt } from "./server.ts";

export type { ServeOptions };

let serving = false;

/**
 * Serves whoever made this worker and calls `connect`. Once a worker; later calls change nothing.
 * @throws SviError `E_WORKER` outside of a worker
 */
export function serve(options: ServeOptions = {}): void {
  if (serving) return;
  const endpoint = ownEndpoint();
  serving = true;
  serveAt(endpoint, options);
}
