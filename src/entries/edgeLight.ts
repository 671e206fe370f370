/** @module svi-lm for edge-light (Vercel's edge runtime), where `?module` imports what the bundler compiled. */
import "../kernels/importedModule.ts";

export * from "../public.ts";
