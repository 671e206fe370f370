// Writes dist/: declarations file by file, JavaScript in a few files that start fast, the kernels, the command line.
//   node scripts/build-package.mjs             dist/
//   node scripts/build-package.mjs --cli FILE  the command line alone, for its tests
import { spawnSync } from "node:child_process";
import { chmod, copyFile, readFile, rm, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = new URL("..", import.meta.url);
const KERNELS = "kernels/generated";

/** Sources of all that package.json exports. */
async function entryPoints() {
  const { exports } = JSON.parse(await readFile(new URL("package.json", root), "utf8"));
  const files = Object.values(exports).flatMap((entry) => Object.values(entry));
  const modules = files.filter((file) => typeof file === "string" && file.endsWith(".js"));
  return [...new Set(modules)].map((file) => file.replace("./dist/", "src/").replace(/\.js$/, ".ts"));
}

/**
 * One file for each entry point, what several of them need in shared ones: a module graph of 80 files takes Node 30 ms
 * to open. Names and lines stay as they are written; whoever bundles it minifies.
 */
async function bundleModules() {
  await build({
    absWorkingDir: fileURLToPath(root),
    entryPoints: await entryPoints(),
    outbase: "src",
    outdir: "dist",
    chunkNames: "shared/[hash]",
    bundle: true,
    splitting: true,
    packages: "external",
    external: ["node:*"],
    platform: "neutral",
    format: "esm",
    target: "es2022",
    logLevel: "error",
    plugins: [
      {
        name: "wasm imports are the host's",
        setup: ({ onResolve }) =>
          onResolve({ filter: /\.wasm(\?module)?$/ }, ({ path }) => ({
            path: path.replace("./generated", `./${KERNELS}`),
            external: true,
          })),
      },
    ],
  });
}

function declarations() {
  const tsc = fileURLToPath(new URL("node_modules/typescript/bin/tsc", root));
  const { status } = spawnSync(process.execPath, [tsc, "-p", "tsconfig.build.json"], {
    cwd: root,
    stdio: "inherit",
  });
  if (status !== 0) process.exit(1);
}

/** The binaries themselves, with the types of what an import of one gives. */
async function copyKernels() {
  const declaration = "declare const module: WebAssembly.Module;\nexport default module;\n";
  for (const build of ["simd", "relaxed"]) {
    const to = `dist/${KERNELS}/${build}`;
    await copyFile(new URL(`src/${KERNELS}/${build}.wasm`, root), new URL(`${to}.wasm`, root));
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

if (process.argv[2] === "--cli") await bundleCommandLine(process.argv[3]);
else {
  await rm(new URL("dist", root), { recursive: true, force: true });
  declarations();
  await rm(new URL("dist/cli", root), { recursive: true });
  await bundleModules();
  await copyKernels();
  await bundleCommandLine("dist/cli/main.js");
}
