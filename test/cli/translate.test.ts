/** Pairs on the command line: trained on, evaluated, translated as lines come. */
import { beforeAll, describe, expect, it } from "vitest";
import { readLists } from "../../src/entries/rescoring.ts";
import { commandLine, objects } from "./support.ts";

const cli = commandLine("translate");
const number = expect.any(Number);
const words = Array.from(
  { length: 90 },
  (_, i) => `${"abc"[i % 3]}${"abc"[Math.floor(i / 3) % 3]}${"ab"[i % 2]}`,
);
const source = cli.write("source.txt", words.map((word) => `${word}\n`).join(""));
const target = cli.write("target.txt", words.map((word) => `${word.toUpperCase()}\n`).join(""));
const tsv = cli.write("pairs.tsv", words.map((word) => `${word}\t${word.toUpperCase()}\n`).join(""));
const shape =
  "--embedding 8 --hidden 16 --batch 8 --epochs 3 --lr 8 --clip 1 --tokenizer character --json".split(" ");
const model = cli.file("model.svi");

beforeAll(async () => {
  const { code, err, out } = await cli.run("train", "--pairs", source, target, "--out", model, ...shape);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  expect(objects(out).at(-1)).toMatchObject({ event: "done", tokens: 3 * 90 * 8 });
});

describe("train --pairs", () => {
  it("comes to the same model from two files and from one of tabs, validated on either", async () => {
    const hashes = [];
    for (const [texts, valid] of [
      [[tsv], [source, "--valid-target", target]],
      [[source, target], [tsv]],
    ] as const) {
      const out = cli.file("other.svi");
      const result = await cli.run("train", "--pairs", ...texts, "--out", out, "--valid", ...valid, ...shape);
      expect(result).toMatchObject({ code: 0, err: "" });
      const done = objects(result.out).at(-1);
      hashes.push(done.hash, done.valid.nll);
    }
    expect(hashes.slice(2)).toEqual(hashes.slice(0, 2));
    const evaluated = await cli.run("eval", "--pairs", model, source, target, "--json");
    const [figures] = objects(evaluated.out);
    expect(figures).toMatchObject({ tokens: 4 * 90, nll: hashes[1], bitsPerByteMissing: "ignored" });
    // The model knows the symbols, so that a text of its documents needs no flag.
    const stream = await cli.run("eval", model, tsv, "--json");
    expect(objects(stream.out)[0].tokens).toBe(4 * 90);
  });

  it("resumes to the same hash", async () => {
    const args = ["--checkpoint", cli.file("run"), "--checkpoint-every", "5", ...shape];
    const whole = await cli.run("train", "--pairs", tsv, "--out", cli.file("whole.svi"), ...args);
    const again = await cli.run("train", "--pairs", tsv, "--out", cli.file("again.svi"), ...args, "--resume");
    expect(objects(again.out).at(-1).hash).toBe(objects(whole.out).at(-1).hash);
  });

  it.each<[string, string[], number, RegExp]>([
    [
      "files of unequal length",
      ["--pairs", source, cli.write("short.txt", "A\n")],
      1,
      /short.txt has 1 lines, and .*source.txt has more/,
    ],
    [
      "an empty target",
      ["--pairs", cli.write("empty.tsv", "a\tA\nb\t\n")],
      1,
      /empty.tsv, line 2: the target is empty/,
    ],
    [
      "a document that is too long",
      ["--pairs", tsv, "--longest", "7"],
      1,
      /pairs.tsv, line 1: the document has 8 timesteps/,
    ],
    ["three texts", ["--pairs", tsv, source, target], 2, /--pairs takes one text or two/],
    ["a limit without pairs", [tsv, "--longest", "7"], 2, /--longest needs --pairs/],
    [
      "targets without pairs",
      [tsv, "--valid", tsv, "--valid-target", target],
      2,
      /--valid-target needs --pairs/,
    ],
  ])("refuses %s before anything is trained", async (_, args, code, message) => {
    const result = await cli.run("train", ...args, "--out", cli.file("none.svi"), "--tokenizer", "character");
    expect(result).toMatchObject({ code, err: expect.stringMatching(message) });
  });
});

