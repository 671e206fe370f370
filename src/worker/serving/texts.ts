/** @module Corpora and tokenizers, as a worker serves them. */
import { SviError } from "../../errors.ts";
import { Corpus } from "../../text/corpus.ts";
import { learnTokenizer } from "../../text/learn.ts";
import type { TextSource } from "../../text/source.ts";
import { byteTokenizer, tokenizerFromDescription } from "../../text/tokenizer.ts";
import type { Tokenizer } from "../../text/types.ts";
import { move } from "../channel.ts";
import type { ThreadFunctions, WireSource, WireTokenizer } from "../protocol.ts";
import type { Serving } from "./serving.ts";

type CorpusFunctions = Pick<
  ThreadFunctions,
  "openCorpus" | "corpusOfTokens" | "sliceCorpus" | "splitCorpus" | "fingerprint"
>;
type TokenizerFunctions = Pick<
  ThreadFunctions,
  "learnTokenizer" | "encode" | "decode" | "continueText" | "describe"
>;

export function corpusFunctions(serving: Serving): CorpusFunctions {
  const { objects, jobs } = serving;
  const whole = (corpus: Corpus) => ({
    ...objects.keepCorpus(corpus),
    tokenizer: objects.keepTokenizer(corpus.tokenizer),
  });
  return {
    openCorpus: (job, source, { tokenizer, ...options }) =>
      jobs.heeding(job, async (signal) => {
        const own =
          tokenizer === "character" || tokenizer === "word" ? tokenizer : tokenizerOf(serving, tokenizer);
        const texts = source.map((one) => sourceOf(serving, one));
        return whole(await Corpus.open(texts, { ...options, tokenizer: own, signal }));
      }),
    corpusOfTokens: (ids, tokenizer) => whole(Corpus.fromTokens(ids, tokenizerOf(serving, tokenizer))),
    sliceCorpus: (corpus, from, to) => objects.keepCorpus(objects.corpus(corpus).slice(from, to)),
    splitCorpus: (corpus, fractions) =>
      objects
        .corpus(corpus)
        .split(fractions)
        .map((part) => objects.keepCorpus(part)),
    fingerprint: (corpus) => objects.corpus(corpus).fingerprint(),
  };
}

export function tokenizerFunctions(serving: Serving): TokenizerFunctions {
  const { objects, jobs } = serving;
  return {
    learnTokenizer: (job, source, options) =>
      jobs.heeding(job, async (signal) => {
        const texts = source.map((one) => sourceOf(serving, one));
        return objects.keepTokenizer(await learnTokenizer(texts, { ...options, signal }));
      }),
    encode: (tokenizer, text) => {
      const ids = objects.tokenizer(tokenizer).encode(text);
      return move(ids, ids.buffer);
    },
    decode: (tokenizer, ids) => objects.tokenizer(tokenizer).decode(ids),
    continueText: (tokenizer, before, ids) => objects.tokenizer(tokenizer).continue(before, ids),
    describe: (tokenizer) => objects.tokenizer(tokenizer).describe(),
  };
}

function sourceOf({ callback }: Serving, source: WireSource): TextSource {
  if (typeof source !== "object" || source === null || !("read" in source)) return source;
  const { size, read } = source;
  return { size, read: (start, end) => callback(read, start, end) as Promise<Uint8Array> };
}

/** @throws SviError `E_OPTION` for what is not a tokenizer */
export function tokenizerOf({ objects, json }: Serving, tokenizer: WireTokenizer): Tokenizer {
  if (tokenizer === "byte") return byteTokenizer();
  if (typeof tokenizer === "object" && tokenizer !== null && "handle" in tokenizer)
    return objects.tokenizer(tokenizer.handle);
  if (typeof tokenizer === "object") return tokenizerFromDescription(tokenizer, { json });
  throw new SviError("E_OPTION", `The tokenizer is ${String(tokenizer)}`, {
    value: tokenizer,
    remedy: 'Give a tokenizer, or "byte"; "character" and "word" are learnt by Corpus.open',
  });
}
