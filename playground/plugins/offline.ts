/** @module The service worker: what a first visit keeps, and what is kept once there is a model. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import type { Plugin, Rollup } from "vite";

/** Files without which nothing works offline; the rest is fetched when the first model is made. */
const FIRST = [/^index\.html$/, /^from-disk\.js$/, /^icon\.svg$/];
/** The worker of what the first view computes, as its chunk names it. */
const WORKER = /\bthread-[\w-]+\.js/g;
/** Large, and loaded on demand alone. */
const NEVER = [/^models\//, /\.map$/, /^sw\.js$/, /\/benchmarkWorker-[^/]+\.js$/];

/** Writes `sw.js` into the built site. */
export function offline(): Plugin {
  let folder = "";
  let written = false;
  const shell = new Set<string>();
  return {
    name: "offline",
    apply: "build",
    configResolved(config) {
      folder = config.build.outDir;
    },
    generateBundle(_, bundle) {
      const chunks = Object.values(bundle).filter(
        (item): item is Rollup.OutputChunk => item.type === "chunk",
      );
      const add = (name: string) => {
        const chunk = bundle[name];
        if (shell.has(name) || chunk?.type !== "chunk") return;
        shell.add(name);
        for (const style of chunk.viteMetadata?.importedCss ?? []) shell.add(style);
        for (const [worker] of chunk.code.matchAll(WORKER)) shell.add(`assets/${worker}`);
        chunk.imports.forEach(add);
      };
      for (const { isEntry, fileName, name } of chunks) if (isEntry || name === "train") add(fileName);
    },
    writeBundle() {
      written = true;
    },
    closeBundle() {
      // It is called after an error too, which what follows would hide.
      if (!written) return;
      const files = listed(folder).filter((file) => !NEVER.some((pattern) => pattern.test(file)));
      const first = files.filter((file) => shell.has(file) || FIRST.some((pattern) => pattern.test(file)));
      const later = files.filter((file) => !first.includes(file));
      const hash = createHash("sha256");
      for (const file of files) hash.update(file).update(readFileSync(join(folder, file)));
      const constants = { version: hash.digest("hex").slice(0, 16), first, later };
      const source = readFileSync(new URL("./serviceWorker.js", import.meta.url), "utf8");
      writeFileSync(join(folder, "sw.js"), source.replace('"CONSTANTS"', JSON.stringify(constants)));
    },
  };
}

function listed(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join("/"))
    .sort();
}
