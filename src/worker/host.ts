/** @module Workers as hosts have them: the web's, and Node's threads. */
import { SviError, shown } from "../errors.ts";
import { messageOf } from "../shapes.ts";
import { fileBesideCache, type ViteMeta, workerRemedy } from "../workers.ts";
import type { Endpoint } from "./channel.ts";

/** The web's Worker, which Deno and Bun have too. */
export interface WebWorker {
  postMessage(message: unknown, transfer: object[]): void;
  // biome-ignore lint/suspicious/noExplicitAny: hosts differ in what they call an event.
  addEventListener(type: string, listener: (event: any) => void): void;
  terminate(): void;
}

/** The Worker of node:worker_threads. */
export interface NodeWorker {
  postMessage(message: unknown, transfer?: readonly never[]): void;
  // biome-ignore lint/suspicious/noExplicitAny: what is heard depends on the event.
  on(event: string, listener: (value: any) => void): unknown;
  terminate(): unknown;
}

/** A worker under one roof: messages, how it ends, and whether it keeps the host alive. */
export interface Thread extends Endpoint {
  readonly web: boolean;
  /** @param cause what the host says, where it says anything */
  ended(heard: (what: string, cause?: unknown) => void): void;
  terminate(): void;
  /** A worker with nothing to do must not keep a script from ending. */
  busy(busy: boolean): void;
}

/** What is used of node:worker_threads. */
interface Threads {
  readonly Worker: new (source: string, options: { eval: true; name: string }) => NodeWorker;
  readonly parentPort: Pick<NodeWorker, "postMessage" | "on"> | null;
}

/** Node's module without an import of it, which bundlers for pages would follow. */
function workerThreads(): Threads | undefined {
  const { process } = globalThis as { process?: { getBuiltinModule?: (name: string) => unknown } };
  return process?.getBuiltinModule?.("node:worker_threads") as Threads | undefined;
}

/** In Vite's development server alone: elsewhere a bundler would leave a path of the machine that builds. */
const ADDRESS = (import.meta as ViteMeta).env?.DEV ? import.meta.url : undefined;

const NO_WORKERS = "Import svi-lm itself: fit gives the host a turn between its slices";

/** From the package's file, as bundlers and a Content-Security-Policy expect it. @throws SviError `E_WORKER` */
export function startFromFile(): WebWorker {
  if (typeof Worker !== "function")
    throw new SviError("E_WORKER", "This host has no workers", {
      remedy: NO_WORKERS,
    });
  return orRefused(() => {
    const served = fileBesideCache(ADDRESS, "worker/thread.js");
    if (served) return new Worker(served, { type: "module", name: "svi-lm" });
    return new Worker(new URL("./thread.js", import.meta.url), { type: "module", name: "svi-lm" });
  });
}

/** From the text that the package holds, so that a bundle needs no second file. @throws SviError `E_WORKER` */
export function startFromText(source: string): NodeWorker {
  const threads = workerThreads();
  if (threads) return orRefused(() => new threads.Worker(source, { eval: true, name: "svi-lm" }));
  throw new SviError("E_WORKER", "This host has no threads", { remedy: NO_WORKERS });
}

function orRefused<T>(start: () => T): T {
  try {
    return start();
  } catch (cause) {
    throw new SviError("E_WORKER", `The worker was refused: ${messageOf(cause)}`, {
      value: messageOf(cause),
      remedy: workerRemedy("worker", cause),
      cause,
    });
  }
}

/** @throws SviError `E_OPTION` for what is not a worker */
export function threadOf(worker: WebWorker | NodeWorker): Thread {
  const unreferenced = worker as { ref?: () => void; unref?: () => void };
  const shared = {
    post: (message: unknown, transfer: object[]) => worker.postMessage(message, transfer as never[]),
    terminate: () => void worker.terminate(),
    busy: (busy: boolean) => (busy ? unreferenced.ref?.() : unreferenced.unref?.()),
  };
  const { addEventListener, on, postMessage, terminate } = worker as Partial<WebWorker & NodeWorker>;
  const whole = typeof postMessage === "function" && typeof terminate === "function";
  if (whole && typeof addEventListener === "function")
    return { ...shared, ...webEvents(worker as WebWorker) };
  if (whole && typeof on === "function") return { ...shared, ...nodeEvents(worker as NodeWorker) };
  throw new SviError("E_OPTION", `worker is ${shown(worker)}`, {
    option: "worker",
    value: worker,
    remedy: 'Give a Worker, such as new Worker(new URL(…), { type: "module" }), or omit it',
  });
}

function webEvents(worker: WebWorker): Pick<Thread, "web" | "listen" | "ended"> {
  return {
    web: true,
    listen: (heard) => worker.addEventListener("message", ({ data }: MessageEvent) => heard(data)),
    ended(heard) {
      worker.addEventListener("error", (event: ErrorEvent) => {
        event.preventDefault?.();
        heard(event.message || "Its script cannot be loaded", event.error);
      });
    },
  };
}

function nodeEvents(worker: NodeWorker): Pick<Thread, "web" | "listen" | "ended"> {
  return {
    web: false,
    listen: (heard) => void worker.on("message", heard),
    ended(heard) {
      worker.on("error", (error: Error) => heard(messageOf(error), error));
      worker.on("exit", (code: number) => heard(`It ended with code ${code}`));
    },
  };
}

/** The end of the channel within a worker. @throws SviError `E_WORKER` outside of one */
export function ownEndpoint(): Endpoint {
  const scope = globalThis as unknown as WebWorker & { document?: unknown };
  const port = workerThreads()?.parentPort;
  if (port)
    return {
      post: (message, transfer) => port.postMessage(message, transfer as never[]),
      listen: (heard) => void port.on("message", heard),
    };
  if (typeof scope.postMessage === "function" && scope.document === undefined)
    return {
      post: (message, transfer) => scope.postMessage(message, transfer),
      listen: (heard) => scope.addEventListener("message", ({ data }: MessageEvent) => heard(data)),
    };
  throw new SviError("E_WORKER", "svi-lm/worker/thread was imported outside of a worker", {
    remedy: "Import it in the file that a Worker runs, and svi-lm/worker in the page",
  });
}
