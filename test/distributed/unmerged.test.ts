/** A run that ends before its first merge has learnt nothing: a file that is at --out already stays as it is. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundleCommandLine, freePort, Member, Redis } from "./support.ts";

const BUNDLE = "build/test-unmerged.mjs";
const folder = mkdtempSync(join(tmpdir(), "svi-lm-unmerged-"));
const text = join(folder, "text.txt");
const model = join(folder, "model.svi");
const shape = "--embedding 8 --hidden 16 --batch 4 --sequence 8".split(" ");
let redis: Redis;

beforeAll(async () => {
  bundleCommandLine(BUNDLE);
  writeFileSync(text, "the whale and the sea\n".repeat(200));
  const train = ["train", text, "--out", model, "--epochs", "0.1", ...shape];
  expect(spawnSync(process.execPath, [BUNDLE, ...train]).status).toBe(0);
  redis = new Redis(await freePort());
  await redis.start();
}, 60_000);
afterAll(async () => {
  await redis.remove();
  rmSync(folder, { recursive: true, force: true });
});

let files = 0;
/** A file of somebody's at the place that the run would write to. */
function taken(): string {
  const path = join(folder, `${++files}.svi`);
  writeFileSync(path, "what took hours");
  return path;
}

const coordinate = (out: string) =>
  new Member(BUNDLE, ["coordinate", text, "--out", out, "--redis", redis.url, "--shards", "2", ...shape]);
const serve = (out: string) =>
  new Member(BUNDLE, ["serve", model, "--parties", "2", "--port", "0", "--out", out]);

const runs: [string, (out: string) => Member, string, object][] = [
  ["cluster coordinate", coordinate, "run", { tokens: 0 }],
  ["cluster serve", serve, "serving", { rounds: 0 }],
];

describe("a run that is ended before its first merge", () => {
  it.each(runs)(
    "%s saves nothing at Ctrl-C and SIGTERM",
    { timeout: 60_000 },
    async (_, begin, ready, figures) => {
      for (const [signal, exitCode] of [
        ["SIGINT", 130],
        ["SIGTERM", 143],
      ] as const) {
        const out = taken();
        const member = begin(out);
        await member.until(({ event }) => event === ready);
        member.child.kill(signal);
        expect(await member.ended, member.errors).toBe(exitCode);
        expect(member.events.at(-1)).toMatchObject({
          event: "interrupted",
          ...figures,
          out: null,
          hash: null,
        });
        expect(readFileSync(out, "utf8")).toBe("what took hours");
      }
    },
  );

  it("saves nothing where another machine stops it", { timeout: 60_000 }, async () => {
    const out = taken();
    const member = coordinate(out);
    await member.until(({ event }) => event === "run");
    const stop = new Member(BUNDLE, ["stop", "--redis", redis.url]);
    expect(await stop.ended, stop.errors).toBe(0);
    expect(await member.ended, member.errors).toBe(1);
    expect(member.events.at(-1)).toMatchObject({ event: "stopped", tokens: 0, out: null, hash: null });
    expect(readFileSync(out, "utf8")).toBe("what took hours");
  });
});
