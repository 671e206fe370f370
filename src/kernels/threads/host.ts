/** @module How each host makes a thread and hears from it; nothing here is imported from Node. */
import { SviError, shown } from "../../errors.ts";
import { messageOf } from "../../shapes.ts";
import { fileBesideCache, type ViteMeta, workerRemedy } from "../../workers.ts";
import { threadSource } from "../generated/thread.ts";
import type { Message } from "./control.ts";

/** What is used of a Web Worker, or of one of node:worker_threads. */
export interface ThreadWorker {
  postMessage(message: unknown): void;
  terminate(): unknown;
}

interface NodeWorker extends ThreadWorker {
  on(event: string, listener: (value: unknown) => void): void;
  ref(): void;
  unref(): void;
}

interface NodeThreads {
  readonly Worker: new (source: string, options: { eval: true; name: string }) => NodeWorker;
}

/** A thread that is up, and what to call if it ends unasked. */
export interface Thread {
  readonly worker: ThreadWorker;
  post(message: Message): void;
  onEnd(listener: (problem: string) => void): void;
  /** Resolves when the host has ended it. */
  end(): Promise<void>;
}

const nodeThreads = (
  globalThis as { process?: { getBuiltinModule?(name: string): NodeThreads | undefined } }
).process?.getBuiltinModule?.("node:worker_threads");

/** Milliseconds that a thread may take to come up. */
const PATIENCE = 30_000;

/** In Vite's development server alone: elsewhere a bundler would leave a path of the machine that builds. */
const ADDRESS = (import.meta as ViteMeta).env?.DEV ? import.meta.url : undefined;

/**
 * Node, Deno and Bun run the source that the package holds, so that a bundle needs no second file; pages load the
 * file beside this one, as bundlers and a Content-Security-Policy expect it.
 */
export function createWorker(): ThreadWorker {
  if (nodeThreads) return new nodeThreads.Worker(threadSource, { eval: true, name: "svi-lm-threads" });
  const served = fileBesideCache(ADDRESS, "kernels/threads/thread.js");
  if (served) return new Worker(served, { type: "module", name: "svi-lm-threads" });
  // The name is also the file's where webpack makes it: another one than that of svi-lm/worker.
  return new Worker(new URL("./thread.js", import.meta.url), { type: "module", name: "svi-lm-threads" });
}

/** @throws SviError `E_WORKER` where the host refuses a thread, `E_OPTION` where the caller's function makes none */
export function makeThread(create: () => ThreadWorker): ThreadWorker {
  let worker: ThreadWorker;
  try {
    worker = create();
  } catch (cause) {
    throw new SviError("E_WORKER", `A thread was refused: ${messageOf(cause)}`, {
      value: messageOf(cause),
      remedy: workerRemedy("threads", cause),
      cause,
    });
  }
  if (isWorker(worker)) return worker;
  throw new SviError("E_OPTION", `The option worker made ${shown(worker)}`, {
    option: "worker",
    value: worker,
    remedy: "Let it return a new Worker whose file imports svi-lm/threads/thread",
  });
}

function isWorker(made: unknown): boolean {
  const { postMessage, terminate, addEventListener, on } = (made ?? {}) as Partial<Worker & NodeWorker>;
  return [postMessage, terminate, addEventListener ?? on].every((part) => typeof part === "function");
}

/** Resolves when the thread has taken its first message. @throws SviError `E_WORKER` where it does not come up */
export function startThread(worker: ThreadWorker, first: Message): Promise<Thread> {
  let ended: (problem: string) => void = () => {};
  const end = async () => {
    ended = () => {};
    await worker.terminate();
  };
  return new Promise((resolve, reject) => {
    ended = (problem) => {
      clearTimeout(late);
      worker.terminate();
      reject(new SviError("E_WORKER", problem, { value: problem, remedy: workerRemedy("threads") }));
    };
    const late = setTimeout(() => ended(`A thread has not answered within ${PATIENCE} ms`), PATIENCE);
    const ready = () => {
      clearTimeout(late);
      resolve({
        worker,
        post: (message) => worker.postMessage(message),
        onEnd: (listener) => {
          ended = listener;
        },
        end,
      });
    };
    listen(worker, ready, (problem) => ended(problem));
    worker.postMessage(first);
  });
}

function listen(worker: ThreadWorker, ready: () => void, ended: (problem: string) => void): void {
  if ("on" in worker) {
    const node = worker as NodeWorker;
    node.on("message", () => {
      // From here on it does not keep the process from ending.
      node.unref();
      ready();
    });
    node.on("error", (error) => ended(`A thread failed: ${String(error)}`));
    node.on("messageerror", (error) => ended(`A thread could not read its message: ${String(error)}`));
    node.on("exit", (code) => ended(`A thread ended with code ${code}`));
    return;
  }
  const web = worker as unknown as Worker;
  web.addEventListener("message", ready);
  web.addEventListener("error", (event) =>
    ended(event.message ? `A thread failed: ${event.message}` : "A thread's script could not be loaded"),
  );
  web.addEventListener("messageerror", () => ended("A thread could not read its message"));
}

export function workerError(problem: string): SviError {
  return new SviError("E_WORKER", problem, {
    value: problem,
    remedy: "Make new kernels with threads() and train on from the model or its last checkpoint",
  });
}
