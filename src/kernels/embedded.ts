/** @module Provides the kernels that travel as text, for every host that compiles at run time. Imported for its effect. */

import { simdText } from "./generated/simd.ts";
import { bytesOfHex } from "./hex.ts";
import { kernelsOf, provideKernels } from "./kernels.ts";

provideKernels(kernelsOf("simd", () => bytesOfHex(simdText)));
