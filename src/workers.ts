/** @module Where the file of a worker lies, and what to do where a host refuses it or does not find it. */

import { messageOf } from "./shapes.ts";

/** A file of the package that a worker runs. */
export type WorkerFile = "worker" | "threads";

/** How a caller gives a worker of its own. */
const OWN: Record<WorkerFile, string> = { worker: "connect()", threads: "the option worker of threads()" };

/** What Vite sets in modules that its development server serves. */
export interface ViteMeta {
  readonly env?: { readonly DEV?: boolean };
}

/**
 * The file in the package itself, where Vite's development server has moved the module that asks for it into its cache
 * and left the file behind, as versions before 8 do.
 */
export function fileBesideCache(own: string | undefined, path: string): URL | undefined {
  const [, root] = /^(.*\/node_modules\/)\.vite\/deps[^/]*\//.exec(own ?? "") ?? [];
  return root === undefined ? undefined : new URL(`${root}svi-lm/dist/${path}`);
}

/** For the host at hand, and what it said. */
export function workerRemedy(file: WorkerFile, cause?: unknown): string {
  const own = `give ${OWN[file]} a Worker whose file imports svi-lm/${file}/thread`;
  const { process } = globalThis as { process?: { versions?: { node?: string } } };
  if ((cause as { code?: string } | undefined)?.code === "ERR_ACCESS_DENIED")
    return "Start Node with --allow-worker";
  if (/TrustedScriptURL/.test(messageOf(cause)))
    return `Let a Trusted Types policy of the page's own make the worker's address, and ${own}`;
  if (process?.versions?.node !== undefined && typeof document === "undefined")
    return `Let the host start threads, or ${own}`;
  return `Serve the worker's file as JavaScript from the page's own origin; with a bundler that does not find it (Vite before 8: optimizeDeps.exclude ["svi-lm"]), ${own}`;
}
