/** @module The options about how the arithmetic is done; what the host lacks is said, never ignored. */
import { requireInteger, SviError } from "../errors.ts";
import { capabilities } from "../kernels/capabilities.ts";
import type { Build } from "../kernels/identity.ts";
import { defaultKernels, type Kernels } from "../kernels/kernels.ts";
import { relaxed } from "../kernels/relaxed.ts";
import { MOST_THREADS } from "../kernels/threads/pool.ts";
import { threads } from "../kernels/threads/threads.ts";
import { useWideKernels } from "../kernels/wide.ts";

export const KERNELS = {
  kernels: {
    kind: "choice",
    choices: ["auto", "simd", "relaxed"],
    default: "auto",
    help: "auto takes 256-bit code where Node makes it, with the same bits as simd; relaxed fuses multiply and add, and is not reproducible",
  },
} as const;

export const THREADS = {
  threads: {
    kind: "number",
    default: 1,
    help: "threads that do arithmetic; the bits are the same for any number",
  },
} as const;

/** @throws SviError `E_OPTION`, `E_HOST` where the engine lacks what was asked for; `E_WORKER` */
export async function kernelsFor({
  kernels = "auto",
  threads: count = 1,
}: {
  kernels?: string;
  threads?: number;
}): Promise<Kernels> {
  requireInteger("threads", count, 1, MOST_THREADS);
  const { reason } = capabilities().relaxed;
  if (kernels === "relaxed" && reason !== null)
    throw new SviError("E_HOST", reason, { value: kernels, remedy: "Omit --kernels, or use Node 22" });
  if (kernels === "auto") await useWideKernels();
  const build: Build = kernels === "relaxed" ? "relaxed" : "simd";
  // They do not keep the process from ending, and end with it.
  if (count > 1) return threads({ count, build });
  return build === "simd" ? defaultKernels() : relaxed;
}
