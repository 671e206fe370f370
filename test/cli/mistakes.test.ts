/** Bad input: one line, the right exit code, and nothing written. */
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { capabilities } from "../../src/kernels/capabilities.ts";
import { commandLine, objects, TINY, text } from "./support.ts";

const cli = commandLine("mistakes");
const book = cli.write("book.txt", text(300));
const out = cli.file("out.svi");
const model = cli.file("model.svi");

beforeAll(async () => {
  const result = await cli.run(
    "train",
    book,
    "--out",
    model,
    "--epochs",
    "0.1",
    "--tokenizer",
    "char",
    "--method",
    "adam",
    ...TINY,
  );
  expect(result.code, result.err).toBe(0);
});

const usage: [string, string[], string][] = [
  ["no command", [], "No command"],
  ["an unknown command", ["trian"], '"trian", perhaps train'],
  ["an unknown option", ["train", book, "--out", out, "--hiden", "8"], "--hiden"],
  ["an option without its value", ["train", book, "--out"], "--out"],
  ["no text", ["train", "--out", out], "<text…> is missing"],
  ["no --out", ["train", book], "--out is missing"],
  ["a word too many", ["info", model, "more"], '"more"'],
  ["what is not a number", ["train", book, "--out", out, "--lr", "fast"], '--lr is "fast"'],
  ["an unknown choice", ["train", book, "--out", out, "--method", "magic"], "ivon, bbb, adamw, adam, sgd"],
  ["particles of Adam", ["train", book, "--out", out, "--method", "adam", "--particles", "2"], "--particles"],
  ["lambda of SGD", ["train", book, "--out", out, "--method", "sgd", "--lambda", "2"], "--lambda"],
  [
    "a learnt vocabulary's option for bytes",
    ["train", book, "--out", out, "--min-count", "2"],
    "--min-count",
  ],
  ["--resume on its own", ["train", book, "--out", out, "--resume"], "--checkpoint"],
  ["the text as --out", ["train", book, "--out", book], "is a text that is read"],
];

describe.concurrent("wrong usage exits 2", () => {
  it.each(usage)("%s", async (_, args, part) => {
    const result = await cli.run(...args);
    expect(result).toMatchObject({ code: 2, out: "" });
    expect(result.err).toMatch(/^svi-lm: .*; see svi-lm .*--help\n$/);
    expect(result.err).toContain(part);
  });

  it("lists the commands of a name that is followed by another", async () => {
    const names = "coordinate, work, status, board, stop, serve, join";
    const [alone, other, help, own] = await Promise.all([
      cli.run("cluster"),
      cli.run("cluster", "trian"),
      cli.run("cluster", "--help"),
      cli.run("cluster", "work", "--help"),
    ]);
    expect(alone).toMatchObject({ code: 2, out: "", err: expect.stringContaining(names) });
    expect(other).toMatchObject({ code: 2, out: "", err: expect.stringContaining(`has ${names}`) });
    expect(help).toMatchObject({ code: 0, err: "" });
    for (const name of names.split(", "))
      expect(help.out).toMatch(new RegExp(`^  cluster ${name} +\\S`, "m"));
    expect(own.out).toContain("Usage: svi-lm cluster work");
  });

  it("says it in JSON too", async () => {
    const result = await cli.run("eval", "--json");
    expect(result).toMatchObject({ code: 2, err: "" });
    expect(objects(result.out)).toEqual([{ event: "error", code: "E_USAGE", message: "<M> is missing" }]);
  });
});

const empty = cli.write("empty.txt", "");
const short = cli.write("short.txt", "hi");
const broken = cli.write("broken.svi", "no model at all, but long enough for a header");
const latin = cli.write("latin.txt", new Uint8Array([0x63, 0xff, 0xfe, 0x0a]));

