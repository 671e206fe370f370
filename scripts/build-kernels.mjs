// Compiles assembly/ once for every build, writes into each binary what it is, and hands them to src/.
//   node scripts/build-kernels.mjs          build/kernels.*.wasm and src/kernels/generated/
//   node scripts/build-kernels.mjs --debug  build/kernels.debug.wasm with its text and source map
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import asc from "assemblyscript/asc";
import { printable } from "./printable.mjs";

const BUILDS = ["simd", "relaxed"];
const GENERATED = "src/kernels/generated";
/** Id of the section that lists imports. */
const IMPORTS = 2;
const MADE = "// Made by scripts/build-kernels.mjs from assembly/; not edited by hand.\n";

const { version } = JSON.parse(await readFile("package.json", "utf8"));
const sources = await hashSources();
await mkdir("build", { recursive: true });
if (process.argv.includes("--debug")) report("debug", await compile("debug"));
else {
  await mkdir(GENERATED, { recursive: true });
  for (const build of BUILDS) {
    const bytes = identified(await compile(build), { version, build, threads: false, sources });
    await writeFile(`build/kernels.${build}.wasm`, bytes);
    await writeFile(`${GENERATED}/${build}.wasm`, bytes);
    await writeFile(
      `${GENERATED}/${build}.ts`,
      `${MADE}export const ${build}Text: string =\n  "${printable(bytes)}";\n`,
    );
    report(build, bytes);
  }
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
  const files = (await readdir("assembly")).filter((name) => name.endsWith(".ts")).sort();
  for (const name of files) hash.update(`${name}\n${await readFile(`assembly/${name}`, "utf8")}`);
  return hash.digest("hex").slice(0, 16);
}

async function compile(target) {
  const { error, stderr } = await asc.main([
    "assembly/index.ts",
    "--config",
    "asconfig.json",
    "--target",
    target,
  ]);
  if (error) fail(stderr.toString());
  const bytes = await readFile(`build/kernels.${target}.wasm`);
  if (sectionsOf(bytes).includes(IMPORTS)) fail(`The ${target} kernels must import nothing\n`);
  return bytes;
}

/** Ids of a binary's sections: read here, since an engine without relaxed SIMD refuses that binary whole. */
function sectionsOf(bytes) {
  const ids = [];
  for (let at = 8; at < bytes.length; ) {
    ids.push(bytes[at++]);
    let size = 0;
    for (let shift = 1; ; shift *= 128) {
      const byte = bytes[at++];
      size += (byte % 128) * shift;
      if (byte < 128) break;
    }
    at += size;
  }
  return ids;
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
