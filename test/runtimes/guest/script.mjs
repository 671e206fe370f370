// Node, Deno and Bun: unbundled, from the folder that the package is installed in; with 256-bit code and threads as told.
import process from "node:process";
import * as library from "svi-lm";
import { run } from "./cases.mjs";

if (!import.meta.resolve("svi-lm").includes("/project/node_modules/svi-lm/dist/"))
  throw new Error(`svi-lm came from ${import.meta.resolve("svi-lm")}, not from the tarball`);
const ways = process.argv.slice(2);
if (ways.includes("wide")) {
  const { useWideKernels } = await import("svi-lm/node");
  let { reason } = await useWideKernels();
  // The self-check is of speed, too: beside other work it may need a few trials.
  for (let trials = 1; reason !== null && trials < 20; trials++) ({ reason } = await useWideKernels());
  if (reason !== null) throw new Error(reason);
}
if (ways.includes("threads")) {
  const { useKernels } = await import("svi-lm/module");
  const { threads } = await import("svi-lm/threads");
  useKernels(await threads({ count: 2 }));
}
const version = globalThis.Deno?.version.deno ?? globalThis.Bun?.version ?? process.versions.node;
console.log(JSON.stringify({ version, report: await run(library) }));
