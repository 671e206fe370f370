/** @module Any `tokenizer.json`, by way of `@huggingface/tokenizers`; the only file that imports it. */
import { Tokenizer as JsonTokenizer } from "@huggingface/tokenizers";
import { messageOf } from "../shapes.ts";
import { LARGEST_VOCABULARY, requireIds, tokenizerError, unknownSymbol } from "./checks.ts";
import type { Tokenizer } from "./types.ts";

const REMEDY = "Give the tokenizer.json of a BPE, WordPiece or Unigram model, as it was saved";

/**
 * The tokenizer that a `tokenizer.json` describes. No special tokens are added around the text.
 *
 * Text is tokenised line by line, each with its `\n`, and so is a corpus: a token never spans a line end, and
 * tokenizers that put a space before the text put one before each line. That makes the tokens independent of
 * how a text is read, and the same in training, scoring and prompts. Many tokenizers drop line ends and
 * normalise the text, and those of BPE without an unknown token drop symbols that they do not have, as they do
 * elsewhere; `lossless` is true for those alone that provably do none of that (byte-level BPE).
 *
 * @param json the file's text, or what it was parsed to; `describe()` holds all of it
 * @param config what `tokenizer_config.json` says, where it matters
 * @throws E_TOKENIZER for anything that is not a usable tokenizer.json
 */
export function jsonTokenizer(json: string | object, config: object | null = null): Tokenizer {
  const parsed = typeof json === "string" ? parse(json) : (json as TokenizerFile);
  const vocabularySize = requireVocabulary(parsed);
  const inner = construct(parsed, config);
  const { model } = inner as unknown as { model: { unk_token_id?: number } };
  const encode = (text: string) => encodeLines(inner, text, vocabularySize);
  return {
    kind: "json",
    vocabularySize,
    unknown: model.unk_token_id ?? null,
    endOfLine: lineFeedId(encode),
    lossless: guarded(() => isLossless(parsed, config)),
    encode,
    decode: (ids) => {
      requireIds(ids, vocabularySize);
      if (ids.length === 0) return "";
      return guarded(() => inner.decode(Array.from(ids), { clean_up_tokenization_spaces: false }));
    },
    describe: () => ({ kind: "json", json: parsed, config }),
  };
}

interface Part {
  type?: string;
  pretokenizers?: Part[];
  add_prefix_space?: boolean;
  behavior?: string;
}
interface TokenizerFile {
  model?: { type?: string; vocab?: Record<string, number> | [string, number][]; unk_token?: string | null };
  added_tokens?: { id?: number; content?: string; lstrip?: boolean; rstrip?: boolean }[];
  normalizer?: Part | null;
  pre_tokenizer?: Part | null;
  decoder?: Part | null;
}

function parse(json: string): TokenizerFile {
  try {
    return JSON.parse(json);
  } catch (cause) {
    throw Object.assign(tokenizerError("The tokenizer file is not JSON", json.slice(0, 80), REMEDY), {
      cause,
    });
  }
}

/** One more than the largest id. Checked before the library builds arrays of that length. */
function requireVocabulary(file: TokenizerFile): number {
  const vocab = file?.model?.vocab;
  const added = file?.added_tokens;
  if (typeof vocab !== "object" || vocab === null || !Array.isArray(added))
    throw tokenizerError("The tokenizer file has no vocabulary", typeof vocab, REMEDY);
  // The library takes any other type for the nearest that it knows.
  if (!["BPE", "WordPiece", "Unigram"].includes(file.model!.type ?? ""))
    throw tokenizerError(`The tokenizer file has a ${file.model!.type} model`, file.model!.type, REMEDY);
  let largest = Array.isArray(vocab) ? vocab.length - 1 : -1;
  const ids = Array.isArray(vocab) ? [] : Object.values(vocab);
  for (const id of [...ids, ...added.map((token) => token?.id)]) {
    if (!(Number.isInteger(id) && id! >= 0 && id! < LARGEST_VOCABULARY))
      throw tokenizerError(`The tokenizer file has the id ${id}`, id, `Give ids below ${LARGEST_VOCABULARY}`);
    largest = Math.max(largest, id!);
  }
  if (new Set(ids).size !== ids.length)
    throw tokenizerError("Two words of the tokenizer file share an id", ids.length, REMEDY);
  if (largest < 0 || largest >= LARGEST_VOCABULARY)
    throw tokenizerError(`The tokenizer file has ${largest + 1} words`, largest + 1, REMEDY);
  return largest + 1;
}

function construct(file: TokenizerFile, config: object | null): JsonTokenizer {
  return guarded(() => new JsonTokenizer(file, config ?? {}));
}

/** The library throws plain errors, or none but a TypeError, for files that it cannot follow. */
function guarded<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    const problem = `The tokenizer file cannot be used (${messageOf(cause)})`;
    throw Object.assign(tokenizerError(problem, undefined, REMEDY), { cause });
  }
}

function encodeLines(inner: JsonTokenizer, text: string, vocabularySize: number): Int32Array {
  const out: number[] = [];
  for (const line of text.match(/[^\n]*\n|[^\n]+/g) ?? []) {
    const { ids, tokens } = guarded(() => inner.encode(line, { add_special_tokens: false }));
    for (let i = 0; i < ids.length; i++) {
      const id = ids[i] as number | undefined | null;
      if (id === undefined || id === null || id < 0)
        throw unknownSymbol(
          tokens[i],
          "Use a tokenizer with an unknown token, or one that falls back to bytes",
        );
      out.push(id);
    }
  }
  const ids = Int32Array.from(out);
  requireIds(ids, vocabularySize);
  return ids;
}

function lineFeedId(encode: Tokenizer["encode"]): number | null {
  try {
    const ids = encode("\n");
    return ids.length === 1 ? ids[0] : null;
  } catch {
    return null;
  }
}

function isLossless(file: TokenizerFile, config: object | null): boolean {
  const { remove_space, do_lowercase_and_remove_accent } = (config ?? {}) as Record<string, unknown>;
  if (file.normalizer || remove_space || do_lowercase_and_remove_accent) return false;
  if (file.decoder?.type !== "ByteLevel" || file.added_tokens?.some((token) => token.lstrip || token.rstrip))
    return false;
  const steps = file.pre_tokenizer?.pretokenizers ?? [file.pre_tokenizer ?? {}];
  const byteLevel = steps.filter(({ type }) => type === "ByteLevel");
  const keepsAll = steps.every(
    ({ type, behavior }) =>
      type === "ByteLevel" || type === "Digits" || (type === "Split" && behavior === "Isolated"),
  );
  if (!keepsAll || byteLevel.length !== 1 || byteLevel[0].add_prefix_space !== false) return false;
  const vocab = file.model?.vocab;
  return (
    file.model?.type === "BPE" && !Array.isArray(vocab) && byteSymbols().every((symbol) => symbol in vocab!)
  );
}

/** What byte-level BPE writes for the bytes 0 … 255: the printable Latin-1 characters, then U+0100 and on. */
function byteSymbols(): string[] {
  let spare = 256;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
    return String.fromCharCode(printable ? byte : spare++);
  });
}