describe("translate", () => {
  const lines = cli.write("lines.txt", "abc\n\ncab\r\nbb\n");

  it("writes a line for a line, empty ones empty, from a file and from a pipe", async () => {
    const { code, out, err } = await cli.run("translate", model, lines);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toMatch(/^[^\n]+\n\n[^\n]+\n[^\n]+\n$/);
    const running = cli.start(["translate", model]);
    running.child.stdin!.write("abc\n");
    // What was piped in is translated before the pipe ends.
    await running.lines(1);
    running.child.stdin!.end("\ncab\r\nbb\n");
    expect((await running.end).out).toBe(out);
  });

  it("predicts in 8 bits where it is told to, which changes the figures a little", async () => {
    const figures = [];
    for (const args of [[], ["--quantized"]]) {
      const { code, out, err } = await cli.run("translate", model, lines, "--json", ...args);
      expect({ code, err }).toEqual({ code: 0, err: "" });
      figures.push(objects(out)[0].logProbability);
    }
    expect(figures[1]).not.toBe(figures[0]);
    expect(figures[1]).toBeCloseTo(figures[0], 0);
  });

  it("gives an object a line with its candidates, or Moses' list of them, which rescore reads", async () => {
    const args = ["--beam", "3", "--count", "2", "--samples", "2"];
    const json = objects((await cli.run("translate", model, lines, ...args, "--json")).out);
    const figures = {
      text: expect.any(String),
      tokens: number,
      logProbability: number,
      score: number,
      entropy: number,
      mutualInformation: number,
      complete: true,
    };
    expect(json).toHaveLength(4);
    expect(json[0]).toEqual({
      index: 0,
      ...figures,
      complete: expect.any(Boolean),
      candidates: [expect.anything(), expect.anything()],
    });
    expect(json[1]).toMatchObject({ index: 1, text: "", candidates: [] });
    const { out } = await cli.run("translate", model, lines, ...args, "--n-best", "moses");
    const { lists } = readLists([{ name: "candidates.nbest", text: out }]);
    expect(lists.map(({ id, candidates }) => [id, candidates.length])).toEqual([
      ["0", 2],
      ["2", 2],
      ["3", 2],
    ]);
    const nbest = cli.write("news.nbest", out);
    const pairs = await cli.run("rescore", model, nbest);
    expect(pairs).toMatchObject({ code: 1, out: "" });
    expect(pairs.err).toMatch(/model\.svi was trained on pairs.* Give a model of the target language/);
    const language = cli.file("language.svi");
    await cli.run("train", target, "--out", language, "--sequence", "8", ...shape);
    expect(await cli.run("rescore", language, nbest)).toMatchObject({
      code: 0,
      err: expect.stringMatching(/weights/),
    });
    expect((await cli.run("rescore", language, model, nbest)).err).toMatch(/model\.svi was trained on pairs/);
    expect(lists[0].candidates[1].scores).toMatchObject({ total: json[0].candidates[1].score });
  });

  it("refuses lines that are not UTF-8, which other symbols would be read from", async () => {
    const latin = cli.write("latin.txt", Uint8Array.from([0x61, 0x62, 10, 0x61, 0xe9, 10]));
    const result = await cli.run("translate", model, latin);
    expect(result).toMatchObject({ code: 1, out: expect.stringMatching(/^[^\n]+\n\n$/) });
    expect(result.err).toMatch(/latin.txt, line 2: The line is not UTF-8/);
  });

  it("says which lines cannot be translated, and fails; at once with --strict, and for a model of other texts", async () => {
    const bad = cli.write("bad.txt", `abc\na\tb\n${"a".repeat(50)}\n`);
    const result = await cli.run("translate", model, bad, "--longest", "40");
    expect(result).toMatchObject({ code: 1, out: expect.stringMatching(/^[^\n]+\n\n\n$/) });
    expect(result.err).toMatch(/bad.txt, line 2: The source holds "\\t"/);
    expect(result.err).toMatch(/bad.txt, line 3: The source has 50 tokens/);
    const strict = await cli.run("translate", model, bad, "--strict", "--json");
    expect(objects(strict.out).at(-1)).toMatchObject({ event: "error", code: "E_PAIRS" });
    const plain = cli.file("plain.svi");
    await cli.run("train", source, "--out", plain, "--sequence", "8", ...shape);
    expect(await cli.run("translate", plain, lines)).toMatchObject({
      code: 1,
      err: expect.stringMatching(/not trained on pairs/),
    });
  });
});
