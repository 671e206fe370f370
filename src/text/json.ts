/**
 * @module A `tokenizer.json`, read as the Rust library `tokenizers` reads it, or refused with what it uses.
 *
 * Whatever the file says is in `json/`, a part a file; here the parts are put together.
 */
import { requireIds, requireText, tokenizerError } from "./checks.ts";
import { AddedTokenFinder, readAddedTokens } from "./json/addedTokens.ts";
import { isBpe, isUnmarked } from "./json/bpe.ts";
import { readDecoder } from "./json/decoders.ts";
import { isPart, malformed, type Part, typeOf, unsupported } from "./json/file.ts";
import { readModel } from "./json/models.ts";
import { readNormalizer } from "./json/normalizers.ts";
import { type Piece, readPreTokenizer } from "./json/preTokenizers.ts";
import { hasEveryByte, isItsOwnBytes, wellFormed } from "./json/unicode.ts";
import { continuation } from "./pieces.ts";
import type { Tokenizer } from "./types.ts";

/**
 * The tokenizer that a `tokenizer.json` describes. No special tokens are added around the text.
 *
 * Text is tokenised line by line, each with its `\n`, and so is a corpus: a token never spans a line end, and
 * tokenizers that put a space before the text put one before each line. Each line has the ids that the Rust
 * library gives it. That makes the tokens independent of how a text is read, and the same in training, scoring
 * and prompts; decoding goes line by line as well. Many tokenizers drop line ends and normalise the text, and
 * those of BPE without an unknown token drop symbols that they do not have, as they do elsewhere; `lossless` is
 * true for those alone that provably do none of that (byte-level BPE).
 *
 * @param json the file's text, or what it was parsed to; `describe()` holds all of it
 * @param config what `tokenizer_config.json` says: kept with the model, it changes no id
 * @throws E_TOKENIZER for what is not a usable tokenizer.json, or has a feature that is not read
 * @example
 * const tokenizer = jsonTokenizer(await readFile("tokenizer.json", "utf8"));
 * tokenizer.decode(tokenizer.encode("Call me Ishmael."));
 */
export function jsonTokenizer(json: string | object, config: object | null = null): Tokenizer {
  const file = typeof json === "string" ? parse(json) : json;
  if (!isPart(file)) throw malformed("The tokenizer file is not an object", file);
  requireWholeText(file);
  const inner = readPipeline(file);
  const { vocabularySize, unknown } = inner;
  const decode = (ids: ArrayLike<number>) => {
    requireIds(ids, vocabularySize);
    return inner.decode(ids);
  };
  return {
    kind: "json",
    vocabularySize,
    unknown,
    endOfLine: lineFeedId(inner.encode),
    lossless: isLossless(file, inner),
    encode: (text) => inner.encode(requireText(text)),
    decode,
    continue: continuation(decode),
    describe: () => ({ kind: "json", json: file, config }),
  };
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (cause) {
    throw Object.assign(
      tokenizerError(
        "The tokenizer file is not JSON",
        json.slice(0, 80),
        "Give the text of a tokenizer.json",
      ),
      { cause },
    );
  }
}

/** A text is read as a whole, so its tokens are neither cut off nor padded. */
function requireWholeText({ truncation, padding, post_processor }: Part): void {
  if (truncation ?? null) throw unsupported("truncation", truncation);
  if (padding ?? null) throw unsupported("padding", padding);
  if (post_processor ?? null) typeOf(post_processor, "post_processor");
}

interface Pipeline {
  readonly vocabularySize: number;
  readonly unknown: number | null;
  has(token: string): boolean;
  /** Whether every token is decoded to the text that it is found as, in a byte-level file. */
  readonly keepsTokens: boolean;
  encode(text: string): Int32Array;
  decode(ids: ArrayLike<number>): string;
}

