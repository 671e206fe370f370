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

export async function openTexts(spec: TextsSpec): Promise<Texts> {
  const [train, valid, test] = await Promise.all(
    [spec.train, spec.valid, spec.test].map((path) => readFile(path, "utf8")),
  );
  const tokenizer = await tokenizerOf(train, spec);
  const open = (text: string) => Corpus.open(text, { tokenizer });
  const [validCorpus, testCorpus] = [await open(valid), await open(test)];
  const sampled = testCorpus.slice(0, Math.min(testCorpus.tokens, spec.sampledTokens));
  return {
    train: await open(train),
    valid: validCorpus,
    curve: validCorpus.slice(0, Math.min(validCorpus.tokens, spec.curveTokens)),
    test: testCorpus,
    sampled,
    reversed: Corpus.fromTokens(tokenizer.encode(test).subarray(0, sampled.tokens).toReversed(), tokenizer),
  };
}

/** Learnt from the training text alone. */
async function tokenizerOf(train: string, spec: TextsSpec): Promise<Tokenizer> {
  if (spec.tokenizer === "byte") return byteTokenizer();
  const { tokenizer: kind, maximumVocabulary } = spec;
  return learnTokenizer(train, { kind, maximumVocabulary });
}
