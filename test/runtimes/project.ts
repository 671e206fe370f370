/** @module The package as a user gets it: packed, installed from the tarball, bundled as each host's own tools do. */
import { createHash } from "node:crypto";
import { copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { type BuildOptions, build, type Plugin, transform } from "esbuild";
import { npm, output } from "./process.ts";

const FOLDER = "build/conformance";
const GUESTS = "test/runtimes/guest";

/** Builds, packs and installs the package, the cases beside it. Returns the folder. */
export async function createProject(): Promise<string> {
  await rm(FOLDER, { recursive: true, force: true });
  const folder = resolve(FOLDER, "project");
  await mkdir(folder, { recursive: true });
  await output([npm, "run", "build"], { limit: 300 });
  const [{ filename }] = JSON.parse(await output([npm, "pack", "--json", `--pack-destination=${FOLDER}`]));
  const dependencies = { "svi-lm": `file:../${filename}` };
  const manifest = { name: "conformance", private: true, type: "module", dependencies };
  await writeFile(join(folder, "package.json"), JSON.stringify(manifest, null, 2));
  await output([npm, "install", "--no-package-lock", "--no-audit", "--no-fund"], { cwd: folder });
  const { code } = await transform(await readFile("test/runtimes/cases.ts"), {
    loader: "ts",
    target: "es2022",
  });
  await writeFile(join(folder, "cases.mjs"), code);
  for (const name of ["script.mjs", "page.mjs", "worker.mjs", "edge.mjs"])
    await copyFile(join(GUESTS, name), join(folder, name));
  await bundle(folder);
  return folder;
}

async function bundle(folder: string): Promise<void> {
  await bundleOne(folder, {
    entryPoints: ["page.mjs"],
    outfile: "page/page.js",
    format: "esm",
    conditions: ["browser"],
  });
  await bundleOne(folder, {
    entryPoints: ["worker.mjs"],
    outfile: "workerd/worker.js",
    format: "esm",
    conditions: ["workerd", "worker", "browser"],
    plugins: [wasmModules("workerd")],
  });
  await bundleOne(folder, {
    entryPoints: ["edge.mjs"],
    outfile: "edge/edge.js",
    format: "iife",
    conditions: ["edge-light", "worker", "browser"],
    plugins: [wasmGlobals("edge")],
  });
}

async function bundleOne(folder: string, options: BuildOptions): Promise<void> {
  const { metafile } = await build({
    ...options,
    absWorkingDir: folder,
    bundle: true,
    target: "es2022",
    logLevel: "error",
    metafile: true,
  });
  const stray = Object.keys(metafile!.inputs).filter((path) => path.startsWith(".."));
  if (stray.length > 0) throw new Error(`${stray.join(", ")} came into a bundle from outside the tarball`);
}

/** As wrangler: the file beside the bundle under a name with its hash, its import left for workerd to resolve. */
function wasmModules(folder: string): Plugin {
  return wasmPlugin(/\.wasm$/, async (path) => {
    const name = `${await digest(path)}-${basename(path)}`;
    await keep(path, folder, name);
    return { path: `./${name}`, external: true };
  });
}

/** As Vercel's build: `.wasm?module` is a global by the file's hash, which the host binds to the module. */
function wasmGlobals(folder: string): Plugin {
  const plugin = wasmPlugin(/\.wasm\?module$/, async (path) => {
    const name = `wasm_${await digest(path)}`;
    await keep(path, folder, `${name}.wasm`);
    return { path: name, namespace: "wasm-global" };
  });
  return {
    name: "wasm-globals",
    setup(bundler) {
      plugin.setup(bundler);
      bundler.onLoad({ filter: /^/, namespace: "wasm-global" }, ({ path }) => ({
        contents: `export default ${path};`,
      }));
    },
  };
}

function wasmPlugin(
  filter: RegExp,
  resolved: (path: string) => Promise<{ path: string; external?: boolean; namespace?: string }>,
): Plugin {
  return {
    name: "wasm",
    setup(bundler) {
      bundler.onResolve({ filter }, ({ path, resolveDir }) =>
        resolved(join(resolveDir, path.replace(/\?module$/, ""))),
      );
    },
  };
}

async function keep(path: string, folder: string, name: string): Promise<void> {
  const to = resolve(FOLDER, "project", folder, name);
  await mkdir(dirname(to), { recursive: true });
  await copyFile(path, to);
}

async function digest(path: string): Promise<string> {
  return createHash("sha1")
    .update(await readFile(path))
    .digest("hex");
}
