/** @module The lines of a file or of what is piped in, as they come, in bounded memory; bytes that are not UTF-8 are kept. */
import { addAbortSignal } from "node:stream";
import { SviError } from "../errors.ts";
import type { LanguageModel } from "../languageModel.ts";
import type { Model } from "../prediction/model.ts";
import { requirePlain } from "../text/source.ts";
import { reworded } from "./files.ts";
import { inputName, streamInput } from "./inputs.ts";

const LINE_FEED = 10;
/** Bytes of UTF-8 that stand for a code unit at most, one of a character's two included. */
const MOST_BYTES = 3;
/** What no UTF-8 holds: half a surrogate pair. Byte b of a line that is not UTF-8 is U+DC00 + b from 128 on. */
const ESCAPED = /[\udc80-\udcff]/u;

/**
 * Lines without their ends, `\n` or `\r\n`. Of one that is longer than `longest` no more than one code unit beyond
 * that is given. One that is not UTF-8 is given so that `bytesOf` and `takingBytes` find its bytes.
 * @param path undefined for the standard input, as `-`
 * @throws SviError `E_FILE_MISSING`, `E_FILE_READ`; `E_TEXT_ENCODING` for what is packed or UTF-16; the signal's
 *   reason, also while nothing comes
 */
export async function* linesOf(
  path: string | undefined,
  longest: number,
  signal: AbortSignal,
): AsyncGenerator<string, void, void> {
  /** A line's beginning. */
  let rest: Uint8Array = new Uint8Array();
  let first = true;
  const name = path === undefined ? "standard input" : inputName(path);
  const line = (bytes: Uint8Array) =>
    decoded(bytes)
      .replace(/\r$/, "")
      .slice(0, longest + 1);
  // Destroyed by the signal: a terminal or a pipe that is waited for would keep the process from ending.
  const stream = addAbortSignal(signal, await streamInput(path));
  try {
    for await (const chunk of stream as AsyncIterable<Uint8Array>) {
      if (first) requirePlain(chunk, 0);
      first = false;
      let from = 0;
      for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, from)) {
        yield line(joined(rest, chunk.subarray(from, end)));
        rest = new Uint8Array();
        from = end + 1;
      }
      if (rest.length <= MOST_BYTES * (longest + 2)) rest = joined(rest, chunk.subarray(from));
    }
  } catch (cause) {
    signal.throwIfAborted();
    if (cause instanceof SviError) throw reworded(cause, `${name}: ${cause.problem}`);
    throw new SviError("E_FILE_READ", `${name} cannot be read`, {
      value: path,
      remedy: "Give the path of a text, or pipe one in",
      cause,
    });
  }
  if (rest.length > 0) yield line(rest);
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  return a.length === 0 ? b : Buffer.concat([a, b]);
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function decoded(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    return Buffer.from(bytes)
      .toString("latin1")
      .replace(/[\x80-\xff]/g, (byte) => String.fromCharCode(0xdc00 + byte.charCodeAt(0)));
  }
}

/** A line as it was read. */
export function bytesOf(line: string): Uint8Array {
  return ESCAPED.test(line)
    ? Uint8Array.from(line, (unit) => unit.charCodeAt(0) & 0xff)
    : new TextEncoder().encode(line);
}

/**
 * The model for lines of `linesOf`: bytes that are not UTF-8 are tokens of a byte model, and `E_TEXT_ENCODING` to
 * others, which would read them as other symbols.
 */
export function takingBytes({ posterior, tokenizer, documents }: LanguageModel): Model {
  const encode = (text: string) => {
    if (!ESCAPED.test(text)) return tokenizer.encode(text);
    if (tokenizer.kind === "byte") return Int32Array.from(bytesOf(text));
    throw new SviError("E_TEXT_ENCODING", "The line is not UTF-8", {
      value: text.search(ESCAPED),
      remedy: "Convert the text to UTF-8, or use a model of bytes",
    });
  };
  return { posterior, documents, tokenizer: { ...tokenizer, encode } };
}
