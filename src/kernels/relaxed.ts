/** @module The relaxed build: fused multiply-add, faster where the engine has it, not reproducible. */
import { relaxedText } from "./generated/relaxed.ts";
import { type Kernels, kernelsOf } from "./kernels.ts";
import { bytesOfText } from "./printable.ts";

/**
 * For the option `kernels`. Compiled when first used.
 * Throws SviError `E_HOST` then where the engine lacks relaxed SIMD; `capabilities().relaxed` tells before.
 */
export const relaxed: Kernels = kernelsOf("relaxed", () => bytesOfText(relaxedText));
