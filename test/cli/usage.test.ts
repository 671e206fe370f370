/** Wrong usage is told in one line, whatever was typed. */
import { expect, test } from "vitest";
import { work } from "../../src/cli/cluster.ts";
import { parseWords } from "../../src/cli/command.ts";
import { explain } from "../../src/cli/explain.ts";
import { generate } from "../../src/cli/generate.ts";
import { commandHelp, entries, wrapped } from "../../src/cli/help.ts";
import { importCommand } from "../../src/cli/import.ts";
import { info } from "../../src/cli/info.ts";
import { fitting } from "../../src/cli/progress.ts";
import { train } from "../../src/cli/train.ts";
import { UsageError } from "../../src/cli/usage.ts";
import { SviError } from "../../src/errors.ts";

test("what would end the line or steer the terminal is shown as its code", () => {
  const refused = (...line: string[]) => {
    try {
      parseWords(info, line);
    } catch (error) {
      expect(error).toBeInstanceOf(UsageError);
      return (error as Error).message;
    }
  };
  expect(refused("-\r")).toBe("Unknown option -\\u000d; a file of that name is ./-\\u000d");
  expect(refused("--\u001b[31mx")).toContain("\\u001b[31mx");
  expect(explain(new Error("one\n  two\rthree\u2028\u0007")).message).toBe("one two three\\u2028\\u0007");
});

test.each([
  ["train", train, ["text", "--epoch", "2"], "Unknown option --epoch, perhaps --epochs"],
  ["an =", train, ["text", "--Hidden=8"], "Unknown option --Hidden, perhaps --hidden"],
  ["nothing like it", train, ["text", "--constructor"], "Unknown option --constructor"],
  [
    "another command",
    generate,
    ["M", "--temprature", "1"],
    "Unknown option --temprature, perhaps --temperature",
  ],
  ["a file", train, ["-5.txt"], "Unknown option -5.txt; a file of that name is ./-5.txt"],
  [
    "a file behind an option",
    train,
    ["--tied", "-notes.txt"],
    "Unknown option -notes.txt; a file of that name is ./-notes.txt",
  ],
] as const)("what there is not is told with what may be meant: %s", (_, command, line, message) => {
  expect(() => parseWords(command, line)).toThrow(new UsageError(message));
});

test("what stands behind -- and what is a value is not an option", () => {
  expect(parseWords(train, ["--", "-5.txt"]).words).toEqual(["-5.txt"]);
  expect(parseWords(generate, ["M", "--prompt", "-5.txt", "--top-p", "-1"]).options).toEqual({
    prompt: "-5.txt",
    "top-p": -1,
  });
});

test.each([
  [train, ["text", "--out", ""], "--out is empty"],
  [train, ["text", "--valid="], "--valid is empty"],
  [train, ["text", "--checkpoint", ""], "--checkpoint is empty"],
  [train, [""], "<text…> is empty"],
  [train, ["a", "b", ""], "<text…> is empty"],
  [generate, ["", "--tokens", "2"], "<M> is empty"],
  [work, ["--redis", ""], "--redis is empty"],
  [work, [""], '"" is one word too many'],
  [info, ["model.svi", ""], '"" is one word too many'],
  [work, ["--redis", "redis://host", "--store", ""], "--store is empty"],
] as const)("a shell's variable that is not set is told as such: %#", (command, line, message) => {
  expect(() => parseWords(command, line)).toThrow(new UsageError(message));
});

test("an empty prompt is one", () => {
  expect(parseWords(generate, ["M", "--prompt", ""]).options).toEqual({ prompt: "" });
});

test("what a library's function is told is said as a flag", () => {
  const remedy = "Say which one it is: names: { output: … }";
  const error = new SviError("E_FORMAT", "Both head and decoder may be the output", {
    option: "names",
    remedy,
  });
  expect(explain(error, importCommand, ["--names", "embedding=wte"])).toEqual({
    code: "E_FORMAT",
    message: "Both head and decoder may be the output. Say which one it is: --names output=NAME.",
    wrongUsage: false,
  });
  const range = new SviError("E_OPTION", "learningRate is -1", {
    option: "learningRate",
    remedy: "Give a number",
  });
  for (const args of [["--lr", "-1"], ["--lr=-1"]])
    expect(explain(range, train, args)).toMatchObject({
      message: "--lr is -1. Give a number.",
      wrongUsage: true,
    });
  // What nobody typed is not wrong usage.
  expect(explain(range, train, ["--lrs"]).wrongUsage).toBe(false);
  expect(explain(range).message).toBe("learningRate is -1. Give a number.");
});

test.each([24, 40, 60, 80, 200])("help fits %d columns, with every word of it", (width) => {
  const rows: [string, string][] = [
    ["--out M", "the model file to write"],
    [
      "--tokenizer byte|word",
      "character, word: the vocabulary is learnt from the text; FILE: a tokenizer.json",
    ],
  ];
  const shown = entries(rows, width);
  for (const line of shown.split("\n")) expect(line.length).toBeLessThanOrEqual(width);
  const words = (text: string) => text.split(/\s+/).filter(Boolean);
  expect(words(shown)).toEqual(rows.flatMap(([name, meaning]) => words(`${name} ${meaning}`)));
  expect(wrapped("a verylongwordthatstays b", 8)).toEqual(["a", "verylongwordthatstays", "b"]);
});

test("help of a command is wrapped as the environment says", () => {
  const { columns } = process.stdout;
  const { COLUMNS } = process.env;
  try {
    process.stdout.columns = undefined as unknown as number;
    process.env.COLUMNS = "44";
    const lines = commandHelp(train).split("\n");
    const wide = lines.filter((line) => line.length > 44 && !/^(Usage|Example):|^ {2}--/.test(line));
    expect(wide).toEqual([]);
  } finally {
    process.stdout.columns = columns;
    if (COLUMNS === undefined) delete process.env.COLUMNS;
    else process.env.COLUMNS = COLUMNS;
  }
});

test("a narrow terminal has fewer figures, and none of them cut", () => {
  const figures = ["5.291 nats", "2 s left", "8,512 tokens/s", "7.6 bits/token"];
  for (let width = 0; width < 60; width++) {
    const shown = fitting(figures, width);
    expect(shown.length).toBeLessThanOrEqual(width);
    expect(shown).toBe(figures.slice(0, shown.split("  ").filter(Boolean).length).join("  "));
  }
  expect(fitting(figures, 60)).toBe(figures.join("  "));
});
