/** @module The checks that the tokenizers share. */
import { SviError, wrongOption } from "../errors.ts";
import { requireList } from "../options.ts";
import type { Tokenizer } from "./types.ts";

/** Larger vocabularies are refused: an embedding of 2²² rows is already beyond what wasm memory holds. */
export const LARGEST_VOCABULARY = 2 ** 22;

/** @throws SviError `E_OPTION` for what is not a string */
export function requireText(text: string, name = "text"): string {
  if (typeof text === "string") return text;
  throw wrongOption(name, text, "a string", `The ${name}`);
}

/** @throws SviError `E_OPTION` */
export function requireTokenizer(tokenizer: Tokenizer): Tokenizer {
  if (typeof tokenizer?.encode === "function" && typeof tokenizer.describe === "function") return tokenizer;
  throw wrongOption("tokenizer", tokenizer, "a tokenizer: byteTokenizer(), or that of a corpus");
}

/** Throws `E_OPTION` for what is not a list, `E_TOKEN_RANGE` for the first id that is not in `0 … vocabularySize − 1`. */
export function requireIds(ids: ArrayLike<number>, vocabularySize: number): void {
  requireList(ids);
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i];
    if (!(id >= 0 && id < vocabularySize && Number.isInteger(id)))
      throw new SviError("E_TOKEN_RANGE", `Token ${i} has the id ${id}`, {
        value: id,
        remedy: `Give ids from 0 to ${vocabularySize - 1}, made by this tokenizer`,
      });
  }
}

export function unknownSymbol(symbol: string, remedy: string): SviError {
  return new SviError("E_UNKNOWN_SYMBOL", `${JSON.stringify(symbol)} is not in the vocabulary`, {
    value: symbol,
    remedy,
  });
}

export function tokenizerError(problem: string, value: unknown, remedy: string): SviError {
  return new SviError("E_TOKENIZER", problem, { value, remedy });
}

/** Half of a surrogate pair on its own: no UTF-8 form, so it can neither be read from a text nor stored. */
export const hasLoneSurrogate = (text: string): boolean => /\p{Surrogate}/u.test(text);
