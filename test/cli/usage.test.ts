/** Wrong usage is told in one line, whatever was typed. */
import { expect, test } from "vitest";
import { parseWords } from "../../src/cli/command.ts";
import { explain } from "../../src/cli/explain.ts";
import { info } from "../../src/cli/info.ts";
import { UsageError } from "../../src/cli/usage.ts";

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
