/** @module Byte-pair encoding (Sennrich et al. 2016) of a text, as a tokenizer.json. */
import { jsonTokenizer } from "../../src/entries/tokenizers.ts";
import type { Tokenizer } from "../../src/text/types.ts";

/** How GPT-2's pre-tokenizer cuts a text in upper case, and any text. */
const PIECES = / ?[A-Z]+| ?[^\sA-Z]+|\s+(?!\S)|\s+/g;
export const WORD_PIECES = /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu;
/** Bytes that stand for themselves there; the others have characters behind all of these. */
const isShown = (byte: number) => (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
const HIDDEN = Array.from({ length: 256 }, (_, byte) => byte).filter((byte) => !isShown(byte));
const shown = (piece: string) =>
  Array.from(new TextEncoder().encode(piece), (byte) =>
    String.fromCharCode(isShown(byte) ? byte : 256 + HIDDEN.indexOf(byte)),
  ).join("");

interface Piece {
  symbols: string[];
  readonly count: number;
}

/** @param size of the vocabulary */
export function learnSubwords(text: string, size: number, cutting = PIECES): Tokenizer {
  const counts = new Map<string, number>();
  for (const [piece] of text.matchAll(cutting)) counts.set(piece, (counts.get(piece) ?? 0) + 1);
  const pieces: Piece[] = [...counts].map(([piece, count]) => ({ symbols: [...shown(piece)], count }));
  const vocabulary = [...new Set(pieces.flatMap(({ symbols }) => symbols))].sort();
  const merges: string[] = [];
  const pairs = countPairs(pieces);
  while (vocabulary.length < size) {
    const best = mostFrequent(pairs);
    if (best === undefined) break;
    merge(pieces, pairs, best);
    merges.push(best);
    vocabulary.push(best.replace(" ", ""));
  }
  const level = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true };
  return jsonTokenizer({
    version: "1.0",
    added_tokens: [],
    normalizer: null,
    pre_tokenizer: level,
    post_processor: null,
    decoder: level,
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      vocab: Object.fromEntries(vocabulary.map((symbol, id) => [symbol, id])),
      merges,
    },
  });
}

type Pairs = Map<string, { count: number; pieces: Set<number> }>;

function countPairs(pieces: readonly Piece[]): Pairs {
  const pairs: Pairs = new Map();
  for (const [p, piece] of pieces.entries()) change(pairs, piece, p, 1);
  return pairs;
}

function change(pairs: Pairs, { symbols, count }: Piece, p: number, sign: number): void {
  for (let i = 0; i + 1 < symbols.length; i++) {
    const pair = `${symbols[i]} ${symbols[i + 1]}`;
    const entry = pairs.get(pair) ?? { count: 0, pieces: new Set() };
    entry.count += sign * count;
    if (sign > 0) entry.pieces.add(p);
    pairs.set(pair, entry);
  }
}

/** Of equals the first by code points. */
function mostFrequent(pairs: Pairs): string | undefined {
  let best: string | undefined;
  let most = 1;
  for (const [pair, { count }] of pairs)
    if (count > most || (count === most && best !== undefined && pair < best)) [best, most] = [pair, count];
  return best;
}

function merge(pieces: Piece[], pairs: Pairs, pair: string): void {
  const [left, right] = pair.split(" ");
  for (const p of [...pairs.get(pair)!.pieces]) {
    const piece = pieces[p];
    change(pairs, piece, p, -1);
    const merged: string[] = [];
    for (let i = 0; i < piece.symbols.length; i++) {
      const joins = piece.symbols[i] === left && piece.symbols[i + 1] === right;
      merged.push(joins ? left + right : piece.symbols[i]);
      if (joins) i++;
    }
    piece.symbols = merged;
    change(pairs, piece, p, 1);
  }
  pairs.delete(pair);
}
