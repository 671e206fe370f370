/** @module The decoders of a tokenizer.json: tokens become text. */
import { character, count, flag, isPart, list, type Part, text, typeOf, unsupported } from "./file.ts";
import { byteToken } from "./model.ts";
import { readPattern, replaceAll } from "./normalizers.ts";
import { metaspaceOptions } from "./preTokenizers.ts";
import { fromByteCharacters } from "./unicode.ts";

/** Turns tokens, never none, into as many texts or fewer; joined they are the text. */
export type Decoder = (tokens: readonly string[]) => readonly string[];

const BYTE_VALUES: ReadonlyMap<string, number> = new Map(
  Array.from({ length: 256 }, (_, byte) => [byteToken(byte), byte]),
);

/** @throws E_TOKENIZER for one that is not read */
export function readDecoder(part: unknown): Decoder {
  return read(part, { fused: false });
}

function read(part: unknown, state: { fused: boolean }): Decoder {
  const type = typeOf(part, "decoder");
  const fields = part as Part;
  switch (type) {
    case "Sequence": {
      const parts = list(fields, "decoders").map((one) => read(one, state));
      return (tokens) => parts.reduce((out, one) => one(out), tokens);
    }
    case "ByteLevel":
      state.fused = true;
      return (tokens) => [utf8(tokens.map(fromByteCharacters))];
    case "ByteFallback":
      return byteFallback;
    case "Fuse":
      state.fused = true;
      return (tokens) => [tokens.join("")];
    case "Metaspace":
      return metaspace(fields);
    case "WordPiece":
      return wordPiece(text(fields, "prefix", "##"), flag(fields, "cleanup", true));
    case "BPEDecoder":
      return bpe(text(fields, "suffix", "</w>"));
    case "Replace":
      return replace(fields, state.fused);
    case "Strip":
      return strip(fields, state.fused);
    default:
      throw unsupported(`the decoder ${type}`, type);
  }
}

function utf8(chunks: readonly Uint8Array[]): string {
  const bytes = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}

/** Byte tokens in a row are one text of UTF-8. */
const byteFallback: Decoder = (tokens) => {
  const out: string[] = [];
  let bytes: number[] = [];
  const flush = () => {
    if (bytes.length > 0) out.push(utf8([Uint8Array.from(bytes)]));
    bytes = [];
  };
  for (const token of tokens) {
    const byte = BYTE_VALUES.get(token) ?? BYTE_VALUES.get(token.toUpperCase().replace("<0X", "<0x"));
    if (byte !== undefined) bytes.push(byte);
    else {
      flush();
      out.push(token);
    }
  }
  flush();
  return out;
};

/** Marks are spaces; those of the first token were put there, not written. */
function metaspace(fields: Part): Decoder {
  const { replacement, scheme } = metaspaceOptions(fields);
  return (tokens) =>
    tokens.map((token, i) => token.replaceAll(replacement, i === 0 && scheme !== "never" ? "" : " "));
}

function wordPiece(prefix: string, cleanup: boolean): Decoder {
  const joined = (token: string, i: number) => {
    if (i === 0) return token;
    return token.startsWith(prefix) ? token.slice(prefix.length) : ` ${token}`;
  };
  return (tokens) => tokens.map((token, i) => (cleanup ? cleaned(joined(token, i)) : joined(token, i)));
}

const CLEANED: readonly (readonly [string, string])[] = [
  [" .", "."],
  [" ?", "?"],
  [" !", "!"],
  [" ,", ","],
  [" ' ", "'"],
  [" n't", "n't"],
  [" 'm", "'m"],
  [" do not", " don't"],
  [" 's", "'s"],
  [" 've", "'ve"],
  [" 're", "'re"],
];

const cleaned = (token: string): string => CLEANED.reduce((x, [from, to]) => x.replaceAll(from, to), token);

function bpe(suffix: string): Decoder {
  return (tokens) => tokens.map((token, i) => token.replaceAll(suffix, i === tokens.length - 1 ? "" : " "));
}

/** What looks beyond a token could change text that was given out already. */
function replace(fields: Part, fused: boolean): Decoder {
  const content = text(fields, "content");
  const { pattern } = fields;
  if (isPart(pattern) && typeof pattern.Regex === "string")
    throw unsupported("a Replace decoder with a regular expression", pattern.Regex);
  if (fused && isPart(pattern) && typeof pattern.String === "string" && [...pattern.String].length !== 1)
    throw unsupported("a Replace decoder of several characters behind Fuse", pattern.String);
  const compiled = readPattern(fields);
  return (tokens) => tokens.map((token) => replaceAll(token, compiled, content));
}

function strip(fields: Part, fused: boolean): Decoder {
  const content = character(fields, "content");
  const start = count(fields, "start", 0);
  const stop = count(fields, "stop", 0);
  if (fused && stop > 0) throw unsupported("a Strip decoder at the end of the text", stop);
  return (tokens) =>
    tokens.map((token) => {
      const points = [...token];
      let from = 0;
      while (from < Math.min(start, points.length) && points[from] === content) from++;
      let to = points.length;
      while (to > Math.max(0, points.length - stop) && points[to - 1] === content) to--;
      return points.slice(from, Math.max(from, to)).join("");
    });
}
