/** @module The options about how the arithmetic is done; what the host lacks is said, never ignored. */
import { requireInteger, SviError } from "../errors.ts";
import { capabilities } from "../kernels/capabilities.ts";
import { defaultKernels, type Kernels } from "../kernels/kernels.ts";
import { relaxed } from "../relaxed.ts";

export const KERNELS = {
  kernels: {
    kind: "choice",
    choices: ["simd", "relaxed"],
    default: "simd",
    help: "relaxed is faster where the engine fuses multiply and add, and not reproducible",
  },
} as const;

export const THREADS = {
  threads: { kind: "number", default: 1, help: "more than 1: not in this version yet" },
} as const;

/** @throws SviError `E_OPTION`, `E_HOST` where the engine lacks what was asked for */
export function kernelsFor({
  kernels = "simd",
  threads = 1,
}: {
  kernels?: string;
  threads?: number;
}): Kernels {
  requireInteger("threads", threads, 1);
  if (threads > 1)
    throw new SviError("E_OPTION", `${threads} threads are not available in this version`, {
      value: threads,
      remedy: "Leave --threads away",
    });
  if (kernels === "simd") return defaultKernels();
  const { reason } = capabilities().relaxed;
  if (reason !== null)
    throw new SviError("E_HOST", reason, { value: kernels, remedy: "Leave --kernels away, or use Node 22" });
  return relaxed;
}
