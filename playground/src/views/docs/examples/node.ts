/** @module Stands for svi-lm/node in examples. */
import type { Capability, FileSource } from "../../../../../src/entries/node.ts";
import { readFile } from "./files.ts";

export { writeFile as writeFileAtomically } from "./files.ts";

/** A file that the site lends, or that the example wrote itself. */
export async function openFile(name: string): Promise<FileSource> {
  const bytes = await readFile(name);
  return {
    size: bytes.length,
    read: async (start, end) => bytes.slice(start, end),
    close: async () => {},
  };
}

export async function useWideKernels(): Promise<Capability> {
  return { available: false, reason: "A page sets no flags of its engine: this is for Node" };
}