const failures: [string, string, string[]][] = [
  ["a missing text", "E_FILE_MISSING", ["train", cli.file("none.txt"), "--out", out]],
  ["a folder as text", "E_FILE_READ", ["train", cli.file(""), "--out", out]],
  ["an empty text", "E_TEXT_EMPTY", ["train", empty, "--out", out]],
  ["a text below one window", "E_TEXT_SHORT", ["train", short, "--out", out]],
  ["text that is not UTF-8", "E_TEXT_ENCODING", ["train", latin, "--out", out, "--tokenizer", "char"]],
  ["a folder that is not there", "E_FILE_WRITE", ["train", book, "--out", cli.file("none/out.svi")]],
  ["a folder as --out", "E_FILE_WRITE", ["train", book, "--out", cli.file("")]],
  [
    "a run beyond the memory",
    "E_MEMORY",
    ["train", book, "--out", out, "--hidden", "8192", "--layers", "4", "--batch", "4", "--sequence", "8"],
  ],
  ["a tokenizer that is none", "E_TOKENIZER", ["train", book, "--out", out, "--tokenizer", book]],
  [
    "a checkpoint that is not there",
    "E_FILE_MISSING",
    ["train", book, "--out", out, "--checkpoint", cli.file("none"), "--resume", ...TINY],
  ],
  ["a diverging run", "E_DIVERGED", ["train", book, "--out", out, "--lr", "1e6", ...TINY]],
  ["a missing model", "E_FILE_MISSING", ["eval", cli.file("none.svi"), book]],
  ["a broken model", "E_FORMAT", ["eval", broken, book]],
  ["a text of one token", "E_TEXT_SHORT", ["eval", model, cli.write("one.txt", "a")]],
  ["a broken model's description", "E_FORMAT", ["info", broken]],
];

const NEW = ["train", book, "--out", out];
const ranges: [string[], RegExp][] = [
  [[...NEW, "--threads", "0"], /^--threads is 0\. Give/],
  [[...NEW, "--lr", "-1"], /^--lr is -1\. Give/],
  [[...NEW, "--lr=-1"], /^--lr is -1/],
  [[...NEW, "--hidden", "0"], /^--hidden is 0/],
  [[...NEW, "--epochs", "0"], /^--epochs is 0/],
  [[...NEW, "--batch", "100000"], /^--batch is 100000/],
  [[...NEW, "--layers", "9"], /^--layers is 9/],
  [[...NEW, ...TINY, "--dropout", "2"], /^--dropout is 2/],
  [[...NEW, ...TINY, "--warmup", "-1"], /^--warmup is -1/],
  [[...NEW, ...TINY, "--average", "2"], /--average/],
  [[...NEW, "--prior-scale", "0"], /--prior-scale/],
  [[...NEW, "--attention", "0"], /--attention/],
  [[...NEW, "--tokenizer", "word", "--min-count", "0"], /--min-count is 0/],
  [[...NEW, "--cutoffs", "1,2"], /cutoffs are 1,2/],
  [[...NEW, "--softmax", "adaptive", "--cutoffs", "3,x"], /cutoffs are 3,NaN/],
  [[...NEW, "--tied", "--softmax", "adaptive"], /tied/],
  [[...NEW, "--noiseless", "--particles", "2"], /--particles was given along with --noiseless/],
  [[...NEW, "--warm-start", model, "--hidden", "99"], /^--hidden is 99, but/],
  [[...NEW, "--workers", "1", "--local", "0"], /^--local is 0/],
  [[...NEW, "--workers", "1", "--local", "1e-9"], /^--local is 1e-9/],
  [["bench", "--threads", "0"], /^--threads is 0/],
  [["eval", model, book, "--samples", "4"], /samples were asked of a model without a posterior/],
  [["eval", model, book, "--cache", "-1"], /^--cache is -1\. Give an integer from 0/],
  [["eval", model, book, "--cache", "500", "--dynamic"], /^--cache was given along with --dynamic/],
  [["generate", model, "--temperature=-1"], /^--temperature is -1/],
  [["generate", model, "--tokens", "-1"], /^--tokens is -1/],
  [["generate", model, "--top-k", "-1"], /--top-k is -1/],
  [["generate", model, "--top-p", "7"], /--top-p is 7/],
  [["generate", model, "--cache", "0.5"], /^--cache is 0.5\. Give an integer from 0/],
];

