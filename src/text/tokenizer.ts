/** @module The tokenizers, and how one is read back from a saved model. */
import { requireOptions } from "../options.ts";
import { byteTokenizer } from "./byte.ts";
import { characterTokenizer } from "./character.ts";
import { tokenizerError } from "./checks.ts";
import type { JsonTokenizerReader, Tokenizer } from "./types.ts";
import { wordTokenizer } from "./word.ts";

export { byteTokenizer } from "./byte.ts";
export { characterTokenizer } from "./character.ts";
export type { JsonTokenizerReader, Tokenizer, TokenizerDescription } from "./types.ts";
export { wordTokenizer } from "./word.ts";

/**
 * The tokenizer that `describe()` described. Descriptions come from files, so nothing in them is trusted.
 *
 * @param options.json `jsonTokenizer` of `svi-lm/tokenizers`, needed for descriptions of kind "json" alone
 * @throws E_TOKENIZER for anything that `describe()` could not have written
 */
export function tokenizerFromDescription(
  description: unknown,
  options: { json?: JsonTokenizerReader } = {},
): Tokenizer {
  requireOptions("tokenizerFromDescription", options, { json: "function" });
  if (!isRecord(description))
    throw tokenizerError(
      "The tokenizer description is not an object",
      description,
      "Give what describe() returned",
    );
  switch (description.kind) {
    case "byte":
      return byteTokenizer();
    case "character":
      return characterFromDescription(description);
    case "word":
      return wordTokenizer({ words: description.words as string[] });
    case "json":
      return jsonFromDescription(description, options.json);
    default:
      throw tokenizerError(
        `There is no tokenizer of kind ${JSON.stringify(description.kind)}`,
        description.kind,
        'The kinds are "byte", "character", "word" and "json"',
      );
  }
}

function characterFromDescription({ characters, unknown }: Record<string, unknown>): Tokenizer {
  if (typeof characters !== "string" || typeof unknown !== "boolean")
    throw tokenizerError(
      "The character vocabulary is malformed",
      { characters: typeof characters, unknown: typeof unknown },
      "Give a string of characters and a boolean for unknown",
    );
  let previous = -1;
  for (const character of characters) {
    const point = character.codePointAt(0)!;
    // Another order would give other ids than the model was trained with.
    if (point <= previous)
      throw tokenizerError(
        `${JSON.stringify(character)} is repeated or out of order`,
        character,
        "Give each character once, in the order of code points",
      );
    previous = point;
  }
  return characterTokenizer({ characters, unknown });
}

function jsonFromDescription(
  { json, config }: Record<string, unknown>,
  reader?: JsonTokenizerReader,
): Tokenizer {
  if (!isRecord(json) || !(config === null || config === undefined || isRecord(config)))
    throw tokenizerError("The stored tokenizer.json is malformed", json, "Give what describe() returned");
  if (reader === undefined)
    throw tokenizerError(
      "This model uses a tokenizer.json",
      "json",
      "Pass { json: jsonTokenizer } from svi-lm/tokenizers",
    );
  return reader(json, config ?? null);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
