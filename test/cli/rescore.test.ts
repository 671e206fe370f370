/** The contract of `rescore`: names, fields, exit codes, and what is said of wrong input. */
import { mkdirSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { commandLine, objects, TINY, text } from "./support.ts";

const cli = commandLine("rescore");
const model = cli.file("model.svi");
const number = expect.any(Number);
const lists = cli.write("dev.tsv", "u-1\t1\t-1\tthe cat\nu-1\t2\t-2\tthe hat\nu-2\t1\t-1\ta dog\n");
const said = cli.write("dev.txt", "u-1 the hat\nu-2 a dog\n");

const ROWS = "u-1\t1\t-1\tthe cat\nu-1\t2\t-2\tthe hat\n";

beforeAll(async () => {
  const train = cli.write("train.txt", text(2000));
  const { code, err } = await cli.run("train", train, "--out", model, "--epochs", "1", ...TINY);
  if (code !== 0) throw new Error(err);
}, 60_000);

describe("rescore", () => {
  it("prints one object a list, and last the weights", async () => {
    const { code, out, err } = await cli.run("rescore", model, lists, "--json");
    expect({ code, err }).toEqual({ code: 0, err: "" });
    const [first, second, last] = objects(out);
    expect(first).toEqual({
      id: "u-1",
      best: expect.stringMatching(/^the [ch]at$/),
      score: number,
      confidence: number,
      uncertainty: number,
      candidates: [
        { text: first.best, score: first.score, logProbability: number, scores: { score: number } },
        { text: expect.any(String), score: number, logProbability: number, scores: { score: number } },
      ],
    });
    expect(second).toMatchObject({ id: "u-2", best: "a dog", confidence: 1, uncertainty: 0 });
    expect(last).toEqual({
      weights: { score: 1, logProbability: 0.3, words: 0, unknown: 0 },
      scale: 1,
      unknown: { candidates: number, symbols: number },
      wer: null,
    });
  });

  it("tunes the weights where it is told what was said", async () => {
    const { code, out } = await cli.run("rescore", model, lists, "--dev", said, "--json");
    expect(code).toBe(0);
    expect(objects(out).at(-1)).toMatchObject({
      weights: { score: 1 },
      wer: 0,
      first: 25,
      oracle: 0,
      surest: number,
      interval: { low: 0, high: 0, level: 0.95 },
      missing: [],
    });
  });

  it("says the best of every list, and on stderr what was counted", async () => {
    const weights = ["--weights", "score=-1"];
    const { out, err } = await cli.run("rescore", model, lists, "--references", said, ...weights);
    expect(out).toBe("u-1\tthe hat\nu-2\ta dog\n");
    expect(err).toMatch(/^weights score=-1,logProbability=0,words=0,unknown=0, scale 1$/m);
    expect(err).toMatch(/^word error rate 0\.00 % \(0\.00 to 0\.00\)$/m);
    expect(err).toMatch(/^first candidates 25\.00 %, best of the lists 0\.00 %$/m);
  });

  it("writes the lists in their new order, averages samples, and takes the least risk", async () => {
    const out = cli.file("reordered");
    const options = [
      "--samples",
      "2",
      "--choice",
      "mbr",
      "--case",
      "upper",
      "--weights",
      "score=-1",
      "--out",
      out,
    ];
    const { code } = await cli.run("rescore", model, lists, ...options);
    expect(code).toBe(0);
    const rows = readFileSync(`${out}/candidates.tsv`, "utf8").split("\n");
    expect(rows[0]).toBe("id\trank\tscore\tlogProbability\ttotal\ttext");
    expect(rows[1]).toMatch(/^u-1\t1\t-2\t.*\tthe hat$/);
  });

  it("weighs several models, and words that a text does not have", async () => {
    const second = cli.write("second.svi", readFileSync(model));
    const known = cli.write("known.txt", "The hat, a dog.");
    const more = ["--vocabulary", known, "--case", "lower"];
    const { code, out, err } = await cli.run("rescore", model, second, lists, "--json", ...more);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    const [first, , last] = objects(out);
    expect(first.candidates[0].scores.logProbability2).toBe(first.candidates[0].logProbability);
    expect(last.weights).toEqual({
      score: 1,
      logProbability: 0.15,
      words: 0,
      unknown: 0,
      logProbability2: 0.15,
      unknown2: 0,
      unseen: 0,
    });
    const weighed = ["--weights", "unseen=-1", "--json"];
    const again = await cli.run("rescore", model, lists, ...weighed, ...more);
    expect(objects(again.out)[0]).toMatchObject({ best: "the hat", score: 0 });
  });

  it("wants lists beside its models", async () => {
    const { code, err } = await cli.run("rescore", model, model);
    expect(code).toBe(2);
    expect(err).toMatch(/There are models, and no lists/);
  });

  it.each([
    [["--format", "espnet"], 2, /--format is "espnet"/],
    [["--weights", "score"], 2, /--weights has "score", not name=number/],
    [["--weights", "lm=1"], 2, /E_OPTION: --weights names "lm"/],
    [["--samples", "-1"], 2, /E_OPTION: --samples is -1/],
    [["--scale=-1"], 2, /E_OPTION: --scale is -1/],
    [["--risk-scale=-1"], 2, /E_OPTION: --risk-scale is -1/],
    [["--dev", said, "--references", said], 2, /exclude each other/],
    [["--dev", lists], 1, /E_FORMAT: .*dev\.tsv:2: The id "u-1" is there twice/],
    [["--references", model], 1, /E_TEXT_ENCODING: .*model\.svi is not UTF-8/],
    [["--format", "kaldi"], 1, /E_FORMAT/],
  ])("refuses %j", async (options, expected, message) => {
    const { code, out, err } = await cli.run("rescore", model, lists, ...options);
    expect(err).toMatch(message);
    expect([code, out]).toEqual([expected, ""]);
  });

  it.each<[string, (folder: string) => { lists: string; more: string[] }]>([
    ["a list", (folder) => ({ lists: cli.write(`${folder}/candidates.tsv`, ROWS), more: [] })],
    [
      "a list by a link",
      (folder) => {
        const real = cli.write(`${folder}/real.tsv`, ROWS);
        symlinkSync(real, cli.file(`${folder}/candidates.tsv`));
        return { lists: real, more: [] };
      },
    ],
    [
      "the references",
      (folder) => ({ lists, more: ["--dev", cli.write(`${folder}/candidates.tsv`, readFileSync(said))] }),
    ],
    [
      "a list of another format",
      (folder) => ({
        lists: cli.write(`${folder}/candidates.nbest`, "0 ||| a b ||| lm= -1 ||| -1\n"),
        more: [],
      }),
    ],
    [
      "one file of several",
      (folder) => ({
        lists: cli.write(`${folder}/u-1.nbest`, "-1 -1 2 the cat\n-2 -2 2 the hat\n"),
        more: ["--format", "srilm"],
      }),
    ],
  ])("refuses to replace what it reads: %s", async (name, make) => {
    const folder = name.replaceAll(" ", "-");
    mkdirSync(cli.file(folder));
    const { lists: given, more } = make(folder);
    const before = readdirSync(cli.file(folder)).map((file) => readFileSync(cli.file(`${folder}/${file}`)));
    const result = await cli.run("rescore", model, given, ...more, "--out", cli.file(folder));
    expect(result.err).toMatch(/--out would replace .* which is read; choose another folder/);
    expect(result).toMatchObject({ code: 2, out: "" });
    const after = readdirSync(cli.file(folder)).map((file) => readFileSync(cli.file(`${folder}/${file}`)));
    expect(after).toEqual(before);
  });

  it("names the file and the line of a list that is wrong", async () => {
    const wrong = cli.write("wrong.tsv", "u-1\t1\t-1\ta\nu-1\t1\t-2\tb\n");
    const { err } = await cli.run("rescore", model, wrong);
    expect(err).toMatch(/E_FORMAT: .*wrong\.tsv:2: Candidate 1 of "u-1" is there twice/);
    const lacking = cli.write("lacking.txt", "u-1 a\n");
    const without = await cli.run("rescore", model, lists, "--dev", lacking);
    expect(without.err).toMatch(/E_FORMAT: .*lacking\.txt: The list "u-2" has no reference/);
  });
});