describe.concurrent("a value that is wrong exits 2 too, and is called by its flag", () => {
  it.each(ranges)("%j", async (args, message) => {
    const result = await cli.run(...args, "--json");
    expect(result).toMatchObject({ code: 2, err: "" });
    expect(objects(result.out)).toEqual([
      { event: "error", code: "E_OPTION", message: expect.stringMatching(message) },
    ]);
    expect(existsSync(out)).toBe(false);
  });

  it("has one exit code, whatever finds it wrong", async () => {
    for (const value of ["NaN", "-1", "none", ""]) {
      const args = ["generate", model, `--temperature=${value}`];
      expect((await cli.run(...args)).code, value).toBe(2);
    }
    expect((await cli.run("generate", model, "--stop", "")).err).toContain("--stop is empty");
  });
});

const tabs = cli.write("tabs.tsv", "the\tsea\n".repeat(9));
const sources = cli.write("sources.txt", "the sea\n".repeat(9));

describe("what a command says of a failure", () => {
  const pairs = cli.file("pairs.svi");
  beforeAll(async () => {
    const train = ["train", tabs, "--pairs", "--tokenizer", "word", "--out", pairs, "--epochs", "1"];
    const { code, err } = await cli.run(
      ...train,
      ..."--embedding 8 --hidden 16 --batch 4 --method adam --lr 0.001".split(" "),
    );
    expect(code, err).toBe(0);
  });

  it.each<[string, () => string[], RegExp, RegExp]>([
    ["eval's short text", () => ["eval", model, cli.write("one.txt", "a")], /longer text/, /smaller/],
    ["train's short text", () => [...NEW.with(1, short)], /smaller --batch or --sequence/, /`/],
    [
      "a run beyond the memory",
      () => [...NEW, "--hidden", "8192", "--layers", "4", "--batch", "4", "--sequence", "8"],
      /smaller model, --batch or --sequence\./,
      /raise the limit/,
    ],
    ["pairs without --pairs", () => ["eval", pairs, tabs], /give --pairs/, /scoreAfter/],
    [
      "a model that translates nothing",
      () => ["translate", model, sources],
      /svi-lm train --pairs/,
      /Corpus/,
    ],
  ])("has remedies that it has: %s", async (_, args, remedy, foreign) => {
    const { code, err } = await cli.run(...args());
    expect(code).toBe(1);
    expect(err).toMatch(remedy);
    expect(err).not.toMatch(foreign);
  });
});

it.each([
  ["train", [...NEW, "--tokenizer", "foo"], "Give byte, character, char, word, or the path of a file"],
  [
    "cluster coordinate",
    ["cluster", "coordinate", book, "--redis", "redis://localhost:1", "--out", out, "--tokenizer", "foo"],
    "Give byte, character, char, word, or the path of a file",
  ],
  ["import", ["import", book, "--out", out, "--tokenizer", "foo"], "Give byte, or the path of a file"],
])("%s says what a tokenizer that is not there could be", async (_, args, remedy) => {
  const { code, err } = await cli.run(...args);
  expect(code).toBe(1);
  expect(err).toContain(`There is no file foo. ${remedy}.`);
});

describe.concurrent("failures exit 1", () => {
  it.each(failures)("%s is %s", async (_, code, args) => {
    const result = await cli.run(...args, "--json");
    expect(result).toMatchObject({ code: 1, err: "" });
    expect(objects(result.out).at(-1)).toEqual({ event: "error", code, message: expect.any(String) });
    expect(existsSync(out)).toBe(false);
  });

  it("prints one line for people", async () => {
    const result = await cli.run("train", book, "--out", out, "--top");
    expect(result.err.split("\n")).toHaveLength(2);
    const failure = await cli.run("train", book, "--out", out, "--lr", "-1");
    expect(failure).toMatchObject({
      code: 2,
      out: "",
      err: "svi-lm: E_OPTION: --lr is -1. Give a number above 0.\n",
    });
    const endless = await cli.run("train", book, "--out", out, "--epochs", "Infinity");
    expect(endless).toMatchObject({
      code: 2,
      out: "",
      err: "svi-lm: E_OPTION: --epochs is Infinity. Give a number above 0, and finite.\n",
    });
  });

  it("leaves an older model alone when a run diverges", async () => {
    const before = cli.write("older.svi", readFileSync(model));
    const result = await cli.run("train", book, "--out", before, "--lr", "1e6", ...TINY);
    expect(result).toMatchObject({ code: 1, out: "" });
    expect(result.err).toMatch(/E_DIVERGED: .*smaller --lr; nothing was written to .*older\.svi\.\n$/);
    expect(readFileSync(before)).toEqual(readFileSync(model));
  });

  it("says so where the model cannot be written in the end", async () => {
    const folder = cli.file("vanishing");
    mkdirSync(folder);
    const running = cli.start([
      "train",
      book,
      "--out",
      `${folder}/m.svi`,
      "--epochs",
      "20",
      "--json",
      ...TINY,
    ]);
    await running.lines(3);
    rmSync(folder, { recursive: true });
    const { code, out: lines } = await running.end;
    expect(code).toBe(1);
    expect(objects(lines).at(-1)).toMatchObject({ event: "error", code: "E_FILE_WRITE" });
  });
});

const one = cli.write("single.txt", "a");
const nothing2 = cli.write("nothing2.txt", "");
const posterior = cli.file("posterior.svi");

beforeAll(async () => {
  const result = await cli.run("train", book, "--out", posterior, "--epochs", "0.1", ...TINY);
  expect(result.code, result.err).toBe(0);
});

const nothing = cli.write("nothing.txt", "");
const pairs = cli.write("pairs.tsv", "the sea\tthe whale\n".repeat(40));
const PAIRS = ["train", pairs, "--pairs", "--out", out, ...TINY.slice(0, 6)];

it.each([
  ["train", [...NEW, ...TINY, "--valid", one], /^--valid .*single\.txt: /],
  ["adapt", ["adapt", posterior, book, "--out", out, "--valid", one], /^--valid .*single\.txt: /],
  ["adapt, empty", ["adapt", posterior, book, "--out", out, "--valid", nothing], /^--valid .*nothing\.txt: /],
  ["eval", ["eval", model, book, "--temperature", "fit", "--valid", one], /^--valid .*single\.txt: /],
  ["pairs", [...PAIRS, "--valid", nothing], /^--valid .*nothing\.txt: /],
  [
    "pairs of two files",
    [...PAIRS, "--valid", nothing, "--valid-target", nothing2],
    /^--valid .*nothing\.txt, --valid-target .*nothing2\.txt: /,
  ],
  ["pairs without one", ["train", nothing, "--pairs", "--out", out], /nothing\.txt: There are no pairs/],
])("names the text of --valid that is too short before the first step: %s", async (_, args, message) => {
  const result = await cli.run(...args, "--json");
  expect(result).toMatchObject({ code: 1, err: "" });
  expect(objects(result.out)).toEqual([
    { event: "error", code: expect.stringMatching(/^E_TEXT_/), message: expect.stringMatching(message) },
  ]);
  expect(existsSync(out)).toBe(false);
});

it("says how much of a text no window reads, in adapt as in train", async () => {
  const text = cli.write("window.txt", "the sea ".repeat(512).slice(0, 4095));
  for (const args of [["train"], ["adapt", posterior]]) {
    const { code, err } = await cli.run(
      ...args,
      text,
      "--out",
      cli.file("window.svi"),
      ...["--batch", "32", "--sequence", "64", "--epochs", "1"],
    );
    expect(code, err).toBe(0);
    expect(err).toMatch(/, 2,046 tokens in no window$/m);
  }
});

it.each([
  ["a warm start", ["--warm-start", model]],
  ["shards", ["--warm-start", model, "--workers", "1", "--shards", "2"]],
])("warns of a text that the tokenizer of %s does not know", async (_, options) => {
  const text = cli.write("cyrillic.txt", "море и кит\n".repeat(200));
  const size = ["--batch", "4", "--sequence", "8", "--epochs", "0.1"];
  const { code, err } = await cli.run("train", text, "--out", cli.file("known.svi"), ...options, ...size);
  expect(code, err).toBe(0);
  expect(err).toMatch(/^warning: 7\d % of the tokens of the text are unknown to the tokenizer/m);
});

it("runs the relaxed kernels where the engine has them, and says so where it has not", async () => {
  const result = await cli.run("eval", model, book, "--kernels", "relaxed", "--json");
  if (capabilities().relaxed.available) expect(result.code).toBe(0);
  else expect(objects(result.out)).toEqual([expect.objectContaining({ event: "error", code: "E_HOST" })]);
});
