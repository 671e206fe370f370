// Node, Deno and Bun: unbundled, from the folder that the package is installed in.
import * as library from "svi-lm";
import { run } from "./cases.mjs";

if (!import.meta.resolve("svi-lm").includes("/project/node_modules/svi-lm/dist/"))
  throw new Error(`svi-lm came from ${import.meta.resolve("svi-lm")}, not from the tarball`);
const version = globalThis.Deno?.version.deno ?? globalThis.Bun?.version ?? process.versions.node;
console.log(JSON.stringify({ version, report: await run(library) }));
