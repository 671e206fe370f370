/** @module What the models have in common. */
import { LARGEST_VOCABULARY, unknownSymbol } from "../checks.ts";
import { malformed, shown } from "./file.ts";

export interface JsonModel {
  /** Ids of the model's own tokens. */
  readonly ids: ReadonlyMap<string, number>;
  /** Id of the unknown token, null where there is none. */
  readonly unknown: number | null;
  /** Appends the ids of a piece. Throws E_UNKNOWN_SYMBOL. */
  encode(piece: string, out: number[]): void;
}

export function requireId(id: unknown): number {
  if (!(Number.isInteger(id) && (id as number) >= 0 && (id as number) < LARGEST_VOCABULARY))
    throw malformed(
      `The tokenizer file has the id ${shown(id)}, which is not below ${LARGEST_VOCABULARY}`,
      id,
    );
  return id as number;
}

/** An id that a piece needs and the vocabulary lacks. */
export function missingUnknown(piece: string): Error {
  return unknownSymbol(piece, "Use a tokenizer with an unknown token, or one that falls back to bytes");
}

/** The token of a byte where a tokenizer falls back to bytes. */
export const byteToken = (byte: number): string => `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`;

const encoder = new TextEncoder();

/** The tokens of a text's bytes, null where the vocabulary lacks one of them. */
export function byteIds(text: string, ids: ReadonlyMap<string, number>): number[] | null {
  const found: number[] = [];
  for (const byte of encoder.encode(text)) {
    const id = ids.get(byteToken(byte));
    if (id === undefined) return null;
    found.push(id);
  }
  return found;
}
