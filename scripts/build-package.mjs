// Compiles src/ to dist/ with declarations, and bundles what must need nothing else: the command line into one
// file, what a worker runs into one (import maps do not reach workers), and the library that worker/ uses.
//   node scripts/build-package.mjs                 dist/
//   node scripts/build-package.mjs --cli FILE      the command line alone, for its tests
//   node scripts/build-package.mjs --worker FOLDER both sides of svi-lm/worker alone, for its tests
import { spawnSync } from "node:child_process";
import { chmod, copyFile, readFile, rm, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = new URL("..", import.meta.url);

/** The binaries themselves, with the types of what an import of one gives. */
async function copyKernels() {
  const declaration = "declare const module: WebAssembly.Module;\nexport default module;\n";
  for (const build of ["simd", "relaxed"]) {
    const to = `dist/kernels/generated/${build}`;
    await copyFile(new URL(`src/kernels/generated/${build}.wasm`, root), new URL(`${to}.wasm`, root));
    await writeFile(new URL(`${to}.d.wasm.ts`, root), declaration);
  }
}

async function bundleCommandLine(outfile) {
  await build({
    absWorkingDir: fileURLToPath(root),
    entryPoints: ["src/cli/main.ts"],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    legalComments: "inline",
    logLevel: "error",
    banner: {
      // cli-progress is CommonJS and requires modules of Node.
      js: '#!/usr/bin/env node\nimport { createRequire as makeRequire } from "node:module";\nconst require = makeRequire(import.meta.url);',
    },
  });
  await chmod(new URL(outfile, root), 0o755);
}

/** The same bundle in Node and in browsers; licences of what is in it go with it. */
async function bundleForWorkers(entry, outfile) {
  const licence = await readFile(new URL("node_modules/birpc/LICENSE", root), "utf8");
  const loader = entry.endsWith("thread.ts") ? "/*! @assemblyscript/loader: Apache-2.0 */\n" : "";
  await build({
    absWorkingDir: fileURLToPath(root),
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: "neutral",
    mainFields: ["module", "main"],
    format: "esm",
    target: "es2022",
    minify: entry.endsWith("thread.ts"),
    legalComments: "inline",
    logLevel: "error",
    banner: { js: `${loader}/*! birpc\n${licence}*/` },
  });
}

if (process.argv[2] === "--worker")
  for (const name of ["index", "thread"])
    await bundleForWorkers(`src/worker/${name}.ts`, `${process.argv[3]}/${name}.js`);
else if (process.argv[2] === "--cli") await bundleCommandLine(process.argv[3]);
else {
  await rm(new URL("dist", root), { recursive: true, force: true });
  const tsc = fileURLToPath(new URL("node_modules/typescript/bin/tsc", root));
  const { status } = spawnSync(process.execPath, [tsc, "-p", "tsconfig.build.json"], {
    cwd: root,
    stdio: "inherit",
  });
  if (status !== 0) process.exit(1);
  await copyKernels();
  for (const name of ["birpc", "thread"])
    await bundleForWorkers(`src/worker/${name}.ts`, `dist/worker/${name}.js`);
  await rm(new URL("dist/cli", root), { recursive: true });
  await bundleCommandLine("dist/cli/main.js");
}
