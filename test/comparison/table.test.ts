/** A text's table and the HTML report: what a person reads of runs that went well, diverged, or were not tested. */
import { describe, expect, test } from "vitest";
import { htmlReport } from "../../src/comparison/html.ts";
import type { MethodName } from "../../src/comparison/methods.ts";
import type { MethodRuns } from "../../src/comparison/protocol.ts";
import { reportCorpus } from "../../src/comparison/report.ts";
import type { RunRecord, TestFigures } from "../../src/comparison/run.ts";
import { tableOf } from "../../src/comparison/table.ts";

const COSTS = { sgd: 1, adam: 1, adamw: 1, dropout: 1.1, bbb: 1.3, noiseless: 1.1, ivon: 1.2 };

function figures(nll: number): TestFigures {
  const one = { nll, perplexity: Math.exp(nll), ece: 0.02, brier: 0.5, entropy: 1 };
  const scaled = { ...one, temperature: 1.25, ece: 0.01 };
  return { ...one, tokens: 10, reliability: [], entropyGap: 0.3, predictive: null, samples: [], scaled };
}

function record(nll: number, predictive: number | null = null): RunRecord {
  const best = { tokens: 2000, nll, noise: 1 };
  const test = { ...figures(nll), predictive: predictive === null ? null : { ...figures(predictive) } };
  return {
    curve: [{ tokens: 1000, nll: nll + 1, noise: 0.5 }, best],
    best,
    valid: figures(nll),
    test: { final: test, best: test },
    lambda: 1,
    steps: 2,
    trainNll: 1,
    seconds: 1,
    hash: "",
  };
}

function runsOf(name: MethodName, records: (RunRecord | null)[]): MethodRuns {
  const setting = { method: { kind: "ivon" as const }, tokens: 2000, seed: 1, points: 2, test: true };
  return { name, tuning: [], runs: records.map((r, i) => ({ seed: i + 1, setting, record: r })), long: [] };
}

describe("the table", () => {
  test("has means and half of the range over seeds, perplexity for words and bits for characters", () => {
    const methods = [runsOf("adam", [record(1), record(1.2)])];
    const [head, row] = tableOf(methods, null, true, COSTS);
    expect(head.slice(0, 3)).toEqual(["method", "test nll", "perplexity"]);
    expect(row.slice(1, 4)).toEqual(["1.1000 ± 0.1000", "3.0 ± 0.3", "0.0200 ± 0.0000"]);
    expect(row[head.indexOf("temperature")]).toBe("1.250 ± 0.000");
    expect(row[head.indexOf("ECE at it")]).toBe("0.0100 ± 0.0000");
    expect(row.at(-1)).toBe("1.000");
    expect(row).toHaveLength(head.length);
    const [characters, bits] = tableOf(methods, null, false, COSTS);
    expect(characters[2]).toBe("bits a token");
    expect(bits[2]).toBe("1.5870 ± 0.1443");
  });

  test("scores a posterior by its predictive distribution, with a line for the mean of the weights", () => {
    const [, predictive, mean] = tableOf([runsOf("ivon", [record(2, 1.9)])], null, false, null);
    expect(predictive[1]).toBe("1.9000");
    expect(mean[0]).toMatch(/: mean of the weights$/);
    expect(mean[1]).toBe("2.0000");
  });

  test("says that a method diverged, and leaves a dash for what was not measured", () => {
    const [, row] = tableOf([runsOf("sgd", [null])], null, false, null);
    expect(row.slice(1)).toEqual([...new Array(8).fill("–"), "diverged", "–", "–"]);
  });
});

describe("the report", () => {
  const compared = {
    name: 'A <text> & "more"',
    kind: "words" as const,
    shape: { embedding: 8, hidden: 16, layers: 1, batch: 2, sequence: 4 },
    parameters: 1234,
    vocabulary: 50,
    tokens: { train: 1000, valid: 100, test: 100 },
    budget: 2000,
    methods: [runsOf("sgd", [record(2)]), runsOf("adam", [record(1.8)]), runsOf("ivon", [record(1.7, 1.6)])],
    missing: ["dropout seed 1"],
    costs: COSTS,
    runs: [],
  };
  const html = htmlReport({
    title: "T",
    lead: "L",
    corpora: [reportCorpus(compared, 0), reportCorpus(compared, 1)],
  });

  test("escapes names, and has a place for every text that its contents link to", () => {
    expect(html).not.toContain("<text>");
    expect(html).toContain("A &lt;text&gt; &amp; &quot;more&quot;");
    for (const [, id] of html.matchAll(/href="#(\w+)"/g)) expect(html).toContain(`<h2 id="${id}"`);
    expect(html.match(/href="#c\d"/g)).toHaveLength(2);
  });

  test("shows plots without a number that is not finite, every method's key, and what was not run", () => {
    expect(html).not.toMatch(/NaN|Infinity|undefined/);
    expect(html.match(/<svg /g)!.length).toBeGreaterThanOrEqual(2);
    expect(html).toContain("Not run yet: dropout seed 1.");
    expect(html).toContain("1,234 parameters");
  });

  test("is one file: no scripts, and nothing that is fetched", () => {
    expect(html).not.toMatch(/<script|<link|src=|url\(http/);
  });
});
