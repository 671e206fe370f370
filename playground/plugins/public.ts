/** @module The folder of files that the site serves as they are: those of public/, and what plugins write beside them. */
import { cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

export const ROOT = root(".");
export const PUBLIC = root("build/playground-public");

rmSync(PUBLIC, { recursive: true, force: true });
mkdirSync(PUBLIC, { recursive: true });
cpSync(root("playground/public"), PUBLIC, { recursive: true });

/** Writes a file that the site serves under that name. */
export function serve(name: string, content: string | Uint8Array): void {
  const path = join(PUBLIC, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}
