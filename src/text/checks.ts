/** @module The checks that the tokenizers share. */
import { SviError } from "../errors.ts";

/** Larger vocabularies are refused: an embedding of 2²² rows is already beyond what wasm memory holds. */
export const LARGEST_VOCABULARY = 2 ** 22;

/** Throws `E_TOKEN_RANGE` for the first id that is not in `0 … vocabularySize − 1`. */
export function requireIds(ids: ArrayLike<number>, vocabularySize: number): void {
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
