/** @module Reading the fields of a tokenizer.json: each with its type, each refusal with its place. */
import type { SviError } from "../../errors.ts";
import { tokenizerError } from "../checks.ts";

/** A part of the file, such as a normalizer. */
export type Part = Readonly<Record<string, unknown>>;

const AS_SAVED = "Give a tokenizer.json as its library saved it";

/** The file says something that no tokenizer.json can say. */
export function malformed(problem: string, value?: unknown): SviError {
  return tokenizerError(problem, value, AS_SAVED);
}

/** The file asks for something that would give other ids than the library that wrote it. */
export function unsupported(feature: string, value?: unknown): SviError {
  return tokenizerError(
    `The tokenizer file uses ${feature}, which is not supported`,
    value,
    "Give a file without it; the guide on tokenizers lists what is read",
  );
}

/** A value of the file in a message. */
export const shown = (value: unknown): string => (JSON.stringify(value) ?? "missing").slice(0, 40);

export function isPart(value: unknown): value is Part {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A part's `type`. */
export function typeOf(part: unknown, place: string): string {
  if (!isPart(part)) throw malformed(`The tokenizer file's ${place} is not an object`, part);
  if (typeof part.type !== "string") throw malformed(`The tokenizer file's ${place} has no type`, part.type);
  return part.type;
}

export function flag(part: Part, name: string, missing?: boolean): boolean {
  return field(part, name, missing, (value) => typeof value === "boolean", "true or false");
}

export function text(part: Part, name: string, missing?: string): string {
  return field(part, name, missing, (value) => typeof value === "string", "a string");
}

/** A single code point. */
export function character(part: Part, name: string, missing?: string): string {
  const isOne = (value: unknown) => typeof value === "string" && [...value].length === 1;
  return field(part, name, missing, isOne, "one character");
}

export function count(part: Part, name: string, missing?: number): number {
  const isCount = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;
  return field(part, name, missing, isCount, "an integer from 0 on");
}

export function list(part: Part, name: string): readonly unknown[] {
  return field<readonly unknown[]>(part, name, undefined, Array.isArray, "an array");
}

export function choice<T extends string>(
  part: Part,
  name: string,
  choices: readonly T[],
  missing?: NoInfer<T>,
): T {
  const isOne = (value: unknown) => (choices as readonly unknown[]).includes(value);
  return field(part, name, missing, isOne, choices.join(", "));
}

function field<T>(
  part: Part,
  name: string,
  missing: T | undefined,
  holds: (value: unknown) => boolean,
  range: string,
): T {
  const value = part[name] ?? missing;
  if (!holds(value)) throw malformed(`The tokenizer file has a ${name} that is not ${range}`, part[name]);
  return value as T;
}
