import { mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openFile } from "../../src/text/file.ts";
import { Corpus } from "../../src/text/index.ts";
import { errorOf, minibatches } from "./support.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "svi-lm-text-"));
});
afterAll(() => rm(folder, { recursive: true }));

describe("a file", () => {
  it("gives what its text gives, and is needed no longer once its tokens are in memory", async () => {
    const path = join(folder, "text.txt");
    const x = "Call me Ishmael. €😀\n".repeat(50);
    await writeFile(path, x);
    const file = await openFile(path);
    expect(new TextDecoder().decode(await file.read(5, 7))).toBe("me");
    const lanes = { batch: 3, sequence: 5 };
    const expected = await minibatches((await Corpus.open(x, { tokenizer: "word" })).lanes(lanes));
    const indexed = await Corpus.open(file, { tokenizer: "word", cacheTokens: 0, blockBytes: 64 });
    expect(await minibatches(indexed.lanes(lanes))).toEqual(expected);
    const memory = await Corpus.open(file, { tokenizer: "word" });
    await file.close();
    expect(await minibatches(memory.lanes(lanes))).toEqual(expected);
    expect(await errorOf(() => minibatches(indexed.lanes(lanes)))).toMatchObject({ code: "E_FILE_READ" });
  });

  it("that became shorter is a changed text", async () => {
    const path = join(folder, "shrinking.txt");
    await writeFile(path, "0123456789");
    const file = await openFile(path);
    await truncate(path, 5);
    expect(await errorOf(() => Corpus.open(file, { tokenizer: "byte" }))).toMatchObject({
      code: "E_TEXT_CHANGED",
      value: { start: 0, end: 10, read: 5 },
    });
    await file.close();
  });

  it("is missing, a directory, or not a regular file", async () => {
    const path = join(folder, "none.txt");
    expect(await errorOf(() => openFile(path))).toMatchObject({ code: "E_FILE_MISSING", value: path });
    expect(await errorOf(() => openFile(folder))).toMatchObject({ code: "E_FILE_READ" });
    expect(await errorOf(() => openFile("/dev/null"))).toMatchObject({ code: "E_FILE_READ" });
  });
});
