/** @module svi-lm for Node, Deno, Bun and browsers: the public face, with kernels that travel inside it. */
import "../kernels/embedded.ts";

export * from "../public.ts";
