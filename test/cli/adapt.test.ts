/** `svi-lm adapt`: a model learns from another text, and keeps a first one in mind where a part of it is at hand. */
import { beforeAll, expect, it } from "vitest";
import { commandLine, objects, TINY, text } from "./support.ts";

const cli = commandLine("adapt");
const model = cli.file("model.svi");
const first = text(1000);
const FIRST = cli.write("first.txt", first);
const kept = cli.write("kept.txt", first.slice(0, 4000));
const other = cli.write("other.txt", [...text(600)].reverse().join(""));
const SHAPE = ["--batch", "4", "--sequence", "16", "--epochs", "2"];

beforeAll(async () => {
  const { code, err } = await cli.run("train", FIRST, "--out", model, "--epochs", "4", "--json", ...TINY);
  expect({ code, err }).toEqual({ code: 0, err: "" });
});

async function lossOnFirstAfter(name: string, ...more: string[]): Promise<number> {
  const out = cli.file(name);
  const { code, err } = await cli.run("adapt", model, other, "--out", out, "--json", ...SHAPE, ...more);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  return objects((await cli.run("eval", out, FIRST, "--json")).out)[0].nll;
}

it("forgets less of the first text where --rehearse has a part of it", async () => {
  const alone = await lossOnFirstAfter("alone.svi", "--weight", "0.1");
  expect(await lossOnFirstAfter("rehearsed.svi", "--rehearse", kept)).toBeLessThan(alone);
});

it("measures on --valid beside it, each file by its own flag", async () => {
  const out = cli.file("both.svi");
  const flags = ["--rehearse", kept, "--valid", FIRST];
  const { out: printed } = await cli.run("adapt", model, other, "--out", out, "--json", ...SHAPE, ...flags);
  const { valid } = objects(printed).at(-1);
  const { nll } = objects((await cli.run("eval", out, FIRST, "--json")).out)[0];
  expect(valid.nll).toBe(nll);
});

it("says which file it does not find", async () => {
  const args = ["adapt", model, other, "--out", cli.file("none.svi"), "--rehearse", cli.file("none.txt")];
  const { code, err } = await cli.run(...args);
  expect(code).toBe(1);
  expect(err).toContain("none.txt");
});
