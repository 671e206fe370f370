/** Every file that package.json leads to, under whatever condition, exports what its source does: nothing less or more. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { beforeAll, describe, expect, test } from "vitest";

const FOLDER = "build/test-modules";
const { exports } = JSON.parse(readFileSync("package.json", "utf8")) as {
  exports: Record<string, string | Record<string, string>>;
};
const FILES = Object.entries(exports).flatMap(([subpath, targets]) => {
  if (typeof targets === "string" || !targets.default.endsWith(".js")) return [];
  const { types, ...conditions } = targets;
  const source = types.replace("./dist/", "src/").replace(/\.d\.ts$/, ".ts");
  return [...new Set(Object.values(conditions))].map((file) => ({
    entry: subpath.replace(".", "svi-lm"),
    source,
    file: file.replace("./dist", FOLDER),
  }));
});

/** What a module exports once all that it imports is resolved, as a bundler or an engine resolves it. */
async function namesOf(file: string): Promise<string[]> {
  const { metafile } = await build({
    entryPoints: [file],
    bundle: true,
    packages: "external",
    format: "esm",
    platform: "node",
    write: false,
    outdir: "build",
    metafile: true,
    logLevel: "silent",
    external: ["*.wasm", "*.wasm?module"],
  });
  const [{ exports: names }] = Object.values(metafile.outputs);
  return names.sort();
}

beforeAll(() => {
  const { status, stderr } = spawnSync(process.execPath, ["scripts/build-package.mjs", "--modules", FOLDER]);
  if (status !== 0) throw new Error(String(stderr));
}, 120_000);

describe("a built entry point exports the names of its source", () => {
  test.each(FILES)("$entry: $file", { timeout: 60_000 }, async ({ source, file }) => {
    expect(await namesOf(file)).toEqual(await namesOf(source));
  });
});

test("Node sees the names that a bundler sees", { timeout: 60_000 }, async () => {
  for (const { file } of FILES.filter(({ entry }) => /worker$|^svi-lm$|module|translation/.test(entry))) {
    if (/workerd|edgeLight/.test(file)) continue; // Their hosts import binaries, Node does not.
    const module = await import(/* @vite-ignore */ pathToFileURL(file).href);
    expect(Object.keys(module).sort(), file).toEqual(await namesOf(file));
  }
});
