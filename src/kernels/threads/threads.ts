/** @module Starts threads, and gives kernels that use them. */
import { requireInteger, SviError, wrongOption } from "../../errors.ts";
import { type Kinds, requireOptions } from "../../options.ts";
import { capabilities } from "../capabilities.ts";
import { compileLater } from "../compile.ts";
import { type Build, identify } from "../identity.ts";
import { instances, type Kernels } from "../kernels.ts";
import { bytesOfText } from "../printable.ts";
import { createWorker, type ThreadWorker } from "./host.ts";
import { instantiateOwn, instantiateOwnLater, share } from "./instance.ts";
import { MOST_THREADS, ThreadPool } from "./pool.ts";

export interface ThreadsOptions {
  /** Threads that do arithmetic, the calling one included; as many as the host has processors by default. */
  readonly count?: number;
  /** `simd` by default. */
  readonly build?: Build;
  /** Makes a worker that runs `svi-lm/threads/thread`, where the bundler does not find that file by itself. */
  readonly worker?: () => ThreadWorker;
}

const OPTIONS: Kinds<ThreadsOptions> = { count: "number", build: "string", worker: "function" };

/** For the option `kernels`; serves any number of runs, one after another or in turns. */
export interface ThreadedKernels extends Kernels {
  /** Ends the threads. Work that still uses them throws `E_DISPOSED`. */
  dispose(): Promise<void>;
}

/**
 * Starts threads and resolves once they are up. The calling thread does its own share of the work.
 * @throws SviError `E_HOST` with the reason where the host has no shared memory or no workers, such as a page that
 *   is not cross-origin isolated; `E_WORKER` where a thread does not come up; `E_OPTION`
 */
export async function threads(options: ThreadsOptions = {}): Promise<ThreadedKernels> {
  requireOptions("threads", options, OPTIONS);
  const count = requireInteger("count", options.count ?? processors(), 1, MOST_THREADS);
  const build = options.build ?? "simd";
  const { reason } = capabilities().threads;
  if (reason !== null)
    throw new SviError("E_HOST", reason, {
      value: count,
      remedy: "Omit threads; the bits are the same",
    });
  const module = await compileLater(bytesOfText(await binaryOf(build)));
  identify(module);
  const pool = await ThreadPool.start(count, module, options.worker ?? createWorker);
  const { prepare, instantiate } = instances(
    () => instantiateOwn(module),
    () => instantiateOwnLater(module),
  );
  return {
    build,
    reproducible: build === "simd",
    threads: count,
    prepare,
    instantiate: (set) => share(pool, module, instantiate(set).exports),
    dispose: () => pool.dispose(),
  };
}

/** One build is loaded, not both. @throws SviError `E_OPTION` */
async function binaryOf(build: Build): Promise<string> {
  if (build === "simd") return (await import("../generated/simdThreads.ts")).simdThreadsText;
  if (build === "relaxed") return (await import("../generated/relaxedThreads.ts")).relaxedThreadsText;
  throw wrongOption("build", build, "simd or relaxed");
}

function processors(): number {
  const host = globalThis as {
    navigator?: { hardwareConcurrency?: number };
    process?: { getBuiltinModule?(name: string): { availableParallelism(): number } | undefined };
  };
  return (
    host.process?.getBuiltinModule?.("node:os")?.availableParallelism() ??
    host.navigator?.hardwareConcurrency ??
    1
  );
}
