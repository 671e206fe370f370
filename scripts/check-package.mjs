// What the built package must pass before it is published: its exports and types, unused code, size, the kernels'
// reproducibility, and what JSR would take.
//   npm run build && npm run check:package [-- --json]
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import ts from "typescript";

/**
 * Bytes, minified and gzip, kernels included. The core is what predicts from a saved model, as an edge function does,
 * and is to come to 42,000; training comes on top. What grows beyond belongs into an entry point of its own.
 */
const SIZES = [
  {
    name: "the core: load, score, generate",
    limit: 54_400,
    source: 'export { LanguageModel } from "./dist/index.js";',
  },
  { name: "all of svi-lm", limit: 106_900, source: 'export * from "./dist/index.js";' },
  { name: "svi-lm/worker", limit: 12_600, source: 'export { connect, ivon } from "./dist/worker/index.js"' },
  { name: "svi-lm/metrics", limit: 10_500, source: 'export * from "./dist/metrics.js";' },
];
const KERNELS = ["simd.wasm", "relaxed.wasm", "simd.ts", "relaxed.ts", "parts.ts"].map(
  (f) => `src/kernels/generated/${f}`,
);
const DENO = "build/bundlers/tools/node_modules/@deno/linux-x64-glibc/deno";

const checks = [];
function check(name, ok, detail) {
  checks.push({ name, ok, detail });
  if (!process.argv.includes("--json"))
    console.log(`${ok ? "ok    " : "FAILED"} ${name}${detail ? `: ${detail}` : ""}`);
}

function command(name, program, ...args) {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: "utf8" });
  check(name, status === 0, status === 0 ? "" : `${error ?? ""}${stdout}${stderr}`.slice(-3000));
}

async function sizeOf(source) {
  const stdin = { contents: source, resolveDir: process.cwd() };
  const { outputFiles } = await build({ stdin, bundle: true, minify: true, format: "esm", write: false });
  return gzipSync(outputFiles[0].contents, { level: 9 }).length;
}

