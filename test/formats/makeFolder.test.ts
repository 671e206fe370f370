/** Folders are made with those above them, also by two at a time, and what cannot be made is told. */
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeFolder } from "../../src/formats/file.ts";

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "svi-lm-folder-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

test("those above it are made too, and one that is there is left", async () => {
  for (let i = 0; i < 2; i++) await makeFolder(join(root, "a/b/c"));
  expect((await stat(join(root, "a/b/c"))).isDirectory()).toBe(true);
});

test("several may make the same at once", async () => {
  await Promise.all(Array.from({ length: 8 }, () => makeFolder(join(root, "d/e/f"))));
  expect((await stat(join(root, "d/e/f"))).isDirectory()).toBe(true);
});

test("a file in its place or above it is E_FILE_WRITE", async () => {
  await writeFile(join(root, "file"), "");
  for (const path of ["file", "file/below", "file/below/that"])
    await expect(makeFolder(join(root, path))).rejects.toMatchObject({ code: "E_FILE_WRITE" });
});
