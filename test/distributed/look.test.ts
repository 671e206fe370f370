/** What no worker can learn from is told before the first job, whoever does the jobs. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, expect, it } from "vitest";
import type { RunEvent } from "../../src/distributed/events.ts";
import { trainSharded } from "../../src/distributed/sharded.ts";
import { LanguageModel } from "../../src/languageModel.ts";
import { Corpus } from "../../src/text/corpus.ts";

const folder = mkdtempSync(join(tmpdir(), "svi-lm-look-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const SEA = "the sea and the whale\n";
const MORE = "море и кит\n";

async function events(texts: (string | Uint8Array)[]) {
  const corpus = await Corpus.open(SEA, { tokenizer: "character" });
  const model = await LanguageModel.create({ tokenizer: corpus.tokenizer, embedding: 4, hidden: 8 });
  const paths = texts.map((text, i) => {
    const path = join(folder, `${i}.txt`);
    writeFileSync(path, text);
    return path;
  });
  const shape = { shards: texts.length, rounds: 1, local: 0.1, batch: 4, sequence: 8 };
  const seen: RunEvent[] = [];
  for await (const event of trainSharded({ model, texts: paths, ...shape })) {
    seen.push(event);
    if (event.event === "run") break;
  }
  return seen;
}

it("refuses texts that are unknown through and through, or no texts", async () => {
  await expect(events(["к".repeat(4000)])).rejects.toMatchObject({ code: "E_UNKNOWN_SYMBOL" });
  const packed = gzipSync(Array.from({ length: 4000 }, (_, i) => i * 7919).join(" "));
  await expect(events([SEA.repeat(200), packed])).rejects.toMatchObject({ code: "E_TEXT_ENCODING" });
});

it.each([
  ["a text that is mostly unknown", [MORE.repeat(200)], /^7\d % of the tokens/],
  ["one of two texts", [MORE.repeat(200), SEA.repeat(10)], /^66 % of the tokens/],
  ["a line that is longer than the look", ["к".repeat(40_000)], /^100 % of the tokens/],
  ["a text that is known", [SEA.repeat(200)], null],
  ["a known text with a foreign chapter", [MORE.repeat(100) + SEA.repeat(400)], null],
] as const)("tells of %s in the run's first event", async (_, texts, warning) => {
  const [run] = await events([...texts]);
  if (run.event !== "run") throw new Error(run.event);
  if (warning) expect(run.warning).toMatch(warning);
  else expect(run.warning).toBeNull();
});
