// Writes dist/: declarations file by file, JavaScript in a few files that start fast, what a worker runs in one that
// needs nothing else, the kernels, the command line.
//   node scripts/build-package.mjs                 dist/
//   node scripts/build-package.mjs --cli FILE      the command line alone, for its tests
//   node scripts/build-package.mjs --modules FOLDER the JavaScript of every entry point, for their tests
import { spawnSync } from "node:child_process";
import { chmod, copyFile, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import ts from "typescript";

const root = new URL("..", import.meta.url);
const absWorkingDir = fileURLToPath(root);
const KERNELS = "kernels/generated";
/** For the coverage of tests, in what they bundle: see scripts/coverage.mjs. */
const sourcemap = process.env.SOURCE_MAPS ? "inline" : false;

/** Installed by those who run over many machines, and loaded when they do. */
const QUEUE = ["bullmq", "ioredis", "bullmq-otel", "@bull-board/*", "aws4fetch"];

/** What runs in a thread, each in one file. */
const THREADS = ["src/worker/thread.ts", "src/kernels/threads/thread.ts"];

/**
 * Source and output of all that package.json exports, but for those that stand alone: the declarations of an entry lie
 * where its source does. What a condition leads to has its types where it is exported by its own name.
 */
async function entryPoints() {
  const { exports } = JSON.parse(await readFile(new URL("package.json", root), "utf8"));
  return Object.values(exports)
    .filter((entry) => entry.default?.endsWith(".js"))
    .map(({ types, default: file }) => ({
      source: types.replace("./dist/", "src/").replace(/\.d\.ts$/, ".ts"),
      outfile: file.replace("./", ""),
    }))
    .filter(({ source }) => !THREADS.includes(source));
}

/**
 * core.js holds what entry points share, so that there is one SviError and one choice of kernels; each entry point adds
 * a small file. A graph of 80 modules takes Node 30 ms to open, one of two takes 5. Not minified:
 * an error that nobody catches prints a few lines and names what failed, and bundlers make names short.
 */
async function bundleModules(dist) {
  const core = await coreModules();
  // The kernels first: between other code they would hide what stands before from a compressor that looks 32 kB back.
  const wanted = new Set([`src/${KERNELS}/parts.ts`, "src/public.ts"]);
  for (const { source, outfile } of await entryPoints()) {
    const path = `./${relative(dirname(outfile), "dist/core.js")}`.replace("./..", "..");
    const plugins = [hostsWasm, fromCore({ core, wanted, path })];
    await bundle(source, { outfile: outfile.replace("dist", dist), plugins });
  }
  const contents = [...wanted].map((file) => `export * from "./${file}";`).join("\n");
  await bundle(undefined, { stdin: { contents, resolveDir: absWorkingDir }, outfile: `${dist}/core.js` });
  for (const entry of ["src/worker/birpc.ts", ...THREADS]) await bundleForWorkers(entry, distOf(entry, dist));
  for (const build of ["simd", "relaxed"]) {
    const entry = `src/${KERNELS}/${build}Threads.ts`;
    await bundle(entry, { outfile: distOf(entry, dist) });
  }
  const text = "src/worker/text.ts";
  await bundle(text, { outfile: distOf(text, dist), plugins: [workerText] });
}

/** The modules of core.js, each with the names that it exports. */
async function coreModules() {
  const { metafile } = await bundle("src/public.ts", { write: false, metafile: true });
  const entryPoints = Object.keys(metafile.inputs);
  const every = await bundle(undefined, {
    entryPoints,
    outdir: "dist",
    splitting: true,
    write: false,
    metafile: true,
  });
  const outputs = Object.values(every.metafile.outputs).filter(({ entryPoint }) => entryPoint);
  return new Map(outputs.map(({ entryPoint, exports }) => [entryPoint, exports]));
}

function distOf(source, dist = "dist") {
  return source.replace(/^src/, dist).replace(/\.ts$/, ".js");
}

function bundle(entry, more) {
  return build({
    absWorkingDir,
    entryPoints: entry && [entry],
    bundle: true,
    external: ["node:*", ...QUEUE],
    platform: "neutral",
    format: "esm",
    target: "es2022",
    legalComments: "inline",
    logLevel: "error",
    sourcemap,
    ...more,
  });
}

/** An import of a binary stays one, for the host to resolve. */
const hostsWasm = {
  name: "host's wasm",
  setup: ({ onResolve }) =>
    onResolve({ filter: /\.wasm(\?module)?$/ }, ({ path }) => ({
      path: path.replace("./generated", `./${KERNELS}`),
      external: true,
    })),
};

/** Modules of core.js are imported from there, by name: `export *` of one of them is not all that core.js has. */
const fromCore = ({ core, wanted, path }) => ({
  name: "from core",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^core$/ }, () => ({ path, external: true }));
    // A file of its own, with its licence.
    onResolve({ filter: /\/birpc\.ts$/ }, () => ({ path: "./birpc.js", external: true }));
    // Loaded when threads of that build, or a worker, are asked for.
    onResolve({ filter: /generated\/\w+Threads\.ts$|^\.\/text\.ts$/ }, ({ path: imported }) => ({
      path: imported.replace(/\.ts$/, ".js"),
      external: true,
    }));
    onResolve({ filter: /^\.\.?\// }, ({ path: imported, resolveDir }) => {
      const file = relative(absWorkingDir, resolve(resolveDir, imported));
      if (!core.has(file)) return;
      wanted.add(file);
      return { path: file, namespace: "core" };
    });
    onLoad({ filter: /./, namespace: "core" }, ({ path: file }) => ({
      contents: `export { ${core.get(file).join(", ")} } from "core";`,
    }));
  },
});

