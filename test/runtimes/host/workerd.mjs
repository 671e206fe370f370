// Runs a worker in workerd.   node workerd.mjs FOLDER
import { readdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { Miniflare, supportedCompatibilityDate } from "miniflare";
import { answer, reportOf } from "./answer.mjs";

const [folder] = process.argv.slice(2);
const wasm = (await readdir(folder)).filter((name) => name.endsWith(".wasm"));
const miniflare = new Miniflare({
  modulesRoot: folder,
  modules: [
    { type: "ESModule", path: join(folder, "worker.js") },
    ...wasm.map((name) => ({ type: "CompiledWasm", path: join(folder, name) })),
  ],
  compatibilityDate: supportedCompatibilityDate,
  cf: false,
});
try {
  const report = await reportOf(await miniflare.dispatchFetch("http://worker/"));
  answer(createRequire(import.meta.url)("workerd/package.json").version, report);
} finally {
  await miniflare.dispose();
}
