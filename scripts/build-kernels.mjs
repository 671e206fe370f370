// Compiles assembly/ once for every build, writes into each binary what it is, and hands them to src/.
//   node scripts/build-kernels.mjs          build/kernels.*.wasm and src/kernels/generated/
//   node scripts/build-kernels.mjs --debug  build/kernels.debug.wasm with its text and source map
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import asc from "assemblyscript/asc";
import { build as esbuild } from "esbuild";
import { readSignatures, signaturesSource } from "./kernel-signatures.mjs";
import { textOfBytes } from "./printable.mjs";

/** `threads` builds import a shared memory; nothing else may be imported. */
const BUILDS = [
  { target: "simd", file: "simd", build: "simd", threads: false },
  { target: "relaxed", file: "relaxed", build: "relaxed", threads: false },
  { target: "simd.threads", file: "simdThreads", build: "simd", threads: true },
  { target: "relaxed.threads", file: "relaxedThreads", build: "relaxed", threads: true },
];
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
  for (const { target, file, build, threads } of BUILDS) {
    const bytes = identified(await compile(target, threads), { version, build, threads, sources });
    await writeFile(`build/kernels.${target}.wasm`, bytes);
    if (!threads) await writeFile(`${GENERATED}/${file}.wasm`, bytes);
    await writeFile(
      `${GENERATED}/${file}.ts`,
      `${MADE}export const ${file}Text: string =\n  "${textOfBytes(bytes)}";\n`,
    );
    report(target, bytes);
    if (build === "simd" && !threads) await writeSignatures(bytes);
  }
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

async function writeSignatures(bytes) {
  const names = WebAssembly.Module.exports(new WebAssembly.Module(bytes))
    .filter(({ kind }) => kind === "function")
    .map(({ name }) => name);
  const source = signaturesSource(await readSignatures(files, names));
  await writeFile(`${GENERATED}/signatures.ts`, `${MADE}${source}`);
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

async function compile(target, threads = false) {
  const { error, stderr } = await asc.main([
    "assembly/index.ts",
    "--config",
    "asconfig.json",
    "--target",
    target,
  ]);
  if (error) fail(stderr.toString());
  const bytes = await readFile(`build/kernels.${target}.wasm`);
  const imports = sectionsOf(bytes).get(IMPORTS);
  if (threads ? !isSharedMemory(imports) : imports)
    fail(`The ${target} kernels must import ${threads ? "a shared memory alone" : "nothing"}\n`);
  return bytes;
}

/** One import, env.memory, of the kind memory (2), shared and with a maximum (3). */
function isSharedMemory(imports) {
  return imports?.subarray(0, 14).equals(Buffer.from("\x01\x03env\x06memory\x02\x03", "latin1"));
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
