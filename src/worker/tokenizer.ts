/** @module A tokenizer of the worker's, and how one is named to it. */
import { wrongOption } from "../errors.ts";
import { requireList } from "../options.ts";
import type { Tokenizer, TokenizerDescription } from "../text/types.ts";
import type { Connection } from "./connection.ts";
import type { TokenizerState, WireTokenizer } from "./protocol.ts";
import { CONNECTION, HANDLE, handleOf, Remote } from "./remote.ts";

/** A tokenizer of the worker's, one of svi-lm's own, or the name of one. */
export type AnyTokenizer = WorkerTokenizer | Tokenizer | "byte";

/** A tokenizer in the worker. */
export class WorkerTokenizer extends Remote {
  readonly kind: Tokenizer["kind"];
  readonly vocabularySize: number;
  readonly unknown: number | null;
  readonly endOfLine: number | null;
  readonly lossless: boolean;

  constructor(connection: Connection, state: TokenizerState) {
    super(connection, state.handle);
    this.kind = state.kind;
    this.vocabularySize = state.vocabularySize;
    this.unknown = state.unknown;
    this.endOfLine = state.endOfLine;
    this.lossless = state.lossless;
  }

  encode(text: string): Promise<Int32Array> {
    return this[CONNECTION].call("encode", this[HANDLE], text);
  }

  decode(ids: ArrayLike<number>): Promise<string> {
    return this[CONNECTION].call("decode", this[HANDLE], Int32Array.from(requireList(ids)));
  }

  /** The text that `ids` add behind the tokens `before`. */
  continue(before: ArrayLike<number>, ids: ArrayLike<number>): Promise<string> {
    const own = this[HANDLE];
    return this[CONNECTION].call(
      "continueText",
      own,
      Int32Array.from(requireList(before)),
      Int32Array.from(requireList(ids)),
    );
  }

  /** What `tokenizerFromDescription` of svi-lm turns into a tokenizer on this side. */
  describe(): Promise<TokenizerDescription> {
    return this[CONNECTION].call("describe", this[HANDLE]);
  }
}

export function wireTokenizer(
  connection: Connection,
  tokenizer: AnyTokenizer | "character" | "word",
): WireTokenizer {
  if (tokenizer instanceof WorkerTokenizer) return { handle: handleOf(connection, tokenizer) };
  if (typeof tokenizer === "string") return tokenizer;
  if (typeof tokenizer?.describe === "function") return tokenizer.describe();
  throw wrongOption("tokenizer", tokenizer, 'a tokenizer, or "byte", "character" or "word"');
}
