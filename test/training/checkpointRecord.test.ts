/** Whatever stands in a checkpoint's record of its run: it is refused with an SviError, or the run continues. */
import { expect, test } from "vitest";
import { byteTokenizer, Corpus, fit, ivon, LanguageModel, SviError } from "../../src/entries/index.ts";
import { readSafetensors, writeSafetensors } from "../../src/formats/safetensors.ts";
import { readCheckpoint, requireSameRun } from "../../src/training/checkpoint.ts";

type Record = { [name: string]: unknown };

const TEXT = "a whale is a fish is a whale ";
const tokenizer = byteTokenizer();
const ODD = [undefined, null, 0.5, "x", [null], {}, { length: 1 }];
const OPTIONS = { batch: 1, sequence: 2, inference: ivon(), average: { decay: 0.9 } };

async function checkpoint(): Promise<Uint8Array> {
  const model = await LanguageModel.create({ tokenizer, embedding: 4, hidden: 4 });
  const corpus = await Corpus.open(TEXT, { tokenizer });
  const files: Uint8Array[] = [];
  const save = (bytes: Uint8Array) => void files.push(bytes);
  for await (const _ of fit(model, corpus, { ...OPTIONS, checkpoint: { every: 1, save } })) break;
  return files[0];
}

/** Places below a value, by their names: all of an object, the first ones of a list. */
function* places(value: unknown, above: string[] = []): Generator<string[]> {
  if (above.length > 0) yield above;
  if (typeof value !== "object" || value === null) return;
  for (const [name, own] of Object.entries(value).slice(0, Array.isArray(value) ? 2 : undefined))
    yield* places(own, [...above, name]);
}

function changed(record: Record, path: readonly string[], value: unknown): string {
  const copy = structuredClone(record);
  const last = path.slice(0, -1).reduce<Record>((at, name) => at[name] as Record, copy);
  last[path.at(-1)!] = value;
  return JSON.stringify(copy);
}

/** @returns whether it was refused */
async function refused(work: () => unknown): Promise<boolean> {
  try {
    await work();
    return false;
  } catch (error) {
    if (!(error instanceof SviError)) throw error;
    expect(error.remedy).not.toBe("");
    return true;
  }
}

async function resumed(resume: Uint8Array): Promise<void> {
  const model = await LanguageModel.create({ tokenizer, embedding: 4, hidden: 4 });
  const corpus = await Corpus.open(TEXT, { tokenizer });
  for await (const _ of fit(model, corpus, { ...OPTIONS, resume })) break;
}

test("every value of the record, replaced by each of many others and by none, is read or refused", {
  timeout: 60_000,
}, async () => {
  const { tensors, metadata } = readSafetensors(await checkpoint());
  const record = JSON.parse(metadata.training) as Record;
  let count = 0;
  for (const path of places(record))
    for (const value of ODD) {
      const file = writeSafetensors(tensors, { ...metadata, training: changed(record, path, value) });
      const read = () => requireSameRun(readCheckpoint(file, tokenizer), { corpus: "another" });
      const what = `${path.join(".")} = ${JSON.stringify(value)}`;
      if (await refused(read).catch((error) => expect.fail(`${what}: ${error.stack}`))) count++;
    }
  expect(count).toBeGreaterThan(40);
});

test.each(["version", "run", "scalars"])(
  "a run continues from no checkpoint with another %s",
  async (name) => {
    const { tensors, metadata } = readSafetensors(await checkpoint());
    const record = JSON.parse(metadata.training) as Record;
    for (const value of [undefined, null, 0, "x", [], {}]) {
      const file = writeSafetensors(tensors, { ...metadata, training: changed(record, [name], value) });
      expect(await refused(() => resumed(file)), JSON.stringify(value)).toBe(true);
    }
  },
);

test.each(["", "null", "1", '"x"', "[]", "{", '{"version":2}'])("a record that is %j", async (training) => {
  const { tensors, metadata } = readSafetensors(await checkpoint());
  const file = writeSafetensors(tensors, { ...metadata, training });
  expect(await refused(() => readCheckpoint(file, tokenizer))).toBe(true);
});
