/** What the guide says around commands: their --json, their exit codes, and the texts that its code reads. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { programHelp } from "../../src/cli/help.ts";
import { score } from "../../src/cli/score.ts";
import { blocksOf, filesOf } from "./blocks.ts";
import { bookFiles } from "./book.ts";

const page = readFileSync("docs/guide/command-line.md", "utf8");

test("the table of --json has a row for every command", () => {
  const names = filesOf("src/cli", ".ts").flatMap((file) =>
    [...readFileSync(file, "utf8").matchAll(/= command\(\{\n {2}name: "([^"]+)"/g)].map(([, name]) => name),
  );
  expect(names).toContain("cluster coordinate");
  const rows = [...page.matchAll(/^\| (.*?`.*?) \| /gm)].map(([, first]) => first).join();
  expect(names.filter((name) => !new RegExp(`\`${name}\``).test(rows))).toEqual([]);
});

test("the help says the exit codes that the guide says", () => {
  const codes = (text: string) => [...text.matchAll(/\b(\d+) [\w-]+/g)].map(([, code]) => code);
  const [inGuide] = /Exit codes: .*? terminal/.exec(page)!;
  const [inHelp] = /Exit code: .*/.exec(programHelp([score], "0"))!;
  expect(codes(inHelp)).toEqual(codes(inGuide));
});

test.skipIf(process.platform === "win32")(
  "the guide's way to book.txt and other.txt gives those files",
  () => {
    const folder = mkdtempSync(join(tmpdir(), "svi-lm-book-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    symlinkSync(resolve("node_modules"), join(folder, "node_modules"));
    const [{ code }] = blocksOf(readFileSync("docs/guide/README.md", "utf8"));
    const [install, ...program] = code.split("\n");
    expect(install).toMatch(/^npm install /);
    const { status, stderr } = spawnSync("sh", ["-c", program.join("\n")], { cwd: folder, encoding: "utf8" });
    expect(status, stderr).toBe(0);
    for (const name of ["book.txt", "other.txt"])
      expect(Buffer.compare(readFileSync(join(folder, name)), bookFiles().get(name)!), name).toBe(0);
  },
);
