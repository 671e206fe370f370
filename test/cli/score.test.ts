/** `svi-lm score`: a line in, a line out; the fields of the contract; lines that cannot be scored; standard input. */
import { spawn, spawnSync } from "node:child_process";
import { gzipSync } from "node:zlib";
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

  it("with --products int16 gives nearly the same log-probabilities, and refuses other products", async () => {
    const exact = objects((await cli.run("score", model, lines, "--json")).out)[0].logProbability;
    const { out } = await cli.run("score", model, lines, "--json", "--products", "int16");
    const close = objects(out)[0].logProbability;
    expect(close).not.toBe(exact);
    expect(Math.abs(close - exact)).toBeLessThan(0.1);
    expect((await cli.run("score", model, lines, "--products", "int8")).code).toBe(2);
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

  it.each([
    ["not UTF-8 at all", [0xff, 0xfe, 0xfd, 0xfc, 0xfb], 5],
    ["a character that is cut", [0x61, 0xe2, 0x82], 3],
    ["UTF-8 beside what is not", [0xc3, 0xa9, 0x80], 3],
    ["a surrogate", [0xed, 0xb3, 0xbf], 3],
    ["UTF-8", [0xc3, 0xa9, 0xe2, 0x82, 0xac], 5],
    ["U+FFFD itself", [0xef, 0xbf, 0xbd], 3],
  ])(
    "scores the very bytes of a line with a model of bytes, and prints them: %s",
    async (_, bytes, count) => {
      const path = cli.write("bytes.txt", Uint8Array.from([...Buffer.from("the whale\n"), ...bytes, 10]));
      const { out } = await cli.run("score", model, path, "--json", "--tokens");
      const second = objects(out)[1];
      expect(second.tokens).toBe(count - 1);
      expect(second.scores.map(({ token }: { token: number }) => token)).toEqual(bytes.slice(1));
      const { stdout } = spawnSync(process.execPath, [cli.bundle, "score", model, path]);
      expect(stdout.subarray(stdout.lastIndexOf(9) + 1)).toEqual(Buffer.from([...bytes, 10]));
    },
  );

  it("refuses lines that are not UTF-8 with a model of other symbols, and packed texts", async () => {
    const characters = cli.file("characters.svi");
    const args = ["--out", characters, "--epochs", "0.1", "--tokenizer", "character", ...TINY];
    expect((await cli.run("train", cli.file("train.txt"), ...args)).code).toBe(0);
    const path = cli.write("latin.txt", Uint8Array.from([...Buffer.from("the whale\nthe "), 0xe9, 10]));
    const { code, out } = await cli.run("score", characters, path, "--json");
    expect(code).toBe(0);
    expect(objects(out)).toEqual([
      expect.objectContaining({ index: 0, tokens: 8 }),
      {
        index: 1,
        error: { code: "E_TEXT_ENCODING", message: expect.stringMatching(/^Line 2: .*not UTF-8/) },
      },
    ]);
    for (const used of [model, characters]) {
      const packed = await cli.run(
        "score",
        used,
        cli.write("a.gz", gzipSync("the whale\n".repeat(9))),
        "--json",
      );
      expect(packed.code).toBe(1);
      const message = expect.stringMatching(/a\.gz: The text is packed by gzip\. Unpack it first\.$/);
      expect(objects(packed.out)).toEqual([{ event: "error", code: "E_TEXT_ENCODING", message }]);
    }
  });

  it("reads lines whole wherever they are cut, and knows those that are too long", async () => {
    const euros = "€".repeat(25_000);
    const path = cli.write("long.txt", `${euros}\n${"é".repeat(2 ** 20 + 1)}\n${"x".repeat(3.3e6)}\nlast`);
    const { out } = await cli.run("score", model, path, "--json");
    const found = objects(out);
    expect(found[0].tokens).toBe(3 * 25_000 - 1);
    expect(found.slice(1, 3).map(({ error }) => error.code)).toEqual(["E_TEXT_LONG", "E_TEXT_LONG"]);
    expect(found[3].tokens).toBe(3);
  });

  it("fails with the first reason where no line can be scored, and not for no lines", async () => {
    for (const more of [[], ["--json"]]) {
      const all = await cli.run("score", model, cli.write("one.txt", "a\n\n"), ...more);
      expect(all.code).toBe(1);
      if (more.length === 0)
        expect(all.err).toMatch(/^2 of 2 lines could not be scored\. Line 1 has 1 token\./);
      const none = await cli.run("score", model, cli.write("nothing.txt", ""), ...more);
      expect(none).toMatchObject({ code: 0, out: "", err: "" });
    }
  });

  it("puts what has no score below all others in the order that its help shows", async () => {
    const { out } = await cli.run("score", model, lines);
    expect(out).toMatch(/^-/m);
    const help = (await cli.run("score", "--help")).out;
    const sort = /\| (sort \S+) \| head/.exec(help)![1];
    const { stdout } = spawnSync("sh", ["-c", sort], { input: out, encoding: "utf8" });
    const first = stdout
      .trimEnd()
      .split("\n")
      .map((line) => line.split("\t")[0]);
    const numbers = first.filter((each) => each !== "none").map(Number);
    expect(first.slice(-2)).toEqual(["none", "none"]);
    expect(numbers).toEqual([...numbers].sort((a, b) => b - a));
  });

  it.each(["word", "character"])(
    "scores sources and targets with a tab between, by pairs of %ss",
    async (kind) => {
      const pairs = cli.write(`${kind}.tsv`, "the sea\tla mer\nthe whale\tla baleine\n".repeat(40));
      const own = cli.file(`${kind}.svi`);
      const args = [
        "--pairs",
        "--tokenizer",
        kind,
        "--out",
        own,
        "--epochs",
        "1",
        "--embedding",
        "8",
        "--hidden",
        "16",
      ];
      const trained = await cli.run("train", pairs, ...args, "--batch", "4");
      expect(trained.code, trained.err).toBe(0);
      const { code, out } = await cli.run("score", own, cli.write("p.tsv", "the sea\tla mer\nthe whale\n"));
      expect(code).toBe(0);
      expect(out).toMatch(/^-?\d+\.\d{3}\tthe sea\tla mer\nnone\tthe whale\n$/);
      const sources = await cli.run("score", own, cli.write("s.txt", "the sea\nthe whale\n"));
      expect(sources.code).toBe(1);
      expect(sources.err).toMatch(/2 of 2 .* trained on pairs: give lines of a source, a tab and its target/);
    },
  );

  it("reads lines from standard input by each of its names", async () => {
    for (const name of ["-", "/dev/stdin"]) {
      const running = cli.start(["score", model, name, "--json"]);
      running.child.stdin!.end("the whale\nthe sea\n");
      const { code, out, err } = await running.end;
      expect({ code, err }).toEqual({ code: 0, err: "" });
      expect(objects(out).map(({ index }) => index)).toEqual([0, 1]);
    }
  });

  it("refuses a model from standard input without a file: the lines come from there too", async () => {
    const running = cli.start(["score", "-"]);
    running.child.stdin!.end("x");
    const { code, err } = await running.end;
    expect(code).toBe(2);
    expect(err).toContain("- can be read once, and is both the model and a file");
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
