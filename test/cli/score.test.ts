/** `svi-lm score`: a line in, a line out; the fields of the contract; lines that cannot be scored; standard input. */
import { spawn } from "node:child_process";
import { beforeAll, describe, expect, it } from "vitest";
import { commandLine, objects, TINY, text } from "./support.ts";

const cli = commandLine("score");
const model = cli.file("model.svi");
const number = expect.any(Number);

beforeAll(async () => {
  const train = cli.write("train.txt", text(1000));
  const { code, err } = await cli.run("train", train, "--out", model, "--epochs", "1", "--json", ...TINY);
  expect({ code, err }).toEqual({ code: 0, err: "" });
});

describe("score", () => {
  const lines = cli.write("lines.txt", `${text(20)}\r\n\nx\nlast`);

  it("prints an object a line, in order, with an error where there is no score", async () => {
    const { code, out } = await cli.run("score", model, lines, "--json");
    const found = objects(out);
    expect(code).toBe(0);
    expect(found.map(({ index }) => index)).toEqual(found.map((_, i) => i));
    expect(found[0]).toEqual({
      index: 0,
      logProbability: number,
      tokens: number,
      unknown: 0,
      bitsPerByte: number,
      surprise: number,
      mutualInformation: 0,
    });
    const failures = found.filter(({ error }) => error);
    expect(failures.map(({ error }) => error.code)).toEqual(["E_TEXT_SHORT", "E_TEXT_SHORT"]);
    expect(found.at(-1).tokens).toBe(3);
  });

  it("with --tokens says where every token stands", async () => {
    const { out } = await cli.run("score", model, lines, "--json", "--tokens", "--samples", "2");
    const { scores, tokens, mutualInformation } = objects(out)[0];
    expect(scores).toHaveLength(tokens);
    expect(scores[0]).toEqual({ token: number, start: 1, end: 2, logProbability: number, entropy: number });
    expect(mutualInformation).toBeGreaterThan(0);
  });

  it("ends at Ctrl-C while it waits for standard input", async () => {
    const running = cli.start(["score", model, "--json"]);
    running.child.stdin!.write("the whale and the sea\n");
    await running.lines(1);
    running.child.kill("SIGINT");
    expect((await running.end).code).toBe(130);
  });

  it("gives a person the surprise and the line, and says how many had none", async () => {
    const { code, out, err } = await cli.run("score", model, lines);
    expect(code).toBe(0);
    expect(out.split("\n").filter((line) => /^-?\d+\.\d{3}\t/.test(line)).length).toBeGreaterThan(1);
    expect(err).toContain("2 of");
  });

  it("ends at the first bad line where --strict says so, and at a file that is not there", async () => {
    const { code, out } = await cli.run("score", model, lines, "--json", "--strict");
    expect(code).toBe(1);
    expect(objects(out).at(-1)).toMatchObject({ event: "error", code: "E_TEXT_SHORT" });
    const missing = await cli.run("score", model, cli.file("none.txt"), "--json");
    expect(objects(missing.out)).toEqual([expect.objectContaining({ code: "E_FILE_MISSING" })]);
  });

  it("answers what is piped in before the pipe ends", async () => {
    const child = spawn(process.execPath, ["build/test-cli-score.mjs", "score", model, "--json"]);
    let out = "";
    const answered = new Promise<void>((resolve) => {
      child.stdout.setEncoding("utf8").on("data", (data) => {
        out += data;
        if (out.includes("\n")) resolve();
      });
    });
    child.stdin.write("the sea\n");
    await answered;
    child.stdin.end("the sky");
    await new Promise((resolve) => child.on("close", resolve));
    expect(objects(out).map(({ index }) => index)).toEqual([0, 1]);
  });
});
