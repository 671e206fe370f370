/** @module Provides the kernels that travel as text, for every host that compiles at run time. Imported for its effect. */

import { simdText } from "./generated/simd.ts";
import { kernelsOf, provideKernels } from "./kernels.ts";
import { bytesOfText } from "./printable.ts";

provideKernels(kernelsOf("simd", () => bytesOfText(simdText)));