function declarations() {
  const tsc = fileURLToPath(new URL("node_modules/typescript/bin/tsc", root));
  const { status } = spawnSync(process.execPath, [tsc, "-p", "tsconfig.build.json"], {
    cwd: absWorkingDir,
    stdio: "inherit",
  });
  if (status !== 0) process.exit(1);
}

/** Interfaces of hosts that a project without the DOM's library has none of; where there are some, these add nothing. */
const HOST_TYPES = `declare namespace WebAssembly {
  interface Module {}
  interface Memory {}
}
`;

/** An option that is undefined counts as not given, so it may be, also under `exactOptionalPropertyTypes`. */
function mayBeUndefined(text) {
  const file = ts.createSourceFile("a.d.ts", text, ts.ScriptTarget.Latest);
  const places = [];
  const visit = (node) => {
    if (ts.isPropertySignature(node) && node.questionToken && node.type)
      places.push([node.type.getStart(file), "("], [node.type.end, ") | undefined"]);
    ts.forEachChild(node, visit);
  };
  visit(file);
  const inserted = (out, [at, added]) => out.slice(0, at) + added + out.slice(at);
  return places.sort(([x], [y]) => y - x).reduce(inserted, text);
}

/** Declarations as TypeScript 5.4 reads them, and in projects without the DOM's library. */
async function portableDeclarations() {
  await writeFile(new URL("dist/host.d.ts", root), HOST_TYPES);
  for (const file of await readdir(new URL("dist", root), { recursive: true })) {
    if (!file.endsWith(".d.ts") || file === "host.d.ts") continue;
    const path = new URL(`dist/${file}`, root);
    const text = await readFile(path, "utf8");
    // TypeScript before 5.7 knows no type arguments of these; later versions give what slice returns one.
    const plain = mayBeUndefined(text).replace(/\b(\w+Array)<ArrayBuffer>/g, 'ReturnType<$1["slice"]>');
    const host = relative(dirname(`dist/${file}`), "dist/host.d.ts");
    const reference = plain.includes("WebAssembly.") ? `/// <reference path="${host}" />\n` : "";
    if (reference + plain !== text) await writeFile(path, reference + plain);
  }
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
    absWorkingDir,
    entryPoints: ["src/cli/main.ts"],
    outfile,
    bundle: true,
    external: QUEUE,
    platform: "node",
    format: "esm",
    target: "node20",
    legalComments: "inline",
    logLevel: "error",
    sourcemap,
    banner: {
      // cli-progress is CommonJS and requires modules of Node.
      js: '#!/usr/bin/env node\nimport { createRequire as makeRequire } from "node:module";\nconst require = makeRequire(import.meta.url);',
    },
  });
  await chmod(new URL(outfile, root), 0o755);
}

/** thread.ts as the text of a script, for Node's workers: a module cannot be given as text. */
const workerText = {
  name: "worker's text",
  setup: ({ onLoad }) =>
    onLoad({ filter: /src\/worker\/text\.ts$/ }, async () => {
      const { outputFiles } = await bundle("src/worker/thread.ts", {
        mainFields: ["module", "main"],
        format: "iife",
        write: false,
      });
      return { contents: `export const workerText = ${JSON.stringify(outputFiles[0].text)};` };
    }),
};

/** The same bundle in Node and in browsers; licences of what is in it go with it. */
async function bundleForWorkers(entry, outfile) {
  const { metafile, outputFiles } = await build({
    absWorkingDir,
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: "neutral",
    mainFields: ["module", "main"],
    format: "esm",
    target: "es2022",
    sourcemap,
    legalComments: "inline",
    logLevel: "error",
    write: false,
    metafile: true,
    plugins: [workerText],
  });
  const uses = (name) => Object.keys(metafile.inputs).some((file) => file.includes(`node_modules/${name}/`));
  const licence = await readFile(new URL("node_modules/birpc/LICENSE", root), "utf8");
  const banner = [...(uses("birpc") ? [`/*! birpc\n${licence}*/\n`] : [])];
  await mkdir(dirname(resolve(absWorkingDir, outfile)), { recursive: true });
  await writeFile(resolve(absWorkingDir, outfile), banner.join("") + outputFiles[0].text);
}

if (process.argv[2] === "--cli") await bundleCommandLine(process.argv[3]);
else if (process.argv[2] === "--modules") await bundleModules(process.argv[3]);
else {
  await rm(new URL("dist", root), { recursive: true, force: true });
  declarations();
  await rm(new URL("dist/cli", root), { recursive: true });
  await portableDeclarations();
  await bundleModules("dist");
  await copyKernels();
  await bundleCommandLine("dist/cli/main.js");
}
