// Compiles assembly/ once for every build, writes into each binary what it is, and hands them to src/.
//   node scripts/build-kernels.mjs          build/kernels.*.wasm and src/kernels/generated/
//   node scripts/build-kernels.mjs --debug  build/kernels.debug.wasm with its text and source map
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import asc from "assemblyscript/asc";
import { build as esbuild } from "esbuild";
import { argumentsSource, readSignatures, signaturesSource } from "./kernel-signatures.mjs";
import { textOfBytes } from "./printable.mjs";

/** One import, env.memory, of the kind memory (2), and its limits: with a minimum (0), or shared, with a maximum (3). */
const IMPORTED = "\x01\x03env\x06memory\x02\x00";
const SHARED = "\x01\x03env\x06memory\x02\x03";
/**
 * Nothing may be imported but a memory: `training` uses that of `prediction`, `threads` builds share theirs. `whole`
 * builds have all kernels, and come as files too.
 */
const BUILDS = [
  { target: "simd", file: "simd", build: "simd", whole: true },
  { target: "prediction", file: "prediction", build: "simd", entry: "prediction" },
  { target: "training", file: "training", build: "simd", entry: "training", memory: IMPORTED },
  { target: "relaxed", file: "relaxed", build: "relaxed", whole: true },
  { target: "simd.threads", file: "simdThreads", build: "simd", threads: true, memory: SHARED },
  { target: "relaxed.threads", file: "relaxedThreads", build: "relaxed", threads: true, memory: SHARED },
];
/** First byte of the static data of `training`, in asconfig.json; that of `prediction` ends before it. */
const TRAINING_DATA = 4096;
const GENERATED = "src/kernels/generated";
/** Id of the section that lists imports. */
const IMPORTS = 2;
const MADE = "// Made by scripts/build-kernels.mjs from assembly/; not edited by hand.\n";

const { version } = JSON.parse(await readFile("package.json", "utf8"));
const files = (await readdir("assembly", { recursive: true, withFileTypes: true }))
  .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
  .map((entry) => `${entry.parentPath}/${entry.name}`)
  .sort();
const sources = await hashSources();
await mkdir("build", { recursive: true });
if (process.argv.includes("--debug")) report("debug", await compile("debug"));
else {
  await mkdir(GENERATED, { recursive: true });
  const parts = new Map();
  for (const { target, file, build, whole, threads = false, ...how } of BUILDS) {
    const identity = { version, build, threads, sources, ...(how.entry && { part: how.entry }) };
    const bytes = identified(await compile(target, how), identity);
    await writeFile(`build/kernels.${target}.wasm`, bytes);
    if (whole) await writeFile(`${GENERATED}/${file}.wasm`, bytes);
    if (how.entry) parts.set(file, bytes);
    else await writeFile(`${GENERATED}/${file}.ts`, `${MADE}${constant(file, textOfBytes(bytes))}`);
    report(target, bytes);
    if (file === "simd") await writeSignatures(bytes);
    if (file === "prediction") requireDataBelow(bytes, TRAINING_DATA);
  }
  const sample = Buffer.concat([...parts.values()]);
  const constants = [...parts].map(([file, bytes]) => constant(file, textOfBytes(bytes, sample)));
  await writeFile(`${GENERATED}/parts.ts`, `${MADE}${constants.join("\n")}`);
  await writeFile(`${GENERATED}/thread.ts`, await threadSource());
  await writeFile(
    `${GENERATED}/identity.ts`,
    `${MADE}export const packageVersion: string = "${version}";\nexport const sources: string = "${sources}";\n`,
  );
}

/** What decides the binary: the sources, and the compiler's version and options. */
async function hashSources() {
  const hash = createHash("sha256");
  const { version: compiler } = JSON.parse(
    await readFile("node_modules/assemblyscript/package.json", "utf8"),
  );
  hash.update(`${compiler}\n${await readFile("asconfig.json", "utf8")}`);
  for (const name of files) hash.update(`${name}\n${await readFile(name, "utf8")}`);
  return hash.digest("hex").slice(0, 16);
}

function constant(file, text) {
  return `export const ${file}Text: string =\n  "${text}";\n`;
}

async function writeSignatures(bytes) {
  const names = WebAssembly.Module.exports(new WebAssembly.Module(bytes))
    .filter(({ kind }) => kind === "function")
    .map(({ name }) => name);
  const signatures = await readSignatures(files, names);
  await writeFile(`${GENERATED}/signatures.ts`, `${MADE}${signaturesSource(signatures)}`);
  await writeFile(`${GENERATED}/arguments.ts`, `${MADE}${argumentsSource(signatures)}`);
}

function requireDataBelow(bytes, limit) {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes));
  if (exports.heapBase() > limit)
    fail(`The data of the prediction kernels ends at ${exports.heapBase()}, behind ${limit}\n`);
}

/** What a thread runs, as text: Node takes it as it is, so that bundles need no second file. */
async function threadSource() {
  const { outputFiles } = await esbuild({
    entryPoints: ["src/kernels/threads/thread.ts"],
    bundle: true,
    minify: true,
    format: "iife",
    target: "es2022",
    write: false,
  });
  return `${MADE}export const threadSource: string = ${JSON.stringify(outputFiles[0].text)};\n`;
}

async function compile(target, { entry = "index", memory } = {}) {
  const { error, stderr } = await asc.main([
    `assembly/${entry}.ts`,
    "--config",
    "asconfig.json",
    "--target",
    target,
  ]);
  if (error) fail(stderr.toString());
  const bytes = await readFile(`build/kernels.${target}.wasm`);
  const imports = sectionsOf(bytes).get(IMPORTS)?.toString("latin1");
  if (memory ? !imports?.startsWith(memory) : imports)
    fail(`The ${target} kernels must import ${memory ? "their memory alone" : "nothing"}\n`);
  return bytes;
}

/** A binary's sections by their ids: read here, since an engine without relaxed SIMD refuses that binary whole. */
function sectionsOf(bytes) {
  const sections = new Map();
  for (let at = 8; at < bytes.length; ) {
    const id = bytes[at++];
    let size = 0;
    for (let shift = 1; ; shift *= 128) {
      const byte = bytes[at++];
      size += (byte % 128) * shift;
      if (byte < 128) break;
    }
    sections.set(id, bytes.subarray(at, at + size));
    at += size;
  }
  return sections;
}

/** The binary with a custom section `svi-lm`: what src/kernels/identity.ts reads. */
function identified(bytes, identity) {
  const name = Buffer.from("svi-lm");
  const payload = Buffer.concat([Buffer.of(name.length), name, Buffer.from(JSON.stringify(identity))]);
  return Buffer.concat([bytes, Buffer.of(0, ...leb128(payload.length)), payload]);
}

function leb128(value) {
  const bytes = [];
  for (; value >= 128; value = Math.floor(value / 128)) bytes.push((value % 128) | 128);
  return [...bytes, value];
}

function report(build, bytes) {
  const gzip = gzipSync(bytes, { level: 9 }).length;
  process.stdout.write(`build/kernels.${build}.wasm ${bytes.length} bytes, ${gzip} gzip\n`);
}

function fail(message) {
  process.stderr.write(message);
  process.exit(1);
}
