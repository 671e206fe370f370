/** @module The options about how the arithmetic is done; what this version lacks is said, never ignored. */
import { requireInteger, SviError } from "../errors.ts";

export const KERNELS = {
  kernels: {
    kind: "choice",
    choices: ["simd", "relaxed"],
    default: "simd",
    help: "relaxed is faster and not reproducible; not in this version yet",
  },
} as const;

export const THREADS = {
  threads: { kind: "number", default: 1, help: "more than 1: not in this version yet" },
} as const;

/** @throws SviError `E_OPTION` */
export function requireAvailable({
  kernels = "simd",
  threads = 1,
}: {
  kernels?: string;
  threads?: number;
}): void {
  requireInteger("threads", threads, 1);
  if (threads > 1) throw missing(`${threads} threads`, threads, "Leave --threads away");
  if (kernels !== "simd") throw missing(`The ${kernels} kernels`, kernels, "Leave --kernels away");
}

function missing(what: string, value: unknown, remedy: string): SviError {
  return new SviError("E_OPTION", `${what} are not available in this version`, { value, remedy });
}
