/** `svi-lm compare`: its JSON contract, and runs that are never made twice. */
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { commandLine, objects, text } from "./support.ts";

vi.setConfig({ testTimeout: 120_000 });

const { file, run, start, write } = commandLine("compare");
const SMALL = "--embedding 4 --hidden 8 --batch 4 --sequence 8 --epochs 1 --tokenizer char".split(" ");
const METHODS = ["sgd", "adam", "dropout", "bbb", "ivon", "ivon-tuned", "ivon-short"];
const book = () => write("book.txt", text(2500));

test("--json: one object a method, and a report beside it", async () => {
  const out = file("untuned");
  const result = await run("compare", book(), "--json", "--trials", "0", "--out", out, ...SMALL);
  expect(result.err).toBe("");
  expect(result.code).toBe(0);
  const lines = objects(result.out);
  expect(lines.map(({ method }) => method)).toEqual(METHODS);
  for (const line of lines) {
    expect(Object.keys(line).sort()).toEqual(
      [
        "bestValidNll",
        "method",
        "samples",
        "scaled",
        "seeds",
        "setting",
        "stepCost",
        "test",
        "testOfMean",
        "title",
        "tokens",
        "tokensToBest",
        "tuning",
      ].sort(),
    );
    expect(line.seeds).toEqual([1]);
    expect(line.bestValidNll).toBeGreaterThan(0);
    expect(line.stepCost).toBeGreaterThan(0);
    expect(line.tokensToBest).toBeLessThanOrEqual(line.tokens);
    if (line.method === "ivon-short") {
      expect(line.test).toBeNull();
      continue;
    }
    expect(Object.keys(line.test)).toEqual([
      "nll",
      "perplexity",
      "bitsPerToken",
      "ece",
      "brier",
      "entropyGap",
    ]);
    expect(line.test.bitsPerToken).toBeCloseTo(line.test.nll / Math.LN2, 6);
    const samples = line.samples.map((s: { samples: number }) => s.samples);
    expect(samples).toEqual(/ivon|bbb/.test(line.method) ? [0, 1, 2, 4, 8, 16, 32] : [0]);
  }
  const html = readFileSync(join(out, "report.html"), "utf8");
  expect(html).toContain("<svg");
  expect(html).not.toMatch(/<script|src=|href="http/);
});

test("--also adds the stronger baselines, in the order of the report", async () => {
  const out = file("also");
  const words = ["compare", book(), "--json", "--trials", "0", "--out", out, ...SMALL];
  const result = await run(...words, "--also", "noiseless,map,adam-four");
  expect(result.err).toBe("");
  const lines = objects(result.out);
  const names = ["sgd", "adam", "map", "adam-four", "dropout", "bbb", "noiseless", "ivon", "ivon-tuned"];
  expect(lines.map(({ method }) => method)).toEqual([...names, "ivon-short"]);
  for (const { method, scaled, test } of lines) {
    if (method === "ivon-short") continue;
    expect(Object.keys(scaled)).toEqual(["temperature", "nll", "ece", "brier"]);
    expect(scaled.nll).toBeLessThan(1.02 * test.nll);
  }
  const wrong = await run(...words, "--also", "adam-five");
  expect(wrong.code).toBe(2);
  expect(wrong.err + wrong.out).toContain("adam-five");
});

test("finished runs are found again, and only what is missing is made", async () => {
  const out = file("again");
  const words = ["compare", book(), "--json", "--trials", "0", "--out", out, ...SMALL];
  const first = await run(...words);
  const runs = join(out, "runs");
  const before = readdirSync(runs).map((name) => [name, statSync(join(runs, name)).mtimeMs] as const);
  expect((await run(...words)).out).toBe(first.out);
  expect(readdirSync(runs).map((name) => [name, statSync(join(runs, name)).mtimeMs])).toEqual(before);
  // Another seed is another run; those of the first stay.
  await run(...words, "--seeds", "2");
  const after = new Set(readdirSync(runs));
  expect(after.size).toBeGreaterThan(before.length);
  for (const [name] of before) expect(after.has(name)).toBe(true);
});

test("an interrupted comparison exits 130 and continues from what was finished", async () => {
  const out = file("interrupted");
  const words = ["compare", book(), "--trials", "0", "--out", out, ...SMALL];
  const { child, end } = start(words);
  await vi.waitFor(() => expect(readdirSync(join(out, "runs")).length).toBeGreaterThan(0), 60_000);
  child.kill("SIGINT");
  expect((await end).code).toBe(130);
  const kept = readdirSync(join(out, "runs")).filter((name) => name.endsWith(".json"));
  const result = await run(...words);
  expect(result.code).toBe(0);
  expect(result.err).toContain(`${kept.length} of`);
  expect(result.out).toContain("IVON, no arguments");
});

test("mistakes: a text that is too short, a folder that cannot be, a record that is none", async () => {
  const short = await run(
    "compare",
    write("short.txt", "a few words"),
    "--json",
    "--out",
    file("s"),
    ...SMALL,
  );
  expect(short.code).toBe(1);
  expect(objects(short.out).at(-1)).toMatchObject({ event: "error", code: "E_TEXT_SHORT" });
  const folder = await run(
    "compare",
    book(),
    "--json",
    "--out",
    join(write("plain", "x"), "under"),
    ...SMALL,
  );
  expect(objects(folder.out).at(-1)).toMatchObject({ event: "error", code: "E_FILE_WRITE" });
  const out = file("again");
  mkdirSync(out, { recursive: true });
  for (const name of readdirSync(join(out, "runs"))) writeFileSync(join(out, "runs", name), "{");
  const broken = await run("compare", book(), "--json", "--trials", "0", "--out", out, ...SMALL);
  expect(objects(broken.out).at(-1)).toMatchObject({ event: "error", code: "E_FORMAT" });
});