function readPipeline(file: Part): Pipeline {
  const model = readModel(file.model);
  const normalizer = (file.normalizer ?? null) === null ? null : readNormalizer(file.normalizer);
  const preTokenizer = (file.pre_tokenizer ?? null) === null ? null : readPreTokenizer(file.pre_tokenizer);
  const decoder = (file.decoder ?? null) === null ? null : readDecoder(file.decoder);
  if (preTokenizer?.heedsFirst && normalizer?.cutsBeginning)
    throw unsupported("a Metaspace that is put first, behind a normalizer that may cut the beginning");
  const added = readAddedTokens(file.added_tokens, model.ids, normalizer);
  const exact = new AddedTokenFinder(added.filter(({ normalized }) => !normalized));
  const normalized = new AddedTokenFinder(added.filter((token) => token.normalized));
  const tokens: (string | undefined)[] = [];
  for (const [token, id] of model.ids) tokens[id] = token;
  for (const { id, content } of added) tokens[id] = content;
  if (tokens.length === 0) throw malformed("The tokenizer file has no tokens", 0);

  const encodeLine = (line: string, out: number[]) => {
    for (const section of exact.split(line)) {
      if ("id" in section) {
        out.push(section.id);
        continue;
      }
      const text = normalizer ? normalizer.normalize(section.text) : section.text;
      for (const part of normalized.split(text)) {
        if ("id" in part) out.push(part.id);
        else if (part.text !== "") {
          const whole: Piece = { text: part.text, first: section.start === 0 && part.start === 0 };
          for (const piece of preTokenizer?.split([whole]) ?? [whole]) model.encode(piece.text, out);
        }
      }
    }
  };
  return {
    vocabularySize: tokens.length,
    unknown: model.unknown,
    has: (token) => model.ids.has(token),
    keepsTokens:
      [...model.ids].every(([token, id]) => tokens[id] === token) &&
      added.every(({ id, content }) => tokens[id] === content && isItsOwnBytes(content)),
    encode(text) {
      const out: number[] = [];
      for (const line of wellFormed(text).match(/[^\n]*\n|[^\n]+/g) ?? []) encodeLine(line, out);
      return Int32Array.from(out);
    },
    decode: lineDecoder(tokens, (line) => (decoder ? decoder(line).join("") : line.join(" "))),
  };
}

/** Decodes each line as a text of its own. Ids without a token are "". */
function lineDecoder(
  tokens: readonly (string | undefined)[],
  decode: (line: readonly string[]) => string,
): (ids: ArrayLike<number>) => string {
  const ends = new Map<string, boolean>();
  const endsLine = (token: string) => {
    let known = ends.get(token);
    if (known === undefined) {
      known = decode([token]).endsWith("\n");
      ends.set(token, known);
    }
    return known;
  };
  return (ids) => {
    let text = "";
    let line: string[] = [];
    for (let i = 0; i < ids.length; i++) {
      const token = tokens[ids[i]];
      if (token === undefined) continue;
      line.push(token);
      if (endsLine(token)) {
        text += decode(line);
        line = [];
      }
    }
    return line.length > 0 ? text + decode(line) : text;
  };
}

function lineFeedId(encode: Tokenizer["encode"]): number | null {
  try {
    const ids = encode("\n");
    return ids.length === 1 ? ids[0] : null;
  } catch {
    return null;
  }
}

function isLossless(file: Part, { has, keepsTokens }: Pipeline): boolean {
  const { decoder, pre_tokenizer: first, model } = file;
  if (file.normalizer || !isPart(decoder) || decoder.type !== "ByteLevel") return false;
  if ((file.added_tokens as Part[]).some((token) => token.lstrip || token.rstrip)) return false;
  if (!isPart(first)) return false;
  const steps = (first.type === "Sequence" ? first.pretokenizers : [first]) as Part[];
  const byteLevel = steps.filter(({ type }) => type === "ByteLevel");
  const keepsAll = steps.every(
    ({ type, behavior }) =>
      type === "ByteLevel" || type === "Digits" || (type === "Split" && behavior === "Isolated"),
  );
  if (!keepsAll || byteLevel.length !== 1 || byteLevel[0].add_prefix_space !== false) return false;
  return isBpe(model) && isUnmarked(model as Part) && keepsTokens && hasEveryByte(has);
}
