/** @module What Node, Deno and Bun add: files, read by position and written whole or not at all. */
export { readFileBytes, writeFileAtomically } from "../formats/file.ts";
export { type FileSource, openFile } from "../text/file.ts";
