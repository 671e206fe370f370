/** @module The examples of the documentation as modules that the site runs: a page of the guide is one program. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Plugin } from "vite";
import { docstringExamples } from "../../test/docs/blocks.ts";
import { bookFiles } from "../../test/docs/book.ts";
import { entryPoints } from "../../test/docs/entries.ts";
import { withNames } from "../../test/docs/surroundings.ts";
import { ROOT, serve } from "./public.ts";

const FOLDER = join(ROOT, "build/playground-examples");

/** What examples import that is not the site's own: files that the site lends them, and what no page has. */
const LENT = {
  "node:fs/promises": "src/views/docs/examples/files.ts",
  "svi-lm/node": "src/views/docs/examples/node.ts",
};
const ELSEWHERE: Readonly<Record<string, string>> = {
  "svi-lm/distributed": "it needs processes of Node, or Redis",
  "svi-lm/threads": "threads need a page that is cross-origin isolated, and a folder of files makes none",
};

const programs = new Map<string, string>();
const tested = new Set(docstringExamples().map(({ code }) => code.trim()));

/** Why a program does not run in the page, or null where it does. */
export function reasonOf(code: string): string | null {
  const found = Object.keys(ELSEWHERE).find((name) => code.includes(`from "${name}"`));
  return found ? ELSEWHERE[found] : null;
}

/** The same of an example in the reference: those that the tests run are whole. */
export function reasonOfReference(code: string): string | null {
  return tested.has(code.trim()) ? reasonOf(code) : "it is a part of a program";
}

const IMPORTS = /^import [^;]*;$/gm;

/** Adds a page's blocks as one program, which waits before each of them. */
export function addProgram(name: string, blocks: readonly string[]): void {
  write(name, blocks.map((code, i) => `await before(${i});\n${code}`).join("\n"));
}

/** Adds an example of the reference, which may use a text, a corpus and a model without making them. */
export function addExample(name: string, code: string): void {
  write(name, withNames(`await before(0);\n${code}`).replace("export {};", ""));
}

/** As a function: bundlers drop what a module without side effects does by itself. */
function write(name: string, code: string): void {
  const path = join(FOLDER, `${name}.ts`);
  const imports = (code.match(IMPORTS) ?? []).join("\n");
  const body = code.replace(IMPORTS, "");
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(
    path,
    `${imports}\nexport default async function (before: (block: number) => Promise<void>) {\n${body}\n}\n`,
  );
  programs.set(name, `./${name}.ts`);
}

/** Writes the list of programs, once all are added, and makes their imports the site's. */
export function examples(): Plugin {
  const cases = [...programs].map(
    ([name, path]) => `  ${JSON.stringify(name)}: () => import(${JSON.stringify(path)}),`,
  );
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(join(FOLDER, "index.ts"), `export const PROGRAMS = {\n${cases.join("\n")}\n};\n`);
  for (const [name, content] of bookFiles()) serve(`samples/${name}`, content);
  const alias = [
    ...Object.entries(LENT).map(([name, path]) => [name, join(ROOT, "playground", path)]),
    ...[...entryPoints()].filter(([name]) => !(name in LENT)).map(([name, path]) => [name, join(ROOT, path)]),
    ["playground-examples", join(FOLDER, "index.ts")],
  ].map(([name, replacement]) => ({ find: new RegExp(`^${name}$`), replacement }));
  return { name: "examples", config: () => ({ resolve: { alias } }) };
}

rmSync(FOLDER, { recursive: true, force: true });
