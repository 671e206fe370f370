import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";

const pack = JSON.parse(readFileSync("package.json", "utf8"));

describe("the package", () => {
  test("depends on nothing: the loader is bundled, and what runs over many machines need is optional", () => {
    expect(pack.dependencies).toBeUndefined();
    expect(Object.keys(pack.peerDependencies)).toEqual([
      "@bull-board/api",
      "@bull-board/express",
      "aws4fetch",
      "bullmq",
      "bullmq-otel",
      "ioredis",
    ]);
    for (const name of Object.keys(pack.peerDependencies))
      expect(pack.peerDependenciesMeta[name]).toEqual({ optional: true });
  });

  test("pins exact versions", () => {
    for (const version of Object.values({ ...pack.dependencies, ...pack.devDependencies }))
      expect(version).toMatch(/^\d+\.\d+\.\d+$/);
  });

  test("is ESM with few side effects, and types first in every export", () => {
    expect(pack.type).toBe("module");
    // Entry points provide their kernels by an import for its effect; nothing else may be kept unused.
    expect(pack.sideEffects).toEqual([
      "./src/entries/index.ts",
      "./dist/index.js",
      "./dist/workerd.js",
      "./dist/edgeLight.js",
      "**/kernels/embedded.*",
      "**/kernels/imported.*",
      "**/kernels/importedModule.*",
      "**/worker/thread.*",
      "**/kernels/threads/thread.*",
      "./dist/distributed/thread.js",
      "./dist/cli/main.js",
    ]);
    for (const entry of Object.values(pack.exports))
      if (typeof entry === "object") expect(Object.keys(entry as object)[0]).toBe("types");
  });

  test("answers edge hosts before the conditions that they share with others", () => {
    expect(Object.keys(pack.exports["."])).toEqual([
      "types",
      "workerd",
      "edge-light",
      "browser",
      "node",
      "default",
    ]);
    expect(Object.keys(pack.exports)).toEqual(
      expect.arrayContaining(["./workerd", "./edge-light", "./module", "./relaxed", "./kernels.wasm"]),
    );
    expect(pack.files).toEqual(["dist", "docs/guide", "docs/design", "docs/reference", "CHANGELOG.md"]);
  });

  test("is the same on JSR", () => {
    const jsr = JSON.parse(readFileSync("jsr.json", "utf8"));
    expect(jsr.version).toBe(pack.version);
    expect(jsr.license).toBe(pack.license);
    for (const [name, source] of Object.entries(jsr.exports)) {
      const { types } = pack.exports[name];
      expect(source).toBe(types.replace("./dist/", "./src/").replace(/\.d\.ts$/, ".ts"));
    }
    expect(jsr).not.toHaveProperty("imports");
  });

  test("locks no network address", () => {
    const lock = readFileSync("package-lock.json", "utf8");
    expect(lock).not.toMatch(/"resolved"/);
  });
});

describe("the kernels", () => {
  const bytes = readFileSync("build/kernels.simd.wasm");

  test("are at most 18 kB, gzip", () => {
    expect(gzipSync(bytes, { level: 9 }).length).toBeLessThanOrEqual(18_000);
  });

  test("import nothing and export their memory", () => {
    const module = new WebAssembly.Module(bytes);
    expect(WebAssembly.Module.imports(module)).toEqual([]);
    expect(WebAssembly.Module.exports(module)).toContainEqual({ name: "memory", kind: "memory" });
  });
});

test("the threaded kernels import a shared memory and nothing else, and hold no state but their width", () => {
  for (const build of ["simd", "relaxed"]) {
    const bytes = readFileSync(`build/kernels.${build}.threads.wasm`);
    if (!WebAssembly.validate(bytes)) continue;
    const module = new WebAssembly.Module(bytes);
    expect(WebAssembly.Module.imports(module)).toEqual([{ module: "env", name: "memory", kind: "memory" }]);
    const kinds = WebAssembly.Module.exports(module).map(({ kind }) => kind);
    expect(new Set(kinds)).toEqual(new Set(["memory", "function"]));
    // A global is one for each thread: this one is set where a thread attaches.
    const globals = sections(bytes).find(({ id }) => id === GLOBALS);
    expect([...globals!.content]).toEqual([1, I32, MUTABLE, I32_CONST, 0, END]);
  }
});

/** The binary format's own numbers. */
const [GLOBALS, I32, MUTABLE, I32_CONST, END] = [6, 0x7f, 1, 0x41, 0x0b];

function sections(bytes: Uint8Array): { id: number; content: Uint8Array }[] {
  const found = [];
  for (let at = 8; at < bytes.length; ) {
    const id = bytes[at++];
    let size = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      size |= (byte & 127) << shift;
      if (byte < 128) break;
    }
    found.push({ id, content: bytes.subarray(at, at + size) });
    at += size;
  }
  return found;
}

/** Engines differ in these (and only + - * / and sqrt are exact), so no number may come from them. */
const ENGINE_DEPENDENT =
  /Math\.(exp|expm1|log|log2|log10|log1p|pow|sin|cos|tan|sinh|cosh|tanh|asin|acos|atan|atan2|cbrt|hypot|random)\b|\*\*/;

/** Noise that is to be no function of a seed, and the account of what it hides. */
const NOT_REPEATABLE = ["src/distributed/federated/noise.ts", "src/distributed/federated/privacy.ts"];

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === "cli" || entry.name === "generated" ? [] : sources(path);
    return path.endsWith(".ts") && !NOT_REPEATABLE.includes(path) ? [path] : [];
  });
}

test("nothing that feeds back into numbers comes from the engine's own functions", () => {
  const found = sources("src").flatMap((path) =>
    readFileSync(path, "utf8")
      .split("\n")
      .filter((line) => !/^\s*(\*|\/\/|\/\*)/.test(line) && ENGINE_DEPENDENT.test(line))
      .filter((line) => !line.endsWith("// for display alone"))
      // Powers of two are exact everywhere.
      .filter((line) => !/\b2 ?\*\* ?-?\d+/.test(line))
      .map((line) => `${path}: ${line.trim()}`),
  );
  expect(found).toEqual([]);
});
