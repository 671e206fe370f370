/** @module The texts of a comparison as files, and as the corpora that runs need. */
import { readFile } from "node:fs/promises";
import type { Texts } from "../../comparison/run.ts";
import { byteTokenizer } from "../../text/byte.ts";
import { Corpus } from "../../text/corpus.ts";
import { learnTokenizer } from "../../text/learn.ts";
import type { Tokenizer } from "../../text/types.ts";

/** Paths of the three parts, and how they become tokens. */
export interface TextsSpec {
  readonly train: string;
  readonly valid: string;
  readonly test: string;
  readonly tokenizer: "byte" | "character" | "word";
  readonly maximumVocabulary?: number;
  /** Tokens of the validation text that curves are of. */
  readonly curveTokens: number;
  /** Tokens of the test text that samples are compared on. */
  readonly sampledTokens: number;
}

/** @throws the signal's reason */
export async function openTexts(spec: TextsSpec, signal?: AbortSignal): Promise<Texts> {
  const [train, valid, test] = await Promise.all(
    [spec.train, spec.valid, spec.test].map((path) => readFile(path)),
  );
  const tokenizer = await tokenizerOf(train, spec, signal);
  const open = (text: Uint8Array) => Corpus.open(text, { tokenizer, signal });
  const [validCorpus, testCorpus] = [await open(valid), await open(test)];
  const sampled = testCorpus.slice(0, Math.min(testCorpus.tokens, spec.sampledTokens));
  return {
    train: await open(train),
    valid: validCorpus,
    curve: validCorpus.slice(0, Math.min(validCorpus.tokens, spec.curveTokens)),
    test: testCorpus,
    sampled,
    reversed: Corpus.fromTokens((await tokensOf(sampled)).reverse(), tokenizer),
  };
}

/** All tokens of a corpus of two at least. */
async function tokensOf(corpus: Corpus): Promise<Int32Array> {
  const tokens = new Int32Array(corpus.tokens);
  const inputs = new Int32Array(Math.max(1, corpus.tokens - 1));
  const lanes = corpus.lanes({ batch: 1, sequence: inputs.length });
  await lanes.next(inputs, tokens.subarray(1));
  await lanes.close();
  tokens[0] = inputs[0];
  return tokens;
}

/** Learnt from the training text alone. */
async function tokenizerOf(train: Uint8Array, spec: TextsSpec, signal?: AbortSignal): Promise<Tokenizer> {
  if (spec.tokenizer === "byte") return byteTokenizer();
  const { tokenizer: kind, maximumVocabulary } = spec;
  return learnTokenizer(train, { kind, maximumVocabulary, signal });
}
