import { existsSync, readdirSync, readlinkSync } from "node:fs";
import { appendFile, mkdtemp, open, rm, truncate, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openFile } from "../../src/text/file.ts";
import { Corpus } from "../../src/text/index.ts";
import { errorOf } from "../support/errors.ts";
import { minibatches } from "./support.ts";

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

  const text = "the whale and the sea\n".repeat(1000);
  const rewritten = text.replaceAll("whale", "shark");
  it.each([
    ["written over with as many bytes", (path: string) => writeFile(path, rewritten)],
    ["written over with more bytes", (path: string) => writeFile(path, `${rewritten}${rewritten}`)],
    ["written over with fewer bytes", (path: string) => writeFile(path, rewritten.slice(0, 9000))],
    [
      "changed in one byte",
      async (path: string) => {
        const file = await open(path, "r+");
        await file.write("T", 0);
        await file.close();
      },
    ],
  ])("that was %s is a changed text, opened already or read for the first time", async (_, change) => {
    const path = join(folder, "rewritten.txt");
    await writeFile(path, text);
    await utimes(path, 1, 1);
    const file = await openFile(path);
    const corpus = await Corpus.open(file, { tokenizer: "byte", cacheTokens: 0, blockBytes: 64 });
    await change(path);
    for (const work of [
      () => minibatches(corpus.lanes({ batch: 2, sequence: 5 })),
      () => Corpus.open(file, { tokenizer: "word" }),
      () => file.read(0, 5),
    ])
      expect(await errorOf(work)).toMatchObject({ code: "E_TEXT_CHANGED" });
    await file.close();
  });

  it.each([0, 5, 9000])(
    "of %i bytes that grows at its end is what it was when it was opened",
    async (size) => {
      const path = join(folder, "log.txt");
      await writeFile(path, text.slice(0, size));
      await utimes(path, 1, 1);
      const file = await openFile(path);
      for (let i = 0; i < 2; i++) {
        await appendFile(path, text);
        expect(new TextDecoder().decode(await file.read(0, file.size))).toBe(text.slice(0, size));
      }
      await file.close();
    },
  );

  const HANDLES = "/proc/self/fd";
  it.runIf(existsSync(HANDLES))("that nothing refers to is closed, and Node does not complain", async () => {
    const path = join(folder, "forgotten.txt");
    await writeFile(path, text);
    const handles = () =>
      readdirSync(HANDLES).filter((name) => {
        try {
          return readlinkSync(join(HANDLES, name)) === path;
        } catch {
          return false;
        }
      }).length;
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const warnings: string[] = [];
    const heard = ({ message }: Error) => void warnings.push(message);
    process.on("warning", heard);
    const { read, size } = await openFile(path);
    for (let i = 0; i < 5; i++) await Corpus.open(await openFile(path), { tokenizer: "byte" });
    expect(handles()).toBeGreaterThan(1);
    for (let i = 0; i < 50 && handles() > 1; i++) {
      collect();
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    process.off("warning", heard);
    expect(handles()).toBe(1);
    expect(warnings).toEqual([]);
    expect((await read(0, size)).length).toBe(size);
  });

  it("is missing, a directory, or not a regular file", async () => {
    const path = join(folder, "none.txt");
    expect(await errorOf(() => openFile(path))).toMatchObject({ code: "E_FILE_MISSING", value: path });
    expect(await errorOf(() => openFile(folder))).toMatchObject({ code: "E_FILE_READ" });
    expect(await errorOf(() => openFile("/dev/null"))).toMatchObject({ code: "E_FILE_READ" });
  });
});
