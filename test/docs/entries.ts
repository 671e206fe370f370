/** The package's entry points and the sources behind them. */
import { readFileSync } from "node:fs";

/** `svi-lm/worker` → `src/entries/worker.ts`, for every entry point that is a module. */
export function entryPoints(): Map<string, string> {
  const { exports } = JSON.parse(readFileSync("package.json", "utf8")) as {
    exports: Record<string, string | { types: string; default: string }>;
  };
  const found = new Map<string, string>();
  for (const [subpath, target] of Object.entries(exports)) {
    if (typeof target === "string" || !target.default.endsWith(".js")) continue;
    const source = target.types.replace("./dist/", "src/").replace(/\.d\.ts$/, ".ts");
    found.set(subpath.replace(".", "svi-lm"), source);
  }
  return found;
}
