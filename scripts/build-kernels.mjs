// Compiles assembly/ and writes the binary, base64 in a module, to where src/ imports it from.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import asc from "assemblyscript/asc";

const debug = process.argv.includes("--debug");
const target = debug ? "debug" : "release";
const file = debug ? "build/kernels.debug.wasm" : "build/kernels.simd.wasm";

await mkdir("build", { recursive: true });
const { error, stderr } = await asc.main([
  "assembly/index.ts",
  "--config",
  "asconfig.json",
  "--target",
  target,
]);
if (error) {
  process.stderr.write(stderr.toString());
  process.exit(1);
}
const bytes = await readFile(file);
const imports = WebAssembly.Module.imports(new WebAssembly.Module(bytes));
if (imports.length > 0) {
  process.stderr.write(`The kernels must import nothing, but import ${JSON.stringify(imports)}\n`);
  process.exit(1);
}
if (!debug) {
  await mkdir("src/kernels/generated", { recursive: true });
  await writeFile(
    "src/kernels/generated/simd.ts",
    `// Made by scripts/build-kernels.mjs from assembly/; not edited by hand.\nexport const simdBase64: string =\n  "${bytes.toString("base64")}";\n`,
  );
}
process.stdout.write(`${file} ${bytes.length} bytes, ${gzipSync(bytes, { level: 9 }).length} gzip\n`);
