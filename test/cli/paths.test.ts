/** Paths of a command: what is read is never replaced, and nothing that cannot be read is waited for. */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, linkSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { beforeAll, describe, expect, it } from "vitest";
import { byteLevel } from "../text/tokenizer-json.ts";
import { commandLine, objects, TINY, text } from "./support.ts";

const cli = commandLine("paths");
const book = cli.write("book.txt", text(300));
const tokenizer = cli.write("tokenizer.json", JSON.stringify(byteLevel()));
const out = cli.file("out.svi");
const model = cli.file("model.svi");
const SHORT = ["--epochs", "0.5", ...TINY];

function fifo(name: string): string {
  expect(spawnSync("mkfifo", [cli.file(name)]).status).toBe(0);
  return cli.file(name);
}

function link(name: string, to: string): string {
  symlinkSync(to, cli.file(name));
  return cli.file(name);
}

beforeAll(async () => {
  expect((await cli.run("train", book, "--out", model, ...SHORT)).code).toBe(0);
});

describe("an output is refused where it is also read or written as something else", () => {
  it.each<[string, () => string[], string]>([
    [
      "the tokenizer",
      () => ["--tokenizer", tokenizer, "--out", tokenizer],
      "is the file of --tokenizer that is read",
    ],
    [
      "the validation text",
      () => ["--valid", cli.write("valid.txt", text(90)), "--out", cli.file("valid.txt")],
      "is the file of --valid that is read",
    ],
    ["the model to begin with", () => ["--warm-start", model, "--out", model], "is the file of --warm-start"],
    ["a symbolic link to the text", () => ["--out", link("link.svi", book)], "is a text that is read"],
    ["a link to a link", () => ["--out", link("far.svi", link("near.svi", book))], "is a text that is read"],
    [
      "a hard link to the text",
      () => {
        linkSync(book, cli.file("hard.svi"));
        return ["--out", cli.file("hard.svi")];
      },
      "is a text that is read",
    ],
    [
      "a name in a folder reached by a link",
      () => ["--out", `${link("same", cli.file("."))}/book.txt`],
      "is a text that is read",
    ],
    [
      "the checkpoint",
      () => ["--checkpoint", cli.file("D"), "--out", cli.file("D/checkpoint.svi")],
      "--checkpoint",
    ],
    [
      "a link to a checkpoint that is not there yet",
      () => ["--checkpoint", cli.file("D"), "--out", link("later.svi", cli.file("D/checkpoint.svi"))],
      "--checkpoint",
    ],
    [
      "the checkpoint's folder",
      () => ["--checkpoint", cli.file("E"), "--out", cli.file("E")],
      "is the same as",
    ],
    [
      "a folder above it",
      () => ["--checkpoint", cli.file("F/g"), "--out", cli.file("F")],
      "is a folder that",
    ],
    ["the text as checkpoint's folder", () => ["--checkpoint", book, "--out", out], "is a text that is read"],
    ["standard output", () => ["--out", "-"], "is not a file"],
  ])("%s", async (_, args, part) => {
    const before = readFileSync(book);
    const result = await cli.run("train", book, ...args(), ...SHORT);
    expect(result).toMatchObject({ code: 2, out: "" });
    expect(result.err).toContain(part);
    expect(readFileSync(book)).toEqual(before);
    expect(readFileSync(tokenizer, "utf8")).toBe(JSON.stringify(byteLevel()));
    for (const made of ["D", "E", "F"]) expect(existsSync(cli.file(made))).toBe(false);
  });

  it("while a model may lie in the checkpoint's folder, beside the checkpoint", async () => {
    mkdirSync(cli.file("beside"));
    const inside = cli.file("beside/model.svi");
    const result = await cli.run(
      "train",
      book,
      "--checkpoint",
      cli.file("beside"),
      "--out",
      inside,
      ...SHORT,
    );
    expect(result.code, result.err).toBe(0);
    expect(readdirSync(cli.file("beside")).sort()).toEqual(["checkpoint.svi", "model.svi"]);
  });

  it("and a text that is both trained on and validated is warned about", async () => {
    const result = await cli.run("train", book, "--valid", book, "--out", cli.file("both.svi"), ...SHORT);
    expect(result.code).toBe(0);
    expect(result.err).toMatch(/^warning: .*book\.txt is both a text and the file of --valid/);
    const json = await cli.run("train", book, book, "--out", cli.file("twice.svi"), "--json", ...SHORT);
    expect(objects(json.out)[0]).toEqual({
      event: "warning",
      message: expect.stringContaining("given twice"),
    });
    expect(json.err).toBe("");
  });
});

