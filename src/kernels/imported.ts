/** @module Provides the kernels from a `.wasm` import that the host compiles. Imported for its effect. */
import simd from "./generated/simd.wasm";
import { kernelsOf, provideKernels } from "./kernels.ts";

provideKernels(kernelsOf("simd", simd));
