// Runs a script in edge-runtime, as Vercel's build hands it over: what `.wasm?module` imported is a global of its
// own, compiled outside, and the script compiles nothing itself.   node edge.mjs FOLDER
import { readdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, join } from "node:path";
import { EdgeRuntime } from "edge-runtime";
import { answer, reportOf } from "./answer.mjs";

const [folder] = process.argv.slice(2);
const modules = {};
for (const name of await readdir(folder))
  if (name.endsWith(".wasm"))
    modules[basename(name, ".wasm")] = await WebAssembly.compile(await readFile(join(folder, name)));
const runtime = new EdgeRuntime({
  initialCode: await readFile(join(folder, "edge.js"), "utf8"),
  codeGeneration: { strings: false, wasm: false },
  extend: (context) => Object.assign(context, modules),
});
const report = await reportOf(await runtime.dispatchFetch("http://edge/"));
answer(createRequire(import.meta.url)("edge-runtime/package.json").version, report);
