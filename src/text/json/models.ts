/** @module The models of a tokenizer.json: a piece of text becomes ids. */
import { readBpe } from "./bpe.ts";
import { count, isPart, malformed, type Part, shown, text, unsupported } from "./file.ts";
import { type JsonModel, missingUnknown, requireId } from "./model.ts";
import { readUnigram } from "./unigram.ts";

/** @throws E_TOKENIZER for one that is not read */
export function readModel(part: unknown): JsonModel {
  if (!isPart(part)) throw malformed("The tokenizer file has no model", part);
  const type = part.type ?? untypedModel(part);
  switch (type) {
    case "BPE":
      return readBpe(part, vocabularyOf(part));
    case "WordPiece":
      return wordPiece(part);
    case "WordLevel":
      return wordLevel(part);
    case "Unigram":
      return readUnigram(part);
    default:
      throw unsupported(`the model ${shown(type)}`, type);
  }
}

/** Files from before 2021 do not say what they are; the fields do, tried in this order. */
function untypedModel({ vocab, merges, ...fields }: Part): string {
  if (Array.isArray(vocab)) return "Unigram";
  if (Array.isArray(merges)) return "BPE";
  if ("continuing_subword_prefix" in fields && "max_input_chars_per_word" in fields) return "WordPiece";
  if ("unk_token" in fields) return "WordLevel";
  throw malformed(
    "The tokenizer file's model has no type, and its fields are those of none",
    Object.keys(fields),
  );
}

function vocabularyOf({ vocab }: Part): Map<string, number> {
  if (!isPart(vocab)) throw malformed("The tokenizer file's vocabulary is not an object", typeof vocab);
  const ids = new Map(Object.entries(vocab).map(([token, id]) => [token, requireId(id)]));
  if (new Set(ids.values()).size !== ids.size)
    throw malformed("Two tokens of the tokenizer file share an id", ids.size);
  return ids;
}

function wordLevel(part: Part): JsonModel {
  const ids = vocabularyOf(part);
  const unknown = ids.get(text(part, "unk_token")) ?? null;
  return {
    ids,
    unknown,
    encode(piece, out) {
      const id = ids.get(piece) ?? unknown;
      if (id === null) throw missingUnknown(piece);
      out.push(id);
    },
  };
}

function wordPiece(part: Part): JsonModel {
  const ids = vocabularyOf(part);
  const unknown = ids.get(text(part, "unk_token", "[UNK]")) ?? null;
  const prefix = text(part, "continuing_subword_prefix", "##");
  const longest = count(part, "max_input_chars_per_word", 100);

  /** The longest token first, again and again; null where none fits. */
  const greedy = (points: readonly string[]): number[] | null => {
    const found: number[] = [];
    for (let start = 0; start < points.length; ) {
      let end = points.length;
      let id: number | undefined;
      for (; end > start; end--) {
        id = ids.get((start > 0 ? prefix : "") + points.slice(start, end).join(""));
        if (id !== undefined) break;
      }
      if (id === undefined) return null;
      found.push(id);
      start = end;
    }
    return found;
  };

  return {
    ids,
    unknown,
    encode(piece, out) {
      const points = [...piece];
      const found = points.length > longest ? null : greedy(points);
      if (found !== null) out.push(...found);
      else if (unknown === null) throw missingUnknown(piece);
      else out.push(unknown);
    },
  };
}
