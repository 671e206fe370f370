/** @module Unigram: of all ways to cut a piece into tokens, the one with the highest sum of scores. */
import { LARGEST_VOCABULARY } from "../checks.ts";
import { flag, list, malformed, type Part, shown } from "./file.ts";
import { byteIds, type JsonModel, missingUnknown } from "./model.ts";

/** An unknown character scores this much below the rarest token. */
const UNKNOWN_PENALTY = 10;

interface Vocabulary {
  readonly ids: ReadonlyMap<string, number>;
  readonly scores: readonly number[];
  readonly unknown: number | null;
  readonly unknownScore: number;
  /** Length of the longest token, in UTF-16 units. */
  readonly longest: number;
}

export function readUnigram(part: Part): JsonModel {
  const vocabulary = readVocabulary(part);
  const { ids, unknown } = vocabulary;
  const falls = flag(part, "byte_fallback", false);

  return {
    ids,
    unknown,
    encode(piece, out) {
      for (const token of bestPath(piece, vocabulary)) {
        const id = ids.get(token);
        if (id !== undefined) {
          out.push(id);
          continue;
        }
        const bytes = falls ? byteIds(token, ids) : null;
        if (bytes !== null) for (const byte of bytes) out.push(byte);
        else if (unknown === null) throw missingUnknown(token);
        else out.push(unknown);
      }
    },
  };
}

function readVocabulary(part: Part): Vocabulary {
  const ids = new Map<string, number>();
  const scores: number[] = [];
  let lowest = Number.POSITIVE_INFINITY;
  let longest = 0;
  for (const entry of list(part, "vocab")) {
    if (!Array.isArray(entry) || typeof entry[0] !== "string" || !Number.isFinite(entry[1]))
      throw malformed("The tokenizer file has a token that is not a text and its score", entry);
    const [token, score] = entry as [string, number];
    ids.set(token, scores.length);
    scores.push(score);
    lowest = Math.min(lowest, score);
    longest = Math.max(longest, token.length);
  }
  const unknown = part.unk_id ?? null;
  if (unknown !== null && !(Number.isInteger(unknown) && scores[unknown as number] !== undefined))
    throw malformed(`The tokenizer file's unk_id is ${shown(unknown)}`, unknown);
  if (scores.length > LARGEST_VOCABULARY)
    throw malformed(`The tokenizer file has ${scores.length} tokens`, scores.length);
  return { ids, scores, unknown: unknown as number | null, unknownScore: lowest - UNKNOWN_PENALTY, longest };
}

/** The tokens of the best path (Viterbi); unknown characters in a row are one token. */
function bestPath(text: string, vocabulary: Vocabulary): string[] {
  const { ids, scores, unknown, unknownScore, longest } = vocabulary;
  const size = text.length;
  const best = new Float64Array(size + 1);
  const from = new Int32Array(size + 1).fill(-1);
  const token = new Int32Array(size + 1);
  const reach = (end: number, start: number, score: number, id: number) => {
    if (from[end] >= 0 && score <= best[end]) return;
    best[end] = score;
    from[end] = start;
    token[end] = id;
  };
  for (let start = 0; start < size; ) {
    const one = pointLength(text, start);
    let single = false;
    const last = Math.min(size, start + longest);
    for (let end = start + one; end <= last; end += pointLength(text, end)) {
      const id = ids.get(text.slice(start, end));
      if (id !== undefined) {
        reach(end, start, scores[id] + best[start], id);
        single ||= end === start + one;
      }
      if (end === size) break;
    }
    if (!single) {
      const end = start + one;
      const score = unknownScore + best[start];
      if (from[end] < 0 || score > best[end]) {
        if (unknown === null) throw missingUnknown(text.slice(start, end));
        reach(end, start, score, unknown);
      }
    }
    start += one;
  }
  return walkBack(text, from, token, unknown);
}

function walkBack(text: string, from: Int32Array, token: Int32Array, unknown: number | null): string[] {
  const tokens: string[] = [];
  let unknowns = "";
  for (let end = text.length; end > 0; end = from[end]) {
    const part = text.slice(from[end], end);
    if (token[end] === unknown) unknowns = part + unknowns;
    else {
      if (unknowns !== "") tokens.push(unknowns);
      unknowns = "";
      tokens.push(part);
    }
  }
  if (unknowns !== "") tokens.push(unknowns);
  return tokens.reverse();
}

const pointLength = (text: string, at: number): number => {
  const unit = text.charCodeAt(at);
  return unit >= 0xd800 && unit < 0xdc00 && at + 1 < text.length ? 2 : 1;
};
