/** @module Byte pair encoding: the pair with the lowest rank is merged, again and again. */
import { LARGEST_VOCABULARY } from "../checks.ts";
import { flag, isPart, list, malformed, type Part, unsupported } from "./file.ts";
import { byteIds, type JsonModel, missingUnknown } from "./model.ts";
import { RankQueue } from "./queue.ts";

/** Ranks of pairs by `left * LARGEST_VOCABULARY + right`, and what each rank merges into. */
interface Merges {
  readonly ranks: ReadonlyMap<number, number>;
  readonly results: readonly number[];
}

const pairOf = (left: number, right: number): number => left * LARGEST_VOCABULARY + right;
/** Words whose ids are remembered. */
const MOST_REMEMBERED = 2 ** 14;
const LONGEST_REMEMBERED = 64;

export function readBpe(part: Part, ids: ReadonlyMap<string, number>): JsonModel {
  const optional = (name: string): string | null => {
    const value = part[name] ?? null;
    if (value !== null && typeof value !== "string")
      throw malformed(`The tokenizer file has a ${name} that is not a string`, value);
    return value;
  };
  if ((part.dropout ?? 0) !== 0) throw unsupported("BPE dropout", part.dropout);
  const unknownToken = optional("unk_token");
  const unknown = unknownToken === null ? null : (ids.get(unknownToken) ?? null);
  const prefix = optional("continuing_subword_prefix") ?? "";
  const suffix = optional("end_of_word_suffix") ?? "";
  const fuses = flag(part, "fuse_unk", false);
  const falls = flag(part, "byte_fallback", false);
  const wholeWords = flag(part, "ignore_merges", false);
  const merges = readMerges(part, ids, prefix.length);
  const remembered = new Map<string, readonly number[]>();

  /** The ids of a word's characters; an unknown one waits for the next known one, as in the library. */
  const symbolsOf = (word: string): number[] => {
    const points = [...word];
    const symbols: number[] = [];
    let waiting = false;
    points.forEach((point, i) => {
      const symbol = (i > 0 ? prefix : "") + point + (i === points.length - 1 ? suffix : "");
      const id = ids.get(symbol);
      if (id !== undefined) {
        if (waiting) symbols.push(unknown!);
        waiting = false;
        symbols.push(id);
        return;
      }
      const bytes = falls ? byteIds(symbol, ids) : null;
      if (bytes !== null) symbols.push(...bytes);
      else if (unknownToken !== null) {
        if (unknown === null) throw missingUnknown(symbol);
        if (waiting && !fuses) symbols.push(unknown);
        waiting = true;
      }
    });
    if (waiting) symbols.push(unknown!);
    return symbols;
  };

  const encodeWord = (word: string): readonly number[] => {
    const own = wholeWords ? ids.get(word) : undefined;
    return own === undefined ? mergeAll(symbolsOf(word), merges) : [own];
  };

  return {
    ids,
    unknown,
    encode(piece, out) {
      let found = remembered.get(piece);
      if (found === undefined) {
        found = encodeWord(piece);
        if (piece.length <= LONGEST_REMEMBERED) {
          if (remembered.size >= MOST_REMEMBERED) remembered.clear();
          remembered.set(piece, found);
        }
      }
      for (const id of found) out.push(id);
    },
  };
}

function readMerges(part: Part, ids: ReadonlyMap<string, number>, prefixLength: number): Merges {
  const ranks = new Map<number, number>();
  const results: number[] = [];
  const idOf = (token: string): number => {
    const id = ids.get(token);
    if (id === undefined)
      throw malformed(
        `The tokenizer file merges ${JSON.stringify(token)}, which is not in its vocabulary`,
        token,
      );
    return id;
  };
  for (const merge of list(part, "merges")) {
    if (typeof merge === "string" && merge.startsWith("#version")) continue;
    const pair = typeof merge === "string" ? merge.split(" ") : merge;
    if (
      !Array.isArray(pair) ||
      pair.length !== 2 ||
      typeof pair[0] !== "string" ||
      typeof pair[1] !== "string"
    )
      throw malformed("The tokenizer file has a merge that is not a pair", merge);
    const [left, right] = pair;
    ranks.set(pairOf(idOf(left), idOf(right)), results.length);
    results.push(idOf(left + right.slice(prefixLength)));
  }
  return { ranks, results };
}

/** Merges neighbours by rank, equal ranks from left to right. */
function mergeAll(symbols: number[], { ranks, results }: Merges): number[] {
  const length = symbols.length;
  if (length < 2) return symbols;
  const queue = new RankQueue();
  const next = Int32Array.from({ length }, (_, i) => (i === length - 1 ? -1 : i + 1));
  const previous = Int32Array.from({ length }, (_, i) => i - 1);
  const propose = (left: number, right: number) => {
    const rank = ranks.get(pairOf(symbols[left], symbols[right]));
    if (rank !== undefined) queue.push(rank, left);
  };
  for (let i = 0; i < length - 1; i++) propose(i, i + 1);
  while (queue.pop()) {
    const { rank, place } = queue;
    const right = next[place];
    if (symbols[place] < 0 || right < 0) continue;
    // What was proposed may have been merged with another meanwhile.
    const now = ranks.get(pairOf(symbols[place], symbols[right]));
    if (now === undefined || results[now] !== results[rank]) continue;
    symbols[place] = results[rank];
    symbols[right] = -1;
    next[place] = next[right];
    if (next[right] >= 0) previous[next[right]] = place;
    if (previous[place] >= 0) propose(previous[place], place);
    if (next[place] >= 0) propose(place, next[place]);
  }
  return symbols.filter((id) => id >= 0);
}

/** Whether a file's model is byte pair encoding. */
export function isBpe(model: unknown): boolean {
  return isPart(model) && (model.type === "BPE" || (model.type === undefined && Array.isArray(model.merges)));
}

/** Whether tokens stand for their own characters, wherever in a word: with a mark they need not be in the vocabulary. */
export function isUnmarked({ continuing_subword_prefix, end_of_word_suffix }: Part): boolean {
  return (continuing_subword_prefix ?? "") === "" && (end_of_word_suffix ?? "") === "";
}
