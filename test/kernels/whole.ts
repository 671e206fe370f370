/** All kernels in one binary, those that only tests and benches call among them. */
import { readFileSync } from "node:fs";
import { kernelsOf } from "../../src/kernels/kernels.ts";

export const whole = kernelsOf("simd", () => Uint8Array.from(readFileSync("build/kernels.simd.wasm")));
