/** @module What is checked of tokens wherever a model reads them. */
import { SviError } from "../errors.ts";

/** @throws SviError `E_TOKEN_RANGE` */
export function requireToken(token: number, vocabulary: number): void {
  if (!(Number.isInteger(token) && token >= 0 && token < vocabulary))
    throw new SviError("E_TOKEN_RANGE", `Token id ${token} is outside of 0 to ${vocabulary - 1}`, {
      value: token,
      remedy: "Encode the text with the model's own tokenizer",
    });
}

/** A target that is not scored: it adds nothing to a loss, a gradient or a figure. */
export const IGNORED = -1;