describe("texts that come through a pipe", () => {
  const feed = (path: string, bytes: Uint8Array) =>
    spawn("sh", ["-c", 'cat > "$0"', path]).stdin!.end(Buffer.from(bytes));

  it("give the same model as the file, whatever the tokenizer", async () => {
    for (const [i, kind] of ["byte", "char", "word", tokenizer].entries()) {
      const name = `pipe-${i}`;
      const args = ["--tokenizer", kind, "--json", ...SHORT];
      const pipe = fifo(name);
      const running = cli.start(["train", pipe, "--out", cli.file(`${name}.svi`), ...args]);
      feed(pipe, readFileSync(book));
      const stdin = cli.start(["train", "-", "--out", cli.file(`${name}-0.svi`), ...args]);
      stdin.child.stdin!.end(readFileSync(book));
      const [whole, ...others] = await Promise.all([
        cli.run("train", book, "--out", cli.file(`${name}-file.svi`), ...args),
        running.end,
        stdin.end,
      ]);
      expect(whole.code, whole.out).toBe(0);
      for (const other of others) expect(objects(other.out).at(-1).hash).toBe(objects(whole.out).at(-1).hash);
    }
  });

  it("are evaluated, a model and a tokenizer may come so too", async () => {
    const whole = objects((await cli.run("eval", model, book, "--json")).out);
    const text = cli.start(["eval", model, "/dev/stdin", "--json"]);
    text.child.stdin!.end(readFileSync(book));
    expect(objects((await text.end).out)).toEqual(whole);
    const both = fifo("model-pipe");
    const running = cli.start(["eval", both, "-", "--json"]);
    feed(both, readFileSync(model));
    running.child.stdin!.end(readFileSync(book));
    expect(objects((await running.end).out)).toEqual(whole);
  });

  it("are not read twice", async () => {
    const pipe = fifo("twice");
    const result = await cli.run("train", pipe, "--valid", pipe, "--out", out, ...SHORT);
    expect(result).toMatchObject({ code: 2, out: "" });
    expect(result.err).toContain("can be read once");
    const stdin = cli.start(["eval", "-", "/dev/stdin"]);
    stdin.child.stdin!.end("x");
    expect((await stdin.end).err).toContain("can be read once");
  });

  it.each<["SIGINT" | "SIGTERM", (pipe: string) => string[]]>([
    ["SIGINT", (pipe) => ["eval", model, pipe]],
    ["SIGTERM", (pipe) => ["eval", model, pipe]],
    ["SIGINT", (pipe) => ["score", model, pipe]],
    ["SIGINT", (pipe) => ["rescore", model, pipe]],
    [
      "SIGINT",
      (pipe) => ["cluster", "join", pipe, "--url", "http://127.0.0.1:9", "--party", "a", "--model", model],
    ],
  ])("that never come are waited for until %s: %s", async (signal, args) => {
    const pipe = fifo(`never-${signal}-${args("").join("").length}`);
    const { child, end } = cli.start(args(pipe));
    // Long enough for the command to wait at the pipe on a busy machine too.
    await new Promise((resolve) => setTimeout(resolve, 3000));
    child.kill(signal);
    expect((await end).code).toBeGreaterThanOrEqual(130);
  });

  it("are refused where parts of a text are read by position", async () => {
    const pipe = fifo("by-position");
    for (const [text, ...args] of [
      [pipe, "train", "--workers", "2"],
      ["-", "train", "--workers", "2"],
      [pipe, "cluster", "coordinate", "--redis", "redis://127.0.0.1:1"],
    ]) {
      const command = args.slice(
        0,
        args.findIndex((arg) => arg.startsWith("--")),
      );
      const result = await cli.run(...command, text, ...args.slice(command.length), "--out", out);
      expect(result).toMatchObject({ code: 2, out: "" });
      expect(result.err).toContain("by position: give a file");
    }
  });
});

