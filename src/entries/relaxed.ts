/** @module The relaxed build, for whoever asks for it: fused multiply-add, faster where the engine has it, not reproducible. */
export { relaxed } from "../kernels/relaxed.ts";
