/** @module Provides the kernels from a `.wasm?module` import. Imported for its effect. */
import simd from "./generated/simd.wasm?module";
import { kernelsOf, provideKernels } from "./kernels.ts";

provideKernels(kernelsOf("simd", simd));
