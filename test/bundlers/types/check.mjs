// Every declaration of the package, by every version of TypeScript, with the DOM's library and without; prints what failed.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

const SETTINGS = [
  "--noEmit",
  "--strict",
  "--skipLibCheck",
  "false",
  "--target",
  "es2022",
  "--module",
  "nodenext",
];
const HOSTS = {
  "a page": ["--lib", "es2022,dom,dom.iterable,dom.asynciterable", "--types", "node"],
  Node: ["--lib", "es2022", "--types", "node"],
};
const { devDependencies } = JSON.parse(readFileSync("package.json", "utf8"));
const failed = [];
const compilers = Object.keys(devDependencies).filter((name) => name.startsWith("typescript-"));
for (const compiler of compilers)
  for (const [host, options] of Object.entries(HOSTS)) {
    const file = `node_modules/${compiler}/bin/tsc`;
    const { status, stdout } = spawnSync(process.execPath, [file, ...SETTINGS, ...options, "use.ts"], {
      encoding: "utf8",
    });
    if (status !== 0) failed.push(`${compiler}, ${host}: ${stdout.slice(0, 600)}`);
  }
console.log(JSON.stringify({ compilers, failed }));
