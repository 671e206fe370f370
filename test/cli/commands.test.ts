/** The contract of the four commands: names, fields, exit codes. */
import { existsSync, readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { byteLevel } from "../text/tokenizer-json.ts";
import { commandLine, objects, TINY, text } from "./support.ts";

const cli = commandLine("commands");
const train = cli.write("train.txt", text(2000));
const valid = cli.write("valid.txt", text(200, 7));
const model = cli.file("model.svi");
const number = expect.any(Number);
/** What a text with unknown symbols needs besides. */
const UNKNOWN = ["bitsPerByteMissing", "unknown", "perplexityWithoutUnknown"];

describe("train", () => {
  it("prints steps, validations and one last line, and nothing else on stdout", async () => {
    const args = ["--out", model, "--valid", valid, "--epochs", "2", "--json"];
    const { code, out, err } = await cli.run("train", train, ...args, ...TINY);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    const events = objects(out);
    const done = events.at(-1);
    expect(done).toEqual({
      event: "done",
      tokens: number,
      seconds: number,
      tokensPerSecond: number,
      valid: { nll: number, perplexity: number, bitsPerToken: number },
      parameters: 8064,
      hash: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    const steps = events.filter(({ event }) => event === "step");
    expect(steps.map(({ step }) => step)).toEqual(steps.map((_, i) => i + 1));
    expect(steps[0]).toMatchObject({
      steps: steps.length,
      epoch: number,
      tokens: 32,
      seconds: number,
      nll: number,
      bitsPerToken: number,
      kl: number,
      elbo: number,
      lambda: number,
      gradientNorm: number,
      learningRate: number,
      klWeight: 1,
      noise: 0,
      hessianRatio: { low: number, median: number, high: number },
      valid: null,
      seed: 1,
    });
    const validations = events.filter(({ event }) => event === "valid");
    expect(validations).toHaveLength(2);
    const last = validations[1];
    expect(last).toMatchObject({ step: steps.length, nll: done.valid.nll, ece: number, brier: number });
    expect(done.tokens).toBe(32 * steps.length);
    expect(events).toHaveLength(steps.length + 3);
  });

  it("comes to the same hash with any number of threads, and ends", async () => {
    const shape = "--embedding 32 --hidden 96 --batch 8 --sequence 16 --epochs 0.4 --json".split(" ");
    const hashes = await Promise.all(
      ["1", "2", "3"].map(async (count) => {
        const args = ["--valid", valid, "--out", cli.file(`threads-${count}.svi`), "--threads", count];
        const { code, out, err } = await cli.run("train", train, ...args, ...shape);
        expect({ code, err }).toEqual({ code: 0, err: "" });
        const { hash, valid: figures } = objects(out).at(-1);
        return { hash, figures };
      }),
    );
    expect(hashes[1]).toEqual(hashes[0]);
    expect(hashes[2]).toEqual(hashes[0]);
  });

  it("takes several texts as documents with a line end between them, and says that nothing was validated", async () => {
    const [whole, parts] = await Promise.all([
      cli.run(
        "train",
        cli.write("both.txt", `${text(400)}\n${text(200, 7)}`),
        "--out",
        cli.file("both.svi"),
        "--json",
        ...TINY,
      ),
      cli.run(
        "train",
        cli.write("first.txt", text(400)),
        valid,
        "--out",
        cli.file("parts.svi"),
        "--json",
        ...TINY,
      ),
    ]);
    const [a, b] = [whole, parts].map(({ out }) => objects(out).at(-1));
    expect(a.hash).toBe(b.hash);
    expect(a.valid).toBeNull();
  });

  it("prints a few lines and a table for people", async () => {
    const { code, out, err } = await cli.run(
      "train",
      train,
      "--out",
      cli.file("p.svi"),
      "--valid",
      valid,
      "--epochs",
      "1",
      ...TINY,
    );
    expect(code).toBe(0);
    expect(out).toMatch(
      /^ {2}trained .*tokens\/s\n {2}valid .*\n {2}parameters +8,064\n {2}hash +[0-9a-f]{64}\n {2}saved +\S+p\.svi\n$/,
    );
    const lines = err.trimEnd().split("\n");
    expect(lines.length).toBeLessThan(30);
    expect(err).toMatch(
      /step \d+\/\d+ {2}epoch [\d.]+ {2}[\d.]+ nats {2}[\d.]+ bits\/token {2}[\d,]+ tokens\/s {2}.* left/,
    );
    expect(err).toMatch(/valid [\d.]+ bits\/token/);
  });

  it.each([
    ["bbb", "--particles", "2", "--kl-warmup", "0.5", "--lambda", "50000"],
    ["adam", "--prior-scale", "0.5", "--schedule", "step", "--warmup", "5"],
    [
      "sgd",
      "--clip",
      "0.5",
      "--dropout",
      "0.1",
      "--schedule",
      "constant",
      "--tied",
      "--embedding",
      "16",
      "--layers",
      "2",
    ],
    ["adamw", "--tied"],
    ["ivon", "--softmax", "adaptive"],
    ["adam", "--softmax", "adaptive", "--cutoffs", "30,90"],
  ])("trains by %s", async (method, ...options) => {
    const out = cli.file(`${method}.svi`);
    const result = await cli.run(
      "train",
      valid,
      "--out",
      out,
      "--json",
      ...TINY,
      "--method",
      method,
      ...options,
    );
    expect(result.code, result.err).toBe(0);
    const [info] = objects((await cli.run("info", out, "--json")).out);
    expect(info.posterior).toBe(method === "bbb" || method === "ivon");
    const adaptive = options.includes("adaptive");
    expect(info.configuration).toMatchObject(
      adaptive
        ? { softmax: "adaptive", cutoffs: method === "ivon" ? [40, 101] : [30, 90] }
        : { softmax: "full", cutoffs: [] },
    );
    const table = (await cli.run("info", out)).out;
    if (method === "adamw") expect(table).toContain("256 → 8 → 1 × 16 lstm → 8 → 256, tied");
    expect(table.includes(`adaptive, clusters from ${info.configuration.cutoffs.join(", ")}`)).toBe(adaptive);
  });

  it("continues from another model, with its tokenizer and shape", async () => {
    const out = cli.file("warm.svi");
    const options = ["--warm-start", model, "--batch", "4", "--sequence", "8", "--epochs", "1", "--json"];
    const { code, out: lines } = await cli.run("train", valid, "--out", out, ...options);
    expect(code).toBe(0);
    const cold = objects(
      (await cli.run("train", valid, "--out", out, "--json", "--epochs", "1", ...TINY)).out,
    );
    expect(objects(lines)[0].nll).toBeLessThan(cold[0].nll - 1);
    const against = await cli.run("train", valid, "--out", out, ...options, "--hidden", "24");
    expect(against.code).toBe(2);
    expect(objects(against.out)[0]).toMatchObject({
      code: "E_OPTION",
      message: expect.stringContaining("--hidden is 24"),
    });
    for (const other of [
      ["--softmax", "adaptive"],
      ["--cutoffs", "3"],
      ["--attention", "5"],
    ]) {
      const refused = objects((await cli.run("train", valid, "--out", out, ...options, ...other)).out)[0];
      expect(refused).toMatchObject({
        code: "E_OPTION",
        message: expect.stringContaining(`${other[0]} is ${other[1]}`),
      });
    }
  });

  it("attends to what came before, and says so", async () => {
    const out = cli.file("attention.svi");
    const options = ["--attention", "6", "--epochs", "1"];
    const { code, err } = await cli.run("train", valid, "--out", out, ...TINY, ...options);
    expect(code).toBe(0);
    expect(err).toContain("1 × 16 lstm, attention over 6");
    expect((await cli.run("info", out)).out).toMatch(/attention +over 6 states/);
    const [{ configuration }] = objects((await cli.run("info", out, "--json")).out);
    expect(configuration.attention).toEqual({ span: 6 });
  });

  it("learns a vocabulary of words, and evaluates to no bits per byte where it has gaps", async () => {
    const out = cli.file("words.svi");
    const options = ["--tokenizer", "word", "--max-vocabulary", "10", "--epochs", "1", "--json"];
    expect((await cli.run("train", train, "--out", out, ...TINY, ...options)).code).toBe(0);
    const [info] = objects((await cli.run("info", out, "--json")).out);
    expect(info.tokenizer).toEqual({ kind: "word", vocabulary: 10 });
    const [result] = objects((await cli.run("eval", out, valid, "--json")).out);
    expect(result.bitsPerByte).toBeNull();
  });

  it("uses a tokenizer.json", async () => {
    const tokenizer = cli.write("tokenizer.json", JSON.stringify(byteLevel()));
    const out = cli.file("json.svi");
    const result = await cli.run(
      "train",
      valid,
      "--out",
      out,
      "--tokenizer",
      tokenizer,
      "--json",
      "--epochs",
      "1",
      ...TINY,
    );
    expect(result.code, result.out).toBe(0);
    expect((await cli.run("eval", out, valid)).code).toBe(0);
  });
});

describe("with a model", () => {
  beforeAll(() => {
    expect(existsSync(model)).toBe(true);
  });

  it.each([["0"], ["2"]])("eval prints its nine figures, with %s samples", async (samples) => {
    const { code, out } = await cli.run("eval", model, valid, "--samples", samples, "--json");
    expect(code).toBe(0);
    const [result, ...rest] = objects(out);
    expect(rest).toEqual([]);
    const figures = "tokens nll perplexity bitsPerToken bitsPerByte ece brier entropy mutualInformation";
    expect(Object.keys(result).sort()).toEqual([...figures.split(" "), ...UNKNOWN].sort());
    const { bitsPerByteMissing, unknown, ...measured } = result;
    expect([bitsPerByteMissing, unknown]).toEqual([null, 0]);
    for (const value of Object.values(measured)) expect(value).toEqual(number);
    expect(result.tokens).toBe(readFileSync(valid).length - 1);
    expect(result.bitsPerByte).toBeCloseTo(result.bitsPerToken, 10);
    expect(result.perplexity).toBeCloseTo(Math.exp(result.nll), 8);
    expect(result.mutualInformation > 0).toBe(samples !== "0");
  });

  it("eval at the temperature that suits a held-out text says what it was before, in both forms", async () => {
    const fitted = ["eval", model, valid, "--temperature", "fit", "--valid", valid];
    // A text that is both is told of first.
    const result = objects((await cli.run(...fitted, "--json")).out).at(-1)!;
    const [plain] = objects((await cli.run("eval", model, valid, "--json")).out);
    expect(result.before).toMatchObject({ nll: plain.nll, ece: plain.ece });
    expect(result.nll).toBeLessThan(plain.nll);
    expect(Math.abs(result.nll - result.entropy)).toBeLessThan(1e-3);
    const given = ["eval", model, valid, "--temperature", String(result.temperature)];
    expect(objects((await cli.run(...given, "--json")).out)[0].nll).toBe(result.nll);
    const { out } = await cli.run(...given);
    expect(out).toMatch(
      /temperature +\d\.\d{4}\n.*nll at temperature 1 .*\n.*calibration error at temperature 1/,
    );
    for (const wrong of [["fit"], ["warm"], ["1", "--valid", valid]])
      expect((await cli.run("eval", model, valid, "--temperature", ...wrong)).code).toBe(2);
  });

  it("eval prints a table for people", async () => {
    const { out } = await cli.run("eval", model, valid);
    expect(out).toMatch(/perplexity +[\d.]+\n[\s\S]*calibration error +0\.\d+/);
  });

  it("generate writes the same text in both forms, and no prompt into a pipe", async () => {
    const options = [
      "--prompt",
      "the ",
      "--tokens",
      "30",
      "--temperature",
      "0.8",
      "--top-k",
      "20",
      "--top-p",
      "0.9",
      "--seed",
      "5",
    ];
    const [plain, json, other] = await Promise.all([
      cli.run("generate", model, ...options),
      cli.run("generate", model, ...options, "--json"),
      cli.run("generate", model, ...options, "--seed", "6", "--samples", "2", "--json"),
    ]);
    const [result] = objects(json.out);
    expect(Object.keys(result)).toEqual(["text"]);
    expect(result.text).toHaveLength(30);
    expect(plain).toMatchObject({ code: 0, out: `${result.text}\n`, err: "" });
    expect(objects(other.out)[0].text).not.toBe(result.text);
  });

  it("info prints what the file holds", async () => {
    const { code, out } = await cli.run("info", model, "--json");
    expect(code).toBe(0);
    const [info] = objects(out);
    expect(info).toMatchObject({
      bytes: readFileSync(model).length,
      configuration: { vocabulary: 256, embedding: 8, hidden: 16, layers: 1, tied: false },
      parameters: 8064,
      tokenizer: { kind: "byte", vocabulary: 256 },
      posterior: true,
      lambda: number,
      hash: expect.stringMatching(/^[0-9a-f]{64}$/),
      training: null,
    });
    expect(info.tensors[0]).toEqual({ name: "embedding.weight", dtype: "F32", shape: [256, 8], bytes: 8192 });
    expect((await cli.run("info", model)).out).toContain("256 → 8 → 1 × 16 lstm → 256");
  });

  it("ends quietly where the reader of a pipe has gone", async () => {
    const { child, end } = cli.start(["generate", model, "--tokens", "100000"]);
    child.stdout!.once("data", () => child.stdout!.destroy());
    expect((await end).err).toBe("");
  });
});

describe("help", () => {
  it("is there for the program and every command, with an example", async () => {
    const all = await Promise.all(
      [["--help"], ...["train", "eval", "generate", "info"].map((name) => [name, "--help"])].map((args) =>
        cli.run(...args),
      ),
    );
    for (const { code, out, err } of all) {
      expect({ code, err }).toEqual({ code: 0, err: "" });
      expect(out).toMatch(/\nUsage: svi-lm [\s\S]*\nExample: svi-lm /);
    }
    expect(all[1].out).toMatch(/--batch N +lanes .*\(default 32\)/);
    const { version } = JSON.parse(readFileSync("package.json", "utf8"));
    expect((await cli.run("--version")).out).toBe(`${version}\n`);
  });
});

describe("documents of which a part is not scored", () => {
  const pairs = cli.write("pairs.tsv", Array.from({ length: 200 }, (_, i) => `${i}\t${i % 7}\n`).join(""));

  it("are trained on and evaluated by --score-after", async () => {
    const out = cli.file("pairs.svi");
    const args = ["--score-after", "\\t", "--valid", pairs, "--epochs", "1", ...TINY, "--json"];
    const trained = await cli.run("train", pairs, "--out", out, ...args);
    expect(trained.code).toBe(0);
    const result = await cli.run("eval", out, pairs, "--score-after", "\\t", "--json");
    // A figure and the line end of each.
    expect(objects(result.out)[0]).toMatchObject({ tokens: 400, bitsPerByteMissing: "ignored" });
  });

  it.each([
    ["a symbol that is not one token", ["--score-after", "ab"], 2, /--score-after "ab" is 2 tokens/],
    ["a symbol that a document lacks", ["--score-after", "x"], 1, /Document 1 lacks/],
    ["a separator alone", ["--separator", "x"], 2, /--separator needs --score-after/],
  ])("%s is refused before anything is trained", async (_, args, code, message) => {
    const out = cli.file("refused.svi");
    const result = await cli.run("train", pairs, "--out", out, ...args, ...TINY);
    expect(result).toMatchObject({ code, err: expect.stringMatching(message) });
  });
});
