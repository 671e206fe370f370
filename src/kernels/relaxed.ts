/** @module The relaxed build: fused multiply-add, faster where the engine has it, not reproducible. */
import { relaxedText } from "./generated/relaxed.ts";
import { bytesOfHex } from "./hex.ts";
import { type Kernels, kernelsOf } from "./kernels.ts";

/**
 * For the option `kernels`. Compiled when first used.
 * Throws SviError `E_HOST` then where the engine lacks relaxed SIMD; `capabilities().relaxed` tells before.
 */
export const relaxed: Kernels = kernelsOf("relaxed", () => bytesOfHex(relaxedText));
