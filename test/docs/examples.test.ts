/**
 * The code in README.md, in the guide and in docstrings compiles, runs, and prints what the page says.
 *
 * The `ts` blocks of a page are one program, run in a folder that holds book.txt and other.txt; a `text` block after
 * one is what it prints, with `…` for any characters. Lines of `sh` blocks that begin with `npx svi-lm` run the
 * command line in the same folder. UPDATE_DOCS=1 writes what was printed into the pages.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Block, blocksOf, docstringExamples, pages } from "./blocks.ts";
import { bookFolder } from "./book.ts";
import { FOLDER, moduleOf, problemsOf, runModule, write } from "./program.ts";
import { withNames } from "./surroundings.ts";

const COMMAND = `${FOLDER}/cli.mjs`;
const TIMEOUT = 180_000;
const PAGES = pages().map((page) => ({
  page,
  name: page.replace(/\.md$/, "").replace(/\W/g, "-"),
  blocks: blocksOf(readFileSync(page, "utf8")),
}));
const EXAMPLES = docstringExamples().map((example, i) => ({ ...example, name: `docstring-${i + 1}` }));
let folder: string;

beforeAll(() => {
  folder = bookFolder();
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER, { recursive: true });
  for (const args of [
    ["--cli", COMMAND],
    ["--modules", FOLDER],
  ]) {
    const { status, stderr } = spawnSync(process.execPath, ["scripts/build-package.mjs", ...args]);
    if (status !== 0) throw new Error(String(stderr));
  }
  for (const { name, blocks } of PAGES) {
    write(name, moduleOf(blocks.filter(isProgram).map(({ code }) => code)));
    for (const [i, { code }] of blocks.filter(({ language, idle }) => language === "ts" && idle).entries())
      write(`${name}-idle-${i + 1}`, `${code}\nexport {};\n`);
  }
  for (const { name, code } of EXAMPLES) write(name, withNames(code));
}, TIMEOUT);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("the code blocks of the docs pass TypeScript's checks", { timeout: TIMEOUT }, () => {
  const idle = PAGES.flatMap(({ name, blocks }) =>
    blocks.filter((block) => block.language === "ts" && block.idle).map((_, i) => `${name}-idle-${i + 1}`),
  );
  const names = [...PAGES, ...EXAMPLES].map(({ name }) => name);
  expect(problemsOf([...names, ...idle])).toEqual([]);
});

describe("a page's code prints what the page says", () => {
  for (const { page, name, blocks } of PAGES)
    if (blocks.some((block) => isProgram(block) || commandsOf(block).length > 0))
      test(page, { timeout: TIMEOUT }, async () => {
        const printed = await printedBy(name, blocks);
        if (process.env.UPDATE_DOCS) return update(page, blocks, printed);
        for (const [i, output] of printed) {
          const stated = blocks[i + 1];
          if (stated?.language === "text" && !matches(stated.code, output))
            expect.soft(output, `${page}:${stated.line}`).toBe(stated.code);
        }
      });
});

describe.skipIf(EXAMPLES.length === 0)("the examples of docstrings run", () => {
  for (const { name, file, line } of EXAMPLES)
    test(`${file}:${line}`, { timeout: TIMEOUT }, async () => {
      await runModule(name, folder);
    });
});

function isProgram({ language, idle }: Block): boolean {
  return language === "ts" && !idle;
}

/** The lines of a shell block that call svi-lm, as lists of arguments. */
function commandsOf({ language, code, idle }: Block): string[][] {
  if (language !== "sh" || idle) return [];
  return code
    .replace(/\\\n\s*/g, "")
    .split("\n")
    .filter((line) => line.startsWith("npx svi-lm "))
    .map((line) =>
      line
        .replace(/\s+#.*/, "")
        .match(/"[^"]*"|\S+/g)!
        .slice(2),
    )
    .map((words) => words.map((word) => word.replace(/^"|"$/g, "")));
}

/** Of each block that was run, by its place in the page, what it printed. */
async function printedBy(name: string, blocks: readonly Block[]): Promise<Map<number, string>> {
  const printed = new Map<number, string>();
  const programs = [...blocks.entries()].filter(([, block]) => isProgram(block));
  for (const [i, block] of blocks.entries()) {
    if (i === programs[0]?.[0])
      for (const [j, output] of (await runModule(name, folder)).entries())
        printed.set(programs[j][0], output.trimEnd());
    const commands = commandsOf(block);
    if (commands.length > 0) printed.set(i, commands.map(runCommand).join("").trimEnd());
  }
  return printed;
}

/** Both streams of a command, in the order in which a terminal shows them. */
function runCommand(args: string[]): string {
  const words = [resolve(COMMAND), ...args].map((word) => `'${word}'`);
  const { status, stdout } = spawnSync("sh", ["-c", `exec ${process.execPath} ${words.join(" ")} 2>&1`], {
    cwd: folder,
    encoding: "utf8",
    env: { ...process.env, NO_COLOR: "1" },
  });
  if (status !== 0) throw new Error(`svi-lm ${args.join(" ")} ended with ${status}:\n${stdout}`);
  return stdout;
}

function matches(stated: string, output: string): boolean {
  const pattern = stated
    .split("…")
    .map((text) => text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"))
    .join("[^]*?");
  return new RegExp(`^${pattern}$`).test(output);
}

/** Puts what was printed in place of what the page says, from the last block to the first. */
function update(page: string, blocks: readonly Block[], printed: ReadonlyMap<number, string>): void {
  const lines = readFileSync(page, "utf8").split("\n");
  for (const [i, output] of [...printed].reverse()) {
    const stated = blocks[i + 1];
    if (stated?.language !== "text" || matches(stated.code, output)) continue;
    lines.splice(stated.line - 1, stated.code.split("\n").length, ...output.split("\n"));
  }
  writeFileSync(page, lines.join("\n"));
}
