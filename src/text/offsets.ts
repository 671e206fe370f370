/** @module Which characters of a text each of its tokens stands for. */
import { textPieces } from "./pieces.ts";
import type { Tokenizer } from "./types.ts";
import { forEachWord } from "./word.ts";

/** How much of a text a normalising tokenizer may leave out before a token. */
const MOST_SKIPPED = 64;

/**
 * Offsets into a text, in UTF-16 code units: token i stands for `offsets[2i]` up to `offsets[2i + 1]`. Tokens that
 * share a character all have it whole. Those of a tokenizer that changes the text are found by what they decode to;
 * one that is not, such as an unknown one, has what lies between its neighbours.
 * @param ids what the tokenizer made of the text
 */
export function tokenOffsets(tokenizer: Tokenizer, text: string, ids: Int32Array): Int32Array {
  if (tokenizer.kind === "byte" || tokenizer.kind === "character")
    // As many bytes as code units: each is one, also where code units stand for bytes that are not UTF-8.
    return characterOffsets(text, ids.length, tokenizer.kind === "byte" && ids.length > text.length);
  if (tokenizer.kind === "word") return wordOffsets(text, ids.length);
  return pieceOffsets(tokenizer, text, ids);
}

function characterOffsets(text: string, count: number, bytes: boolean): Int32Array {
  const offsets = new Int32Array(2 * count);
  let token = 0;
  for (let start = 0; start < text.length; ) {
    const point = text.codePointAt(start)!;
    const end = start + (point > 0xffff ? 2 : 1);
    for (let i = bytes ? utf8Length(point) : 1; i > 0; i--) offsets.set([start, end], 2 * token++);
    start = end;
  }
  return offsets;
}

const utf8Length = (point: number): number =>
  point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;

function wordOffsets(text: string, count: number): Int32Array {
  const offsets = new Int32Array(2 * count);
  let [token, end] = [0, 0];
  forEachWord(text, (word) => {
    const start = text.indexOf(word, end);
    end = start + word.length;
    offsets.set([start, end], 2 * token++);
  });
  return offsets;
}

function pieceOffsets(tokenizer: Tokenizer, text: string, ids: Int32Array): Int32Array {
  const offsets = new Int32Array(2 * ids.length);
  const pieces = textPieces(tokenizer);
  const lower = tokenizer.lossless ? text : folded(text);
  let end = 0;
  /** The first token that has no place yet. */
  let open = 0;
  const place = (piece: string, token: number) => {
    const wanted = tokenizer.lossless ? piece : folded(piece.trim());
    if (wanted === "") return;
    const start = tokenizer.lossless ? end : lower.indexOf(wanted, end);
    if (start < 0 || start > end + MOST_SKIPPED) return;
    // Parts of one character come whole with the last of them; what was not found lies before this one.
    const shared = tokenizer.lossless;
    for (; open < token; open++)
      offsets.set(shared ? [start, start + wanted.length] : [end, start], 2 * open);
    end = start + wanted.length;
    offsets.set([start, end], 2 * token);
    open = token + 1;
  };
  for (const [token, id] of ids.entries()) place(pieces.push(id), token);
  for (; open < ids.length; open++) offsets.set([end, text.length], 2 * open);
  return offsets;
}

/** Without case and accents where that keeps the length. */
function folded(text: string): string {
  const plain = Array.from(text, (character) => {
    const base = character.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
    return base.length === character.length ? base : character;
  });
  return plain.join("");
}
