/** @module The eleven runtimes, and ways to use one: where each is found, and the command that runs the cases in it. */
import { existsSync } from "node:fs";
import { access, constants } from "node:fs/promises";
import { delimiter, join, resolve } from "node:path";
import { output } from "./process.ts";

export type Engine = "V8" | "SpiderMonkey" | "JavaScriptCore";

/** An executable that npm delivers, one package a platform. */
interface FromNpm {
  readonly package: string;
  readonly version: string;
  /** In the package. */
  readonly file: string;
}

/** How the script has products made: by 256-bit code, on two threads. */
type Way = "wide" | "threads";

/** What the commands are made of. */
export interface Places {
  /** The executables, in the order of `executables`. */
  readonly found: readonly string[];
  /** A Node that can drive browsers and workers. */
  readonly node: string;
  /** The folder that the package is installed in, with the cases and the bundles. */
  readonly project: string;
}

export interface Runtime {
  readonly name: string;
  readonly engine: Engine;
  readonly npm?: FromNpm;
  /** What it takes, each under any of several names on the PATH. */
  readonly executables?: readonly (readonly string[])[];
  /** Whether a script of `HOSTS` runs it, which takes a Node of its own. */
  readonly hosted?: boolean;
  /** How the script is run, where a runtime stands in the list once more. */
  readonly ways?: readonly Way[];
  /** What `--version` must print, where several versions share a name. */
  readonly version?: RegExp;
  command(places: Places): readonly string[];
}

/** What drives browsers and workers asks for a newer Node than the package itself does: 22.12. */
const DRIVER = /^v(22\.(1[2-9]|[2-9]\d)|2[3-9]|[3-9]\d)\./;
const HOSTS = "test/runtimes/host";

const { platform, arch } = process;

function node(version: string, ...ways: Way[]): Runtime {
  const major = version.split(".")[0];
  const os = platform === "win32" ? "win" : platform;
  return {
    name: [`Node ${major}`, ...ways].join(", "),
    engine: "V8",
    npm: { package: `node-${os}-${arch}`, version, file: platform === "win32" ? "bin/node.exe" : "bin/node" },
    executables: [["node"]],
    version: new RegExp(`^v${major}\\.`),
    ways,
    command: ({ found: [executable], project }) => [executable, join(project, "script.mjs"), ...ways],
  };
}

function deno(version: string): Runtime {
  const libc = platform === "linux" ? "-glibc" : "";
  return {
    name: "Deno",
    engine: "V8",
    npm: {
      package: `@deno/${platform}-${arch}${libc}`,
      version,
      file: platform === "win32" ? "deno.exe" : "deno",
    },
    executables: [["deno"]],
    command: ({ found: [executable], project }) => [
      executable,
      "run",
      "--no-remote",
      "--no-lock",
      "--node-modules-dir=manual",
      "--allow-read",
      join(project, "script.mjs"),
    ],
  };
}

function bun(version: string): Runtime {
  const os = platform === "win32" ? "windows" : platform;
  const cpu = arch === "arm64" ? "aarch64" : arch;
  return {
    name: "Bun",
    engine: "JavaScriptCore",
    npm: {
      package: `@oven/bun-${os}-${cpu}`,
      version,
      file: platform === "win32" ? "bin/bun.exe" : "bin/bun",
    },
    executables: [["bun"]],
    command: ({ found: [executable], project }) => [
      executable,
      "run",
      "--no-install",
      join(project, "script.mjs"),
    ],
  };
}

/** By a script of `HOSTS`, told what to run, with which executables and which folder of the project. */
function hosted(
  name: string,
  engine: Engine,
  [script, ...args]: readonly string[],
  folder: string,
  ...executables: readonly (readonly string[])[]
): Runtime {
  return {
    name,
    engine,
    hosted: true,
    executables,
    command: ({ found, node, project }) => [
      node,
      `${HOSTS}/${script}`,
      ...args,
      ...found,
      join(project, folder),
    ],
  };
}

export const RUNTIMES: readonly Runtime[] = [
  node("20.20.2"),
  node("22.23.3"),
  node("24.21.0"),
  node("24.21.0", "wide"),
  node("24.21.0", "threads"),
  node("24.21.0", "wide", "threads"),
  node("26.10.0"),
  deno("2.9.6"),
  bun("1.4.5"),
  hosted("workerd", "V8", ["workerd.mjs"], "workerd"),
  hosted("edge-runtime", "V8", ["edge.mjs"], "edge"),
  hosted("Chromium", "V8", ["puppeteer.mjs", "chrome"], "page", [
    "chromium",
    "chromium-browser",
    "google-chrome",
  ]),
  hosted("Firefox", "SpiderMonkey", ["puppeteer.mjs", "firefox"], "page", ["firefox-esr", "firefox"]),
  hosted("WebKit", "JavaScriptCore", ["webkit.mjs"], "page", ["WebKitWebDriver"], ["Xvfb"]),
];

/** Where npm installs a runtime, as if it were a project's only dependency. */
export function prefixOf({ name }: Runtime): string {
  return resolve("build/runtimes", name.split(",")[0].toLowerCase().replace(" ", ""));
}

/** The executable that npm delivers, whether or not it is there yet; null where npm delivers none. */
export function installed(runtime: Runtime): string | null {
  const { npm } = runtime;
  return npm ? join(prefixOf(runtime), "node_modules", npm.package, npm.file) : null;
}

/** The executables that a runtime takes, or in words what is missing. */
export async function find(runtime: Runtime): Promise<readonly string[] | string> {
  const own = installed(runtime);
  if (own && existsSync(own)) return [own];
  const found: string[] = [];
  for (const names of runtime.executables ?? []) {
    const path = await onPath(names, runtime.version);
    if (path === null) return `no ${names.join(" or ")}${runtime.version ? ` ${runtime.version}` : ""} here`;
    found.push(path);
  }
  return found;
}

/** A Node that runs the packages of the hosts, or null. */
export async function findDriver(): Promise<string | null> {
  const newestFirst = RUNTIMES.filter(({ version }) => version).reverse();
  for (const path of [...newestFirst.map(installed), process.execPath])
    if (path && existsSync(path) && DRIVER.test(await output([path, "--version"]))) return path;
  return null;
}

async function onPath(names: readonly string[], version?: RegExp): Promise<string | null> {
  const folders = (process.env.PATH ?? "").split(delimiter);
  const extension = platform === "win32" ? ".exe" : "";
  for (const name of names)
    for (const folder of folders) {
      const path = join(folder, name + extension);
      const runs = await access(path, constants.X_OK).then(
        () => true,
        () => false,
      );
      if (runs && (!version || version.test(await output([path, "--version"])))) return path;
    }
  return null;
}
