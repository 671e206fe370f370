import { mkdirSync, writeFileSync } from "node:fs";
import { Corpus } from "svi-lm";
import { expect, test, vi } from "vitest";
import { job } from "./job.js";

test("a page that is simulated gives what Node gives, under fake timers, and takes bytes of another realm", async () => {
  const bytes = new TextEncoder().encode("the sea");
  for (const source of [bytes, bytes.buffer, new Blob(["the sea"])])
    expect((await Corpus.open(source, { tokenizer: "character" })).tokens).toBe(7);
  vi.useFakeTimers();
  const result = await job();
  vi.useRealTimers();
  mkdirSync("dist", { recursive: true });
  writeFileSync("dist/result.json", JSON.stringify(result));
});
