/** @module The relaxed build, for whoever asks for it: fused multiply-add, faster where the engine has it, not reproducible. */

import { compile } from "./kernels/compile.ts";
import { relaxedText } from "./kernels/generated/relaxed.ts";
import { bytesOfHex } from "./kernels/hex.ts";
import { type Kernels, kernelsOf } from "./kernels/kernels.ts";

/**
 * For the option `kernels`. Compiled when first used.
 * Throws SviError `E_HOST` then where the engine lacks relaxed SIMD; `capabilities().relaxed` tells before.
 */
export const relaxed: Kernels = kernelsOf("relaxed", () => compile(bytesOfHex(relaxedText)));
