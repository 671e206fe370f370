/** @module What a race is run on: a text of the study, the same first weights, and PyTorch's tuned setting. */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Subject } from "../../src/cli/compare/session.ts";
import { openTexts } from "../../src/cli/compare/texts.ts";
import { methodOf, type Setting } from "../../src/comparison/run.ts";
import { LanguageModel } from "../../src/entries/index.ts";
import { SviError } from "../../src/errors.ts";

/** Of results.json as much as says which baseline was the best, and how it was set. */
interface Published {
  readonly corpora: readonly {
    readonly name: string;
    readonly baseline?: string;
    readonly intervals?: { readonly baseline: string } | null;
  }[];
  readonly runs: readonly { readonly corpus: string; readonly label: string; readonly setting: Setting }[];
}

/** The best baseline of a text as the study tuned it. @throws SviError `E_OPTION` where it has not been run */
export async function tunedSetting(results: string, text: string): Promise<Setting & { name: string }> {
  const { corpora, runs }: Published = JSON.parse(await readFile(results, "utf8"));
  const corpus = corpora.find(({ name }) => name === text);
  const name = corpus?.baseline ?? corpus?.intervals?.baseline;
  const run = runs.find(({ corpus: of, label }) => of === text && label === `${name} seed 1`);
  if (name === undefined || run === undefined)
    throw new SviError("E_OPTION", `${results} has no tuned baseline of ${text}`, {
      option: "results",
      value: name,
      remedy: "Run the study on it first, or give --setting",
    });
  return { ...run.setting, name };
}

/** Writes what the sides of a race read into a folder. @returns tokens of the training text */
export async function writeJob(
  { texts, shape }: Pick<Subject, "texts" | "shape">,
  setting: Setting,
  { epochs, seed, folder }: { epochs: number | undefined; seed: number; folder: string },
): Promise<number> {
  const { train, curve } = await openTexts(texts);
  const { tokenizer } = train;
  const ids = tokenizer.encode(await readFile(texts.train, "utf8"));
  const held = tokenizer.encode(await readFile(texts.valid, "utf8")).subarray(0, curve.tokens);
  const { batch, sequence, ...sizes } = shape;
  const model = await LanguageModel.create({ tokenizer, ...sizes, seed });
  const method = methodOf(setting.method);
  const own = { shape, seed, points: setting.points, tokenizer: tokenizer.describe() };
  const job = {
    vocabulary: tokenizer.vocabularySize,
    lambda: ids.length,
    shape,
    seed,
    tensors: model.layout.segments.map(({ name, shape: of, offset }) => ({ name, shape: of, offset })),
    // JSON has no Infinity: null stands for none.
    setting: { ...setting, method },
    own: {
      ...own,
      epochs: epochs ?? setting.tokens / (train.lanes({ batch, sequence }).windows * batch * sequence),
    },
  };
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "job.json"), JSON.stringify(job));
  await writeFile(join(folder, "train.bin"), ids);
  await writeFile(join(folder, "valid.bin"), held);
  await writeFile(join(folder, "weights.bin"), model.posterior.mean);
  return ids.length;
}
