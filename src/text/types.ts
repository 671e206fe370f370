/** @module What every tokenizer offers. */

/** JSON-serialisable form of a tokenizer, as it is stored in a saved model. */
export type TokenizerDescription =
  | { kind: "byte" }
  | { kind: "character"; characters: string; unknown: boolean }
  | { kind: "word"; words: readonly string[] }
  | { kind: "json"; json: object; config: object | null };

/** Turns text into token ids in `0 … vocabularySize − 1` and back. */
export interface Tokenizer {
  readonly kind: "byte" | "character" | "word" | "json";
  readonly vocabularySize: number;
  /** Id that stands for symbols outside of the vocabulary, or null where there is none. */
  readonly unknown: number | null;
  /** Id of a line's end, or null where the vocabulary has no single id for it. */
  readonly endOfLine: number | null;
  /** Whether `decode(encode(x))` is x, byte by byte, for every text made of symbols in the vocabulary. */
  readonly lossless: boolean;
  /** Throws `E_UNKNOWN_SYMBOL` where a symbol is outside of the vocabulary and there is no unknown id. */
  encode(text: string): Int32Array;
  /** Ids that no token has are "". Throws `E_TOKEN_RANGE` for an id outside of `0 … vocabularySize − 1`. */
  decode(ids: ArrayLike<number>): string;
  /**
   * The text that `ids` add behind the tokens `before`: `decode` of all of them, less that of `before`. So a
   * text that is written on can be joined to what it continues: "the whale" and " the sea".
   *
   * @throws SviError `E_TOKEN_RANGE`
   */
  continue(before: ArrayLike<number>, ids: ArrayLike<number>): string;
  /** What `tokenizerFromDescription` turns back into this tokenizer. */
  describe(): TokenizerDescription;
}

/** `jsonTokenizer` of `svi-lm/tokenizers`; passed in, so that its library is loaded only where it is used. */
export type JsonTokenizerReader = (json: string | object, config?: object | null) => Tokenizer;
