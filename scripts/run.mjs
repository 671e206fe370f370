// Bundles one TypeScript entry and runs it with the remaining arguments: Node 20 strips no types of its own.
import { spawn } from "node:child_process";
import { access, mkdir } from "node:fs/promises";
import { build } from "esbuild";

const [entry, ...rest] = process.argv.slice(2);
try {
  await access("src/kernels/generated/simd.ts");
} catch {
  await import("./build-kernels.mjs");
}
const outfile = `build/run/${entry.replace(/\.ts$/, ".mjs")}`;
await mkdir("build/run", { recursive: true });
await build({
  entryPoints: [entry],
  outfile,
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node20",
  packages: "external",
  logLevel: "error",
});
const child = spawn(process.execPath, ["--enable-source-maps", outfile, ...rest], { stdio: "inherit" });
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
child.on("exit", (code, signal) => process.exit(code ?? (signal === "SIGINT" ? 130 : 1)));
