/** Wrong usage is told in one line, whatever was typed. */
import { expect, test } from "vitest";
import { parseWords } from "../../src/cli/command.ts";
import { explain } from "../../src/cli/explain.ts";
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
  expect(refused("-\r")).toBe("Unknown option '-\\u000d'");
  expect(refused("--\u001b[31mx")).toContain("\\u001b[31mx");
  expect(explain(new Error("one\n  two\rthree\u2028\u0007")).message).toBe("one two three\\u2028\\u0007");
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
