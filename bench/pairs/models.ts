/** @module Models of pairs, each trained once and kept in a folder by the name of its setting. */
import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import {
  adam,
  Corpus,
  evaluate,
  fit,
  ivon,
  LanguageModel,
  type ModelOptions,
  type Tokenizer,
} from "../../src/entries/index.ts";
import { jsonTokenizer } from "../../src/entries/tokenizers.ts";
import type { Flags } from "./flags.ts";

export type Pair = readonly [source: string, target: string];

export interface Setting {
  readonly method: "adam" | "ivon";
  /** undefined for the method's own. */
  readonly learningRate?: number;
  readonly dropout: number;
}

export interface Texts {
  readonly name: string;
  readonly tokenizer: Tokenizer;
  readonly train: readonly Pair[];
  readonly valid: readonly Pair[];
  /** All sources, to know the longest. */
  readonly sources: readonly string[];
  readonly shape?: ModelOptions;
}

/** The file's name says the setting, and a hash of all else that decides the model. */
function fileOf(texts: Texts, flags: Flags, setting: Setting, seed: number): string {
  const { hidden, layers, embedding, batch, epochs, products, plain } = flags;
  const { shape, train } = texts;
  const all = { hidden, layers, embedding, batch, epochs, products, plain, shape, train };
  const hash = createHash("sha256").update(JSON.stringify(all)).digest("hex").slice(0, 12);
  const { method, learningRate = "own", dropout } = setting;
  return join(flags.cache, `${texts.name}-${method}-${learningRate}-${dropout}-${seed}-${hash}.svi`);
}

/** Tokens of the longest source that there is, those of the test among them: the model attends to all of each. */
function longestSource({ tokenizer, sources }: Texts): number {
  let longest = 1;
  for (const source of sources) longest = Math.max(longest, tokenizer.encode(source).length);
  return longest;
}

export async function modelOf(
  texts: Texts,
  flags: Flags,
  setting: Setting,
  seed: number,
): Promise<LanguageModel> {
  const file = fileOf(texts, flags, setting, seed);
  const kept = await readFile(file).catch(() => null);
  if (kept) return LanguageModel.load(kept, { json: jsonTokenizer });
  const { hidden, layers, embedding, batch, epochs, products, kernels, note } = flags;
  const { tokenizer } = texts;
  const corpus = await Corpus.pairs(texts.train, { tokenizer, tooLong: "omit" });
  const attention = flags.plain ? undefined : { span: longestSource(texts), ...corpus.scoring };
  const shape = { hidden, layers, embedding, attention, ...texts.shape };
  const model = await LanguageModel.create({ tokenizer, seed, ...shape });
  const { method, learningRate, dropout } = setting;
  const inference = method === "ivon" ? ivon({ learningRate }) : adam({ learningRate });
  const label = `${texts.name} ${method} ${learningRate ?? ""} dropout ${dropout} seed ${seed}`;
  const began = performance.now();
  let told = began;
  for await (const record of fit(model, corpus, {
    inference,
    dropout,
    batch,
    epochs,
    seed,
    products,
    kernels,
  })) {
    if (performance.now() - told < 10_000) continue;
    told = performance.now();
    note(`${label}: step ${record.step} of ${record.steps}, ${record.nll.toFixed(3)} nats a token`);
  }
  note(`${label}: ${((performance.now() - began) / 1000).toFixed(0)} s`);
  await mkdir(flags.cache, { recursive: true });
  await writeFile(file, model.toBytes());
  return model;
}

/** The learning rate and dropout of the lowest validation loss. */
export async function tuned(
  texts: Texts,
  flags: Flags,
  method: Setting["method"],
  seed: number,
): Promise<Setting> {
  const [rates, dropouts] = method === "adam" ? [flags.rates, flags.dropouts] : [flags.ivonRates, [0]];
  const valid = await Corpus.pairs(texts.valid, { tokenizer: texts.tokenizer, tooLong: "omit" });
  let best: Setting | null = null;
  let lowest = Number.POSITIVE_INFINITY;
  for (const learningRate of rates)
    for (const dropout of dropouts) {
      const setting = { method, learningRate, dropout };
      const model = await modelOf(texts, flags, setting, seed);
      const { nll } = await evaluate(model, valid, { kernels: flags.kernels });
      flags.note(
        `${texts.name} ${method} ${learningRate} dropout ${dropout}: ${nll.toFixed(4)} nats, validation`,
      );
      if (nll < lowest) [best, lowest] = [setting, nll];
      model.dispose();
    }
  if (!best) throw new Error("Give --rates, --dropouts and --ivon-rates");
  return best;
}
