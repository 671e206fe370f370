/** One run a folder: refused by whatever path, and free again when its process has gone. */
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { lockFolder } from "../../src/cli/folderLock.ts";
import { commandLine, objects, TINY, text } from "./support.ts";

const cli = commandLine("lock");
const folder = mkdtempSync(join(tmpdir(), "svi-lm-lock-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it("a folder that is locked is refused, by a link to it too, until it is released", async () => {
  const link = join(folder, "link");
  symlinkSync(folder, link);
  const lock = await lockFolder(folder);
  for (const path of [folder, link, `${folder}/.`])
    await expect(lockFolder(path)).rejects.toMatchObject({ code: "E_BUSY", value: path });
  await lock.release();
  await (await lockFolder(link)).release();
});

it("two folders are locked at once", async () => {
  const other = mkdtempSync(join(tmpdir(), "svi-lm-lock-"));
  const locks = [await lockFolder(folder), await lockFolder(other)];
  for (const lock of locks) await lock.release();
  rmSync(other, { recursive: true });
});

it("a second run in a checkpoint folder is refused; after kill -9 of the first one it begins", async () => {
  const book = cli.write("book.txt", text(600));
  const run = (out: string, epochs: string) => [
    "train",
    book,
    "--out",
    cli.file(out),
    "--checkpoint",
    cli.file("run"),
    "--epochs",
    epochs,
    "--json",
    ...TINY,
  ];
  const first = cli.start(run("a.svi", "5000"));
  await first.lines(5);
  const second = await cli.run(...run("b.svi", "1"));
  expect(second.code).toBe(1);
  expect(objects(second.out)).toEqual([
    { event: "error", code: "E_BUSY", message: expect.stringContaining(cli.file("run")) },
  ]);
  first.child.kill("SIGKILL");
  await first.end;
  expect((await cli.run(...run("b.svi", "1"))).code).toBe(0);
});
