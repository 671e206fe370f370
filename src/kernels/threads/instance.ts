/** @module An instance whose memory all threads share. */
import { SviError } from "../../errors.ts";
import type { KernelExports } from "../generated/signatures.ts";
import type { Instantiated } from "../kernels.ts";
import { instantiate, instantiateLater } from "../loader.ts";
import { PoolCrew } from "./crew.ts";
import { type KernelFunction, kernelNames } from "./job.ts";
import type { ThreadPool } from "./pool.ts";

/** What the binary allows, in pages of 64 KiB; some hosts set no more than a part of it aside. */
const MOST_PAGES = 65536;
const LEAST_PAGES = 1024;

/** A memory of its own, which the instance on the coordinator's side exports. @throws SviError `E_MEMORY` */
export function instantiateOwn(module: WebAssembly.Module): KernelExports {
  return instantiate(module, createMemory());
}

/** The same, where a host makes no instance at once. */
export function instantiateOwnLater(module: WebAssembly.Module): Promise<KernelExports> {
  return instantiateLater(module, createMemory());
}

/** @throws SviError `E_MEMORY` where the host sets no shared memory aside; `E_WORKER`, `E_DISPOSED` */
export function share(pool: ThreadPool, module: WebAssembly.Module, own: KernelExports): Instantiated {
  const { memory } = own;
  const names = kernelNames(module);
  const attachment = pool.attach(
    memory,
    names.map((name) => own[name as keyof KernelExports] as KernelFunction),
  );
  const scratch = Math.ceil(own.gemmScratchSize() / 64) * 64;
  const crew = new PoolCrew(pool, attachment, names, scratch);
  return {
    // Room for the scratch of every thread.
    exports: { ...crew.join(own), gemmScratchSize: () => scratch * pool.count },
    memory,
    crew,
    release: () => pool.detach(attachment),
  };
}

/** A shared memory's greatest size is set aside at once: less is asked for where a host refuses. */
function createMemory(): WebAssembly.Memory {
  for (let maximum = MOST_PAGES; ; maximum /= 2)
    try {
      return new WebAssembly.Memory({ initial: 1, maximum, shared: true });
    } catch (cause) {
      if (maximum <= LEAST_PAGES)
        throw new SviError("E_MEMORY", "The host refused shared memory", {
          value: maximum * 65536,
          remedy: "Dispose of kernels that are not used any more, or omit threads",
          cause,
        });
    }
}
