/** The conformance suite's judgement; the suite itself is `npm run conformance`. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { run } from "./runtimes/process.ts";
import { installed, RUNTIMES } from "./runtimes/runtimes.ts";
import { json, judge, type Result, table } from "./runtimes/verdict.ts";

const report = {
  engine: "V8",
  parameters: { posterior: "aa" },
  evaluation: { nll: "3ff0000000000000", ece: "3fb0000000000000" },
  text: { text: "Call me" },
  tokensPerSecond: 1234.5,
};
const result: Result = {
  name: "Node 20",
  engine: "V8",
  version: "20",
  report,
  missing: false,
  problem: null,
};
const same = { ...result, name: "Deno", report: { ...report, tokensPerSecond: null } };
const different = {
  ...result,
  name: "Bun",
  report: { ...report, evaluation: { ...report.evaluation, ece: "3fb0000000000001" } },
};
const missing = {
  ...result,
  name: "workerd",
  version: null,
  report: null,
  missing: true,
  problem: "missing: no workerd",
};

describe("runtimes", () => {
  test("are eleven, over three engines", () => {
    expect(RUNTIMES.filter(({ ways = [] }) => ways.length === 0).length).toBe(11);
    expect(new Set(RUNTIMES.map(({ name }) => name)).size).toBe(RUNTIMES.length);
    expect(new Set(RUNTIMES.map(({ engine }) => engine))).toEqual(
      new Set(["V8", "SpiderMonkey", "JavaScriptCore"]),
    );
  });

  test("of 256-bit code and of threads are those of the narrow code on one thread, told so", () => {
    const others = RUNTIMES.filter(({ ways = [] }) => ways.length > 0);
    expect(others.map(({ name }) => name)).toEqual([
      "Node 24, wide",
      "Node 24, threads",
      "Node 24, wide, threads",
    ]);
    for (const { name, command, ...rest } of others) {
      const plain = RUNTIMES.find((one) => one.name === name.split(",")[0])!;
      expect(installed({ name, command, ...rest })).toBe(installed(plain));
      const places = { found: ["node"], node: "node", project: "project" };
      expect(command(places)).toEqual([...plain.command(places), ...name.split(", ").slice(1)]);
    }
  });

  test("that agree are identical, whatever their speed", () => {
    expect(judge([result, same], true)).toMatchObject({ identical: true, problems: [] });
  });

  test("that differ in one bit fail, and the figure is named", () => {
    const verdict = judge([different, result, same], false);
    expect(verdict).toMatchObject({ identical: false });
    expect(verdict.runtimes.map(({ ok }) => ok)).toEqual([false, true, true]);
    expect(verdict.problems).toEqual([
      'Bun, evaluation: 1 of 2 figures differ, first "ece": 3fb0000000000001, elsewhere 3fb0000000000000',
    ]);
    expect(table(verdict)).toContain("DIFFERS");
  });

  test("that are missing fail where all are asked for, and only there", () => {
    expect(judge([result, missing], false)).toMatchObject({ identical: true, problems: [] });
    const strict = judge([result, missing], true);
    expect(strict).toMatchObject({ identical: false, problems: ["workerd: missing: no workerd"] });
    expect(table(strict)).toMatch(/workerd +– .* missing: no workerd/);
  });

  test("that run on another engine than they stand for fail", () => {
    const verdict = judge([result, { ...same, engine: "SpiderMonkey" }], false);
    expect(verdict).toMatchObject({ identical: false });
    expect(verdict.problems).toEqual(["Deno runs on V8, not SpiderMonkey"]);
  });

  test("that fail are told with what went wrong, and none at all is not a success", () => {
    const failed = { ...missing, missing: false, problem: "exit 1\nTypeError" };
    expect(judge([result, failed], false).problems).toEqual(["workerd: exit 1\nTypeError"]);
    expect(judge([missing], false)).toMatchObject({ identical: false });
    expect(judge([], true)).toMatchObject({ identical: false });
  });

  test("are one line of JSON", () => {
    const line = json(judge([result, missing], true));
    expect(JSON.parse(line)).toEqual({
      runtimes: [
        {
          name: "Node 20",
          version: "20",
          engine: "V8",
          hash: expect.stringMatching(/^[0-9a-f]{64}$/),
          ok: true,
        },
        { name: "workerd", version: null, engine: "V8", hash: null, ok: false },
      ],
      identical: false,
    });
    expect(line).not.toContain("\n");
  });
});

describe("a command", () => {
  const node = (script: string) => [process.execPath, "-e", script];

  test("is heard, with its failure", async () => {
    expect(await run(node("console.log('ä'); console.error('b'); process.exit(3)"))).toEqual({
      stdout: "ä\n",
      stderr: "b\n",
      problem: "exit 3",
    });
    expect((await run(["/nowhere/at/all"])).problem).toMatch(/ENOENT/);
  });

  test("that hangs is ended with all it started", async () => {
    // The output stays open for as long as the child of the child lives.
    const child = "['-e', 'setInterval(() => {}, 1000)'], { stdio: 'inherit' }";
    const hanging = node(
      `require("child_process").spawn(process.execPath, ${child}); setInterval(() => {}, 1000)`,
    );
    expect((await run(hanging, { limit: 0.5 })).problem).toBe("not done after 0.5 s");
  });
});

test("the harness pins exact versions and locks no network address", () => {
  const { dependencies } = JSON.parse(readFileSync("test/runtimes/package.json", "utf8"));
  for (const version of Object.values(dependencies)) expect(version).toMatch(/^\d+\.\d+\.\d+$/);
  expect(readFileSync("test/runtimes/package-lock.json", "utf8")).not.toMatch(/"resolved"/);
});
