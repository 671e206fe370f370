// Every declaration of the package, by several versions of TypeScript, with the DOM's library and without; prints what
// failed.
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";

const SETTINGS = {
  noEmit: true,
  strict: true,
  exactOptionalPropertyTypes: true,
  skipLibCheck: false,
  target: "es2022",
  module: "nodenext",
  types: ["node"],
};
const LIBRARIES = { "a page": ["es2022", "dom", "dom.iterable", "dom.asynciterable"], Node: ["es2022"] };
const { devDependencies } = JSON.parse(readFileSync("package.json", "utf8"));
const compilers = Object.keys(devDependencies).filter((name) => name.startsWith("typescript-"));
const failed = [];
for (const [host, lib] of Object.entries(LIBRARIES)) {
  const project = { compilerOptions: { ...SETTINGS, lib }, files: ["use.ts"] };
  writeFileSync("tsconfig.json", JSON.stringify(project));
  for (const compiler of compilers) {
    const args = [`node_modules/${compiler}/bin/tsc`, "-p", "tsconfig.json"];
    const { status, stdout } = spawnSync(process.execPath, args, { encoding: "utf8" });
    if (status !== 0) failed.push(`${compiler}, ${host}: ${stdout.slice(0, 600)}`);
  }
}
console.log(JSON.stringify({ compilers, failed }));
