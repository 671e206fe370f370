/** @module Places all over a run's texts, looked at before its jobs: what no worker can learn from is told at once. */
import { SviError } from "../errors.ts";
import { Corpus } from "../text/corpus.ts";
import type { ByteSource } from "../text/source.ts";
import type { Tokenizer } from "../text/types.ts";
import { unknownShare, unknownWarning } from "../training/unknown.ts";
import { afterSymbol } from "./texts.ts";

/** Bytes that are read at one place, at most. */
const BYTES = 2 ** 14;
const PLACES = 16;
const SEQUENCE = 64;
const BATCH = 32;

/**
 * @param ranges of the texts: beginnings of texts and of shards
 * @returns what is to be said of texts that the tokenizer hardly knows; null for others
 * @throws SviError `E_UNKNOWN_SYMBOL`, `E_TEXT_ENCODING` for texts that no job could read
 */
export async function lookAt(
  ranges: readonly ByteSource[],
  tokenizer: Tokenizer,
  lineEnds: "keep" | "lf" = "keep",
): Promise<string | null> {
  const places = Math.min(PLACES, ranges.length);
  const chosen = Array.from({ length: places }, (_, i) => ranges[Math.floor((i * ranges.length) / places)]);
  const begun = await Promise.all(chosen.map(beginning));
  const corpus = await Corpus.open(begun, { tokenizer, lineEnds });
  const sequence = Math.min(SEQUENCE, corpus.tokens - 1);
  if (sequence < 1) return null;
  const batch = Math.min(BATCH, Math.floor((corpus.tokens - 1) / sequence));
  const lanes = corpus.lanes({ batch, sequence });
  const whole = places === ranges.length && begun.every(({ size }, i) => size === chosen[i].size);
  try {
    return unknownWarning("text", await unknownShare(lanes, tokenizer.unknown));
  } catch (error) {
    // What was not looked at may be known.
    if (whole || !(error instanceof SviError)) throw error;
    return unknownWarning("text", 1);
  } finally {
    await lanes.close();
  }
}

/** Up to a line end or, where there is none, between two symbols. */
async function beginning(source: ByteSource): Promise<ByteSource> {
  if (source.size <= BYTES) return source;
  const bytes = await source.read(0, BYTES);
  const line = bytes.lastIndexOf(10) + 1;
  const size = line > 0 ? line : await afterSymbol(source, BYTES - 4);
  return { size, read: async (start, end) => bytes.subarray(start, end) };
}
