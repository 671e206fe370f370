/** pocketsphinx recognises real speech, of its own test data, and its lists are read, weighed and written. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type ListFile,
  readLists,
  readReferences,
  rescore,
  writeLists,
} from "../../src/entries/rescoring.ts";

const SPEECH = "/usr/share/pocketsphinx/test/data/librivox";
const MODEL = "/usr/share/pocketsphinx/model/en-us";
const installed =
  existsSync(join(SPEECH, "fileids")) &&
  existsSync(MODEL) &&
  spawnSync("pocketsphinx_batch", { stdio: "ignore" }).error === undefined;
if (!installed)
  console.warn(
    "pocketsphinx is not installed (Debian: pocketsphinx, -en-us, -testdata); its test is skipped",
  );

describe.skipIf(!installed)("pocketsphinx's lists", { timeout: 300_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), "pocketsphinx-"));
  const lists = join(folder, "lists");
  let files: ListFile[];
  beforeAll(() => {
    mkdirSync(lists);
    const { status, stderr } = spawnSync(
      "pocketsphinx_batch",
      [
        ["-adcin", "yes"],
        ["-cepdir", SPEECH],
        ["-cepext", ".wav"],
        ["-ctl", join(SPEECH, "fileids")],
        ["-ctlcount", "3"],
        ["-hyp", join(folder, "best")],
        ["-nbestdir", lists],
        ["-nbest", "40"],
        ["-hmm", join(MODEL, "en-us")],
        ["-lm", join(MODEL, "en-us.lm.bin")],
        ["-dict", join(MODEL, "cmudict-en-us.dict")],
      ].flat(),
      { encoding: "utf8" },
    );
    if (status !== 0) throw new Error(stderr.slice(-2000));
    files = readdirSync(lists).map((name) => ({ name, text: readFileSync(join(lists, name), "utf8") }));
  }, 300_000);
  afterAll(() => rmSync(folder, { recursive: true }));

  test("are read by file, sorted, with every candidate", () => {
    const { format, lists } = readLists(files);
    expect(format).toBe("pocketsphinx");
    expect(lists).toHaveLength(3);
    for (const [l, { candidates }] of lists.entries()) {
      const lines = files[l].text.trimEnd().split("\n");
      expect(candidates.map(({ text }) => text).sort()).toEqual(
        lines.map((line) => line.replace(/ \S+$/, "")).sort(),
      );
      const scores = candidates.map(({ scores }) => scores.score);
      expect(scores).toEqual([...scores].sort((a, b) => b - a));
    }
  });

  test("are weighed against what was said, and never worse tuned than before", async () => {
    const transcription = readFileSync(join(SPEECH, "transcription"), "utf8").replace(/<\/?s>/g, "");
    const all = readReferences({ name: "transcription", text: transcription });
    const { lists } = readLists(files);
    const references = new Map(lists.map(({ id }) => [id, all.get(id)!]));
    const { errors } = await rescore(
      lists,
      async (texts) => texts.map((text) => ({ logProbability: -text.length })),
      {
        references,
        tune: true,
        weights: { score: 1 },
      },
    );
    expect(errors!.oracle).toBeLessThanOrEqual(errors!.wer);
    expect(errors!.wer).toBeLessThanOrEqual(errors!.first);
    expect(errors!.first).toBeLessThan(60);
  });

  test("are written in their new order and read again", async () => {
    const { lists } = await rescore(readLists(files).lists, null, { weights: { words: -1 } });
    const again = readLists(writeLists(lists, "pocketsphinx"));
    expect(again.lists.map(({ id }) => id)).toEqual(lists.map(({ id }) => id));
    expect(again.lists[0].candidates[0].text).toBe(lists[0].best);
  });
});
