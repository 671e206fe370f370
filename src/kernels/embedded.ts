/** @module Provides the kernels from base64, for every host that compiles at run time. Imported for its effect. */
import { bytesOfBase64 } from "./base64.ts";
import { compile } from "./compile.ts";
import { simdBase64 } from "./generated/simd.ts";
import { kernelsOf, provideKernels } from "./kernels.ts";

provideKernels(kernelsOf("simd", () => compile(bytesOfBase64(simdBase64))));