function hashesFromClean() {
  for (const file of KERNELS) rmSync(file, { force: true });
  const { status, stderr } = spawnSync(process.execPath, ["scripts/build-kernels.mjs"], { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
  return KERNELS.map((file) => createHash("sha256").update(readFileSync(file)).digest("hex"));
}

/** Links of the pages that are packed lead to what is packed: to generated pages too. */
function linksWithinPackage() {
  const args = ["pack", "--dry-run", "--json", "--ignore-scripts"];
  const [{ files }] = JSON.parse(spawnSync("npm", args, { encoding: "utf8" }).stdout);
  const packed = files.map(({ path }) => path);
  const dead = packed
    .filter((page) => page.endsWith(".md"))
    .flatMap((page) => {
      const text = readFileSync(page, "utf8").replace(/^```[\s\S]*?^```$/gm, "");
      const links = [...text.matchAll(/\]\(([^)\s#:]+)(?:#[^)\s]*)?\)/g)].map(([, to]) =>
        join(dirname(page), to),
      );
      return links.filter((to) => !packed.includes(to)).map((to) => `${page} links to ${to}`);
    });
  check("links lead to what is packed", packed.length > 10 && dead.length === 0, dead.join(", "));
}

linksWithinPackage();

/** Every built file that package.json leads to, with the declarations that stand for it. */
function entryFiles() {
  const { exports } = JSON.parse(readFileSync("package.json", "utf8"));
  return Object.values(exports)
    .filter((entry) => entry.default?.endsWith(".js"))
    .flatMap(({ types, ...conditions }) =>
      [...new Set(Object.values(conditions))].map((file) => ({ types, file })),
    );
}

/** What a module exports at run time, all that it imports resolved. */
async function namesOf(file) {
  const external = ["*.wasm", "*.wasm?module"];
  const options = { bundle: true, packages: "external", platform: "node", format: "esm", outdir: "build" };
  const { metafile } = await build({
    entryPoints: [file],
    write: false,
    metafile: true,
    external,
    ...options,
  });
  return Object.values(metafile.outputs)[0].exports.sort();
}

/** What a module's declarations say that it exports at run time. */
function statedNames(program, types) {
  const checker = program.getTypeChecker();
  const isValue = (symbol) => {
    for (let at = symbol; ; at = checker.getImmediateAliasedSymbol(at)) {
      if (at.declarations.some(ts.isTypeOnlyImportOrExportDeclaration)) return false;
      if (!(at.flags & ts.SymbolFlags.Alias)) return (at.flags & ts.SymbolFlags.Value) !== 0;
    }
  };
  const module = checker.getSymbolAtLocation(program.getSourceFile(types));
  const symbols = module ? checker.getExportsOfModule(module) : [];
  return symbols
    .filter(isValue)
    .map(({ name }) => name)
    .sort();
}

async function exportsAsStated() {
  const files = entryFiles();
  const options = { module: ts.ModuleKind.NodeNext, skipLibCheck: true, types: ["node"] };
  const program = ts.createProgram(
    files.map(({ types }) => types),
    options,
  );
  const differing = [];
  for (const { types, file } of files) {
    const [names, stated] = [await namesOf(file), statedNames(program, types)];
    if (names.join() !== stated.join()) differing.push(`${file} has ${names}; its types state ${stated}`);
  }
  check(
    "exports are those that the types state",
    files.length > 10 && differing.length === 0,
    differing.join("\n"),
  );
}

await exportsAsStated();
command("publint", "npx", "publint", "--strict");
command("types of every export", "npx", "attw", "--pack", ".", "--profile", "esm-only");
command("nothing unused", "npx", "knip");
for (const { name, limit, source } of SIZES) {
  const size = await sizeOf(source);
  check(`size of ${name}`, size <= limit, `${size} of ${limit} bytes, minified and gzip`);
}
const [first, second] = [hashesFromClean(), hashesFromClean()];
check("kernels come out the same twice", first.join() === second.join(), first[0]);
const deno = existsSync(DENO) ? DENO : "deno";
if (spawnSync(deno, ["--version"]).status === 0)
  command("jsr.json", deno, "publish", "--dry-run", "--allow-dirty");
else if (!process.argv.includes("--json"))
  console.log("skipped jsr.json: Deno is not here; npm run bundlers brings it");

/** No string becomes code, and none becomes markup. */
const CODE_OF_TEXT =
  /\beval\(|\bnew Function\b|[^.\w]Function\(|\bimportScripts\(|\.innerHTML\b|document\.write\(/;
const dist = readdirSync("dist", { recursive: true }).filter((file) => file.endsWith(".js"));
const suspicious = dist.filter((file) => CODE_OF_TEXT.test(readFileSync(join("dist", file), "utf8")));
check("no code from text", dist.length > 10 && suspicious.length === 0, suspicious.join(", "));

/** The tarball that a clean copy of this commit's files gives, in a folder of its own. */
function packedFromClean(folder) {
  const made = (program, ...args) => {
    const { status, stdout, stderr, error } = spawnSync(program, args, { cwd: folder, encoding: "utf8" });
    if (status !== 0) throw new Error(`${program} ${args.join(" ")}: ${error ?? ""}${stdout}${stderr}`);
    return stdout;
  };
  const files = spawnSync("git", ["ls-files", "-z"], { encoding: "utf8" })
    .stdout.split("\0")
    .filter(existsSync);
  for (const file of files) cpSync(file, join(folder, file));
  symlinkSync(resolve("node_modules"), join(folder, "node_modules"));
  made("npm", "run", "build");
  const [{ filename }] = JSON.parse(made("npm", "pack", "--json", "--ignore-scripts"));
  return createHash("sha256")
    .update(readFileSync(join(folder, filename)))
    .digest("hex");
}

const folders = ["a", "of another length"].map((name) => join(mkdtempSync(join(tmpdir(), "svi-lm-")), name));
try {
  const tarballs = folders.map((folder) => {
    mkdirSync(folder);
    return packedFromClean(folder);
  });
  check("two builds in two folders are the same to the byte", tarballs[0] === tarballs[1], tarballs[0]);
} finally {
  for (const folder of folders) rmSync(dirname(folder), { recursive: true, force: true });
}

const ok = checks.every((each) => each.ok);
if (process.argv.includes("--json")) console.log(JSON.stringify({ checks, ok }));
process.exitCode = ok ? 0 : 1;
