/** Code blocks as programs: compiled against the sources, run in a process of their own. */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { build, type Plugin } from "esbuild";
import ts from "typescript";
import { entryPoints } from "./entries.ts";

export const FOLDER = "build/docs";
const MARK = "\u0001";

/** A page's blocks as one module that prints a mark after each. */
export function moduleOf(blocks: readonly string[]): string {
  return `${blocks.map((code) => `${code}\nconsole.log(${JSON.stringify(MARK)});`).join("\n")}\nexport {};\n`;
}

/** What each block of a module printed, run in `folder`. */
export async function runModule(name: string, folder: string): Promise<string[]> {
  const outfile = resolve(FOLDER, `${name}.mjs`);
  await build({
    entryPoints: [join(FOLDER, `${name}.ts`)],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    logLevel: "error",
    banner: {
      js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
    },
    plugins: [sources],
  });
  const { status, stdout, stderr } = spawnSync(process.execPath, [outfile], {
    cwd: folder,
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`It ended with ${status}:\n${stdout}\n${stderr}`);
  return stdout.split(`${MARK}\n`).slice(0, -1);
}

/** Entry points of the package are its sources, but for the caller's side of a worker, which looks for a built file. */
const sources: Plugin = {
  name: "sources",
  setup({ onResolve }) {
    const known = entryPoints();
    onResolve({ filter: /^svi-lm(\/|$)/ }, ({ path }) =>
      path === "svi-lm/worker"
        ? { path: pathToFileURL(resolve(FOLDER, "worker/node.js")).href, external: true }
        : { path: resolve(known.get(path)!) },
    );
  },
};

/** What TypeScript says of modules in `FOLDER`: none where all is well. */
export function problemsOf(names: readonly string[]): string[] {
  const { config } = ts.readConfigFile("tsconfig.json", ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, ".");
  const paths = Object.fromEntries([...entryPoints()].map(([name, source]) => [name, [`./${source}`]]));
  const host = { ...options, noUnusedLocals: false, noEmit: true, paths };
  const program = ts.createProgram(
    names.map((name) => join(FOLDER, `${name}.ts`)),
    host,
  );
  return ts.getPreEmitDiagnostics(program).map((problem) => {
    const text = ts.flattenDiagnosticMessageText(problem.messageText, "\n");
    if (!problem.file || problem.start === undefined) return text;
    const { line } = problem.file.getLineAndCharacterOfPosition(problem.start);
    return `${problem.file.fileName}: ${problem.file.text.split("\n")[line].trim()}: ${text}`;
  });
}

export function write(name: string, code: string): void {
  writeFileSync(join(FOLDER, `${name}.ts`), code);
}
