/** @module Models that the bench trains once and keeps: a file a model, a checkpoint while it is trained. */
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import {
  adam,
  Corpus,
  fit,
  ivon,
  type Kernels,
  LanguageModel,
  learnTokenizer,
  type ModelOptions,
} from "../../src/entries/index.ts";
import { jsonTokenizer } from "../../src/entries/tokenizers.ts";
import type { Tokenizer } from "../../src/text/types.ts";
import { learnSubwords } from "./subwords.ts";

export const UNITS = ["character", "subword", "word"] as const;
export type Unit = (typeof UNITS)[number];
export type MethodName = "ivon" | "adam";

export interface Plan {
  /** Names the files: another plan has other names. */
  readonly name: string;
  readonly hidden: number;
  readonly epochs: Readonly<Record<Unit, number>>;
  readonly dropout: number;
  readonly folder: string;
  readonly kernels: Kernels | undefined;
  readonly note: (text: string) => void;
}

/** Subwords and words have a vocabulary of this size, at most. */
const VOCABULARY: Readonly<Record<Unit, number>> = { character: 0, subword: 2000, word: 10_000 };

export async function tokenizerFor(unit: Unit, text: string): Promise<Tokenizer> {
  if (unit === "subword") return learnSubwords(text, VOCABULARY.subword);
  if (unit === "character") return learnTokenizer(text, { kind: "character" });
  return learnTokenizer(text, { kind: "word", minimumCount: 2, maximumVocabulary: VOCABULARY.word });
}

export function fileOf(plan: Plan, unit: Unit, method: MethodName, seed: number): string {
  return join(plan.folder, `${plan.name}-${unit}-${method}-${seed}.svi`);
}

/** Reads what an earlier run has trained, else trains, from a checkpoint where there is one. */
export async function modelFor(
  plan: Plan,
  text: string,
  unit: Unit,
  method: MethodName,
  seed: number,
): Promise<LanguageModel> {
  const file = fileOf(plan, unit, method, seed);
  const kept = await readFile(file).catch(() => null);
  if (kept) return LanguageModel.load(kept, { json: jsonTokenizer });
  await mkdir(plan.folder, { recursive: true });
  const tokenizer = await tokenizerFor(unit, text);
  const model = await LanguageModel.create({ tokenizer, seed, ...shapeOf(plan, unit) });
  const corpus = await Corpus.open(text, { tokenizer });
  const partial = `${file}.checkpoint`;
  const resume = await readFile(partial).catch(() => undefined);
  const began = performance.now();
  const run = fit(model, corpus, {
    inference: method === "ivon" ? ivon() : adam(),
    dropout: method === "ivon" ? 0 : plan.dropout,
    epochs: plan.epochs[unit],
    products: "int16",
    seed,
    kernels: plan.kernels,
    checkpoint: { every: 200, save: (bytes) => writeFile(partial, bytes) },
    resume,
  });
  for await (const { step, steps, bitsPerToken } of run)
    if (step % 100 === 0 || step === steps)
      plan.note(
        `${unit} ${method} seed ${seed}: step ${step} of ${steps}, ${bitsPerToken.toFixed(3)} bits a token`,
      );
  plan.note(`${unit} ${method} seed ${seed}: ${((performance.now() - began) / 1000).toFixed(0)} s`);
  const chunks: Uint8Array[] = [];
  await model.save(new WritableStream({ write: (chunk: Uint8Array) => void chunks.push(chunk) }));
  await writeFile(file, Buffer.concat(chunks));
  await rm(partial, { force: true });
  return model;
}

function shapeOf({ hidden }: Plan, unit: Unit): ModelOptions {
  return unit === "word"
    ? { embedding: Math.ceil(hidden / 2), hidden, softmax: "adaptive" }
    : { embedding: 64, hidden };
}
