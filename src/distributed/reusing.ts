/**
 * @module Kernels whose instance is used again when its run has released it, with a memory of zeros as a new one has:
 * to clear it takes a job less time than the host takes to find, clear and give back as many pages.
 */
import type { KernelSet } from "../kernels/calls.ts";
import type { Instantiated, Kernels } from "../kernels/kernels.ts";

/** One instance at a time waits; those with threads, which their release ends, are made anew. */
export function reusing(kernels: Kernels): Kernels {
  let free: { readonly set: KernelSet | undefined; readonly own: Instantiated } | null = null;
  const kept = (set: KernelSet | undefined, own: Instantiated): Instantiated => {
    const again = {
      ...own,
      release() {
        free = { set, own: again };
      },
    };
    return again;
  };
  return {
    ...kernels,
    instantiate(set) {
      const found = free;
      free = null;
      if (!found || found.set !== set) {
        const own = kernels.instantiate(set);
        return own.crew || own.release ? own : kept(set, own);
      }
      const { exports, memory } = found.own;
      new Uint8Array(memory.buffer, exports.heapBase()).fill(0);
      return found.own;
    },
  };
}
