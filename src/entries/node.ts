/** @module What Node, Deno and Bun add: files, read by position and written whole or not at all; 256-bit code in Node. */
export { readFileBytes, writeFileAtomically } from "../formats/file.ts";
export type { Capability } from "../kernels/capabilities.ts";
export { useWideKernels } from "../kernels/wide.ts";
export { type FileSource, openFile } from "../text/file.ts";
