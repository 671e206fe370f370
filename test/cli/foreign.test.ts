/** Files that are something else than a model: the message says what, and what to do. */
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { beforeAll, expect, it } from "vitest";
import { commandLine, TINY, text } from "./support.ts";

const cli = commandLine("foreign");
const book = cli.write("book.txt", text(300));
const model = cli.file("model.svi");
const out = cli.file("out.svi");
const bytes = (latin: string, size = 600) =>
  Buffer.concat([Buffer.from(latin, "latin1"), Buffer.alloc(Math.max(0, size - latin.length), 0x9d)]);

beforeAll(async () => {
  const train = ["train", book, "--out", model, "--epochs", "0.1", "--method", "adam", ...TINY];
  const { code, err } = await cli.run(...train);
  expect(code, err).toBe(0);
});

/** What it is, what it holds, and what else is to be done than to give another file. */
const FILES: [string, Uint8Array | string, RegExp?][] = [
  ["a text, not a model", text(40), /svi-lm train makes one/],
  ["a text, not a model", "hi"],
  ["a text, not a model", "море и кит, ".repeat(100)],
  ["a text in UTF-16, not a model", Buffer.from(`\ufeff${text(40)}`, "utf16le")],
  ["JSON, not a model", JSON.stringify({ model: { vocab: {} } })],
  ["a page of HTML or XML", "<!DOCTYPE html>\n<title>Not found</title>", /Download the file itself/],
  ["a pointer of Git LFS", "version spec/git-lfs/1\noid sha256:00\nsize 9\n", /git lfs pull/],
  ["empty", ""],
  ["an ONNX model", bytes("\x08\x07\x12\x07pytorch\x1a\x051.2.3:"), /safetensors/],
  ["a PyTorch file, as torch.save writes", bytes("PK\x03\x04\0\0\0\0archive/data.pkl"), /save_model/],
  ["an archive of NumPy arrays", bytes("PK\x03\x04\0\0\0\0weights.npy")],
  ["packed by zip", bytes("PK\x03\x04\0\0\0\0weights.safetensors"), /Unpack it first/],
  ["packed by gzip", gzipSync(text(40)), /Unpack it first/],
  ["a tar archive", bytes(`${"a".repeat(257)}ustar`), /Unpack it first/],
  ["a Python pickle", bytes("\x80\x02\x8a\nl\xfc"), /save_model/],
  ["a GGUF model", bytes("GGUF\x03\0\0\0")],
  ["an HDF5 file", bytes("\x89HDF\r\n\x1a\n")],
  ["a NumPy array", bytes("\x93NUMPY\x01\0")],
  ["neither safetensors nor another kind", bytes("\xf1\xf2\xf3\xf4\xf5")],
];

it.each(FILES)("%s (%#) is told by info, generate and import", async (what, content, remedy) => {
  const file = cli.write(`${FILES.findIndex(([, held]) => held === content)}.bin`, content);
  const commands = [
    ["info", file],
    ["generate", file],
    ["import", file, "--tokenizer", "byte", "--out", out],
  ];
  for (const command of commands) {
    const { code, out: printed, err } = await cli.run(...command);
    expect({ code, printed }).toEqual({ code: 1, printed: "" });
    expect(err).toContain(`E_FORMAT: ${file}: The file is ${what}`);
    expect(err).not.toContain("header");
    if (remedy) expect(err).toMatch(remedy);
    else expect(err).toMatch(/Give (a model that svi-lm saved|a safetensors file|their values)/);
  }
});

it("leaves what is wrong with a safetensors file to be told as it is", async () => {
  const whole = readFileSync(model);
  const cut = await cli.run("info", cli.write("cut.svi", whole.subarray(0, 3000)));
  expect(cut.err).toContain("The file was cut short");
  const beheaded = await cli.run("info", cli.write("beheaded.svi", whole.subarray(0, 300)));
  expect(beheaded.err).toContain("The header length is");
  const pytorch = new URL("../oracle/dumps/pytorch.safetensors", import.meta.url).pathname;
  const foreign = await cli.run("info", pytorch);
  expect(foreign.err).toMatch(/format is pt\. .*svi-lm import/);
  const own = await cli.run("import", model, "--tokenizer", "byte", "--out", out);
  expect(own.err).toMatch(/is a model that svi-lm saved\. Use it as it is: svi-lm info/);
});
