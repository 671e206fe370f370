/** @module svi-lm for Cloudflare's workerd, which takes a compiled module by import and compiles nothing itself. */
import "../kernels/imported.ts";

export * from "../public.ts";