describe("files that are not what they are read as", () => {
  const packed = cli.write("text.gz", gzipSync(text(300)));
  const utf16 = cli.write("utf16.txt", Buffer.from(`\ufeff${text(300)}`, "utf16le"));

  it.each<[string, () => string[], string]>([
    ["a packed text to compare on", () => ["compare", packed], "packed by gzip"],
    ["a UTF-16 text to compare on", () => ["compare", utf16], "is UTF-16"],
    ["packed lists", () => ["rescore", model, packed], "packed by gzip"],
    ["a packed vocabulary", () => ["rescore", model, lists(), "--vocabulary", packed], "packed by gzip"],
    ["a packed tokenizer", () => ["train", book, "--tokenizer", packed, "--out", out], "packed by gzip"],
    [
      "a packed model",
      () => ["info", cli.write("model.gz", gzipSync(readFileSync(model)))],
      "packed by gzip",
    ],
    [
      "a packed model to begin with",
      () => ["adapt", cli.file("model.gz"), book, "--out", out],
      "packed by gzip",
    ],
    ["packed weights", () => ["import", packed, "--tokenizer", "byte", "--out", out], "packed by gzip"],
  ])("%s", async (_, args, part) => {
    const folder = args()[0] === "compare" ? ["--out", cli.file("compared")] : [];
    const { code, err } = await cli.run(...args(), ...folder);
    expect(code).toBe(1);
    expect(err).toContain(part);
  });

  function lists(): string {
    return cli.write("lists.tsv", "u1\t0\t1\tthe whale\nu1\t1\t0\tthe sea\n");
  }
});

describe("a folder that cannot be made is told at the start", () => {
  it.each<[string, (folder: string) => string[]]>([
    ["compare", (folder) => ["compare", book, "--out", folder]],
    ["rescore", (folder) => ["rescore", model, cli.write("l.tsv", "u\t0\t1\ta b\n"), "--out", folder]],
    ["train", (folder) => ["train", book, "--out", out, "--checkpoint", folder, ...SHORT]],
  ])("%s", async (_, args) => {
    const { code, err } = await cli.run(...args(`${book}/none`));
    expect(code).toBe(1);
    expect(err).toContain("E_FILE_WRITE");
  });
});

describe.concurrent("what is neither a file nor a pipe is told before it is opened", () => {
  it.each<[string, string, string[]]>([
    ["a device as text", "E_FILE_READ", ["train", "/dev/zero", "--out", out]],
    ["a device as model", "E_FILE_READ", ["info", "/dev/zero"]],
    ["a device as tokenizer", "E_FILE_READ", ["train", book, "--tokenizer", "/dev/zero", "--out", out]],
    ["a folder as validation text", "E_FILE_READ", ["train", book, "--valid", cli.file(""), "--out", out]],
    ["a missing second text", "E_FILE_MISSING", ["train", book, cli.file("none"), "--out", out]],
    ["a device as --out", "E_FILE_WRITE", ["train", book, "--out", "/dev/null"]],
    ["a text to compare on", "E_FILE_READ", ["compare", "/dev/zero", "--out", cli.file("comparison")]],
  ])("%s", async (_, code, args) => {
    const result = await cli.run(...args, "--json");
    expect(result.code).toBe(1);
    expect(objects(result.out)).toEqual([{ event: "error", code, message: expect.any(String) }]);
  });
});

describe("values that begin with a dash", () => {
  it.each([["- the"], ["--the sea"], ["-"], ["-5"], ["-x=1"]])("%j is a value", async (prompt) => {
    const options = ["--tokens", "5", "--json"];
    const [spaced, joined] = await Promise.all([
      cli.run("generate", model, "--prompt", prompt, ...options),
      cli.run("generate", model, `--prompt=${prompt}`, ...options),
    ]);
    expect(spaced).toMatchObject({ code: 0, err: "" });
    expect(spaced.out).toBe(joined.out);
  });

  it("an option in place of a value is told, with the way to write it", async () => {
    const result = await cli.run("generate", model, "--prompt", "--tokens", "5");
    expect(result).toMatchObject({ code: 2, out: "" });
    expect(result.err).toContain("write --prompt=--tokens");
  });
});
