// Runs a bundled worker in workerd and prints what it answers: node workerd.js FOLDER [MAIN [FLAG …]]
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Miniflare } from "miniflare";

const [folder, main = "index.js", ...compatibilityFlags] = process.argv.slice(2);
const files = readdirSync(folder, { recursive: true }).filter((name) => /\.(m?js|wasm)$/.test(name));
const modules = files.map((name) => ({
  type: name.endsWith(".wasm") ? "CompiledWasm" : "ESModule",
  path: name,
  contents: readFileSync(join(folder, name)),
}));
// The first module is the worker.
modules.sort((a, b) => Number(b.path === main) - Number(a.path === main));
const worker = new Miniflare({
  modules,
  compatibilityDate: "2026-01-01",
  compatibilityFlags,
});
const response = await worker.dispatchFetch("http://worker/");
console.log(await response.text());
await worker.dispose();
