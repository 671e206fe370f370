/** Shading of generated text: readable on any background, and none where a terminal has no colours. */
import { describe, expect, it } from "vitest";
import { shadingFor } from "../../src/cli/colour.ts";

const HIGHEST = Math.log(256);

function terminal(env: NodeJS.ProcessEnv, depth = 8) {
  const stream = { isTTY: true, getColorDepth: () => depth } as unknown as NodeJS.WriteStream;
  return shadingFor(stream, HIGHEST, env);
}

describe("shading by uncertainty", () => {
  it.each([
    ["NO_COLOR", { TERM: "xterm-256color", NO_COLOR: "1" }, 8],
    ["TERM=dumb", { TERM: "dumb", COLORTERM: "truecolor" }, 24],
    ["TERM=vt100, whatever COLORTERM says", { TERM: "vt100", COLORTERM: "truecolor" }, 24],
    ["a terminal of one colour", { TERM: "xterm-mono" }, 1],
  ])("is omitted under %s", (_, env, depth) => {
    expect(terminal(env, depth)).toBeNull();
  });

  it("is omitted where the output is not a terminal", () => {
    const file = { isTTY: false, getColorDepth: () => 24 } as unknown as NodeJS.WriteStream;
    expect(shadingFor(file, HIGHEST, { TERM: "xterm" })).toBeNull();
  });

  it.each([
    [4, 3],
    [8, 4],
    [24, 4],
  ])("with a depth of %d bits sets the letters' colour with every one of %d grounds", (depth, grounds) => {
    const { shade, legend } = terminal({ TERM: "xterm" }, depth)!;
    expect(shade("sure", 0)).toBe("sure");
    const seen = new Set(Array.from({ length: 60 }, (_, i) => shade("x", i / 10)));
    expect(seen.size).toBe(grounds + 1);
    const painted = depth < 8 ? /^\[(30|97);4\dm/ : /^\[30;48;5;\d+m/;
    for (const text of seen) if (text !== "x") expect(text.slice(1)).toMatch(painted);
    for (const text of seen) expect(legend).toContain(text.replace(/x.*$/s, ""));
    expect(legend).toMatch(/ 0\.0 .* 3\.3 .*nats of entropy and more$/);
  });

  it("never colours a line's end", () => {
    const [first, second] = terminal({ TERM: "xterm" })!.shade("a\nb", 5).split("\n");
    for (const line of [first, second]) expect(line.endsWith("[0m")).toBe(true);
  });
});
