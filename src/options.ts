/** @module Options as TypeScript checks them, for callers without it: names, and the types of their values. */
import { SviError, wrongOption } from "./errors.ts";

export { shown } from "./errors.ts";

/** What a value must be: a `typeof`, or one of the words that say more. */
export type Kind =
  | "number"
  | "string"
  | "boolean"
  | "function"
  | "object"
  | "signal"
  | "kernels"
  | "bytes"
  | "any";

/** The options of an interface, all of them. */
export type Kinds<T> = { readonly [K in keyof Required<T>]: Kind };

const WORDS: Readonly<Record<Kind, string>> = {
  number: "a number",
  string: "a string",
  boolean: "true or false",
  function: "a function",
  object: "an object",
  signal: "an AbortSignal",
  kernels: "kernels: relaxed, what threads() resolves to, or none",
  bytes: "a Uint8Array",
  any: "a value",
};

/**
 * Checks names and types; ranges are checked where values are used. An option that is undefined counts as not given.
 * @param what is called with them, such as `fit`
 * @throws SviError `E_OPTION`
 */
export function requireOptions<T extends object>(what: string, options: unknown, kinds: Kinds<T>): T {
  const names = Object.keys(kinds);
  if (typeof options !== "object" || options === null || Array.isArray(options))
    throw wrongOption(
      "options",
      options,
      `an object, such as { ${names[0]}: … }`,
      `The options object of ${what}`,
    );
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    if (!names.includes(name)) throw unknownOption(what, name, names);
    const kind = kinds[name as keyof T];
    if (!isOf(kind, value)) throw wrongOption(name, value, WORDS[kind]);
  }
  return options as T;
}

/**
 * Options of an option that may also be true; their values are checked where they are used, by their full names.
 * @throws SviError `E_OPTION`
 */
export function requireInner<T extends object>(
  option: string,
  given: unknown,
  names: readonly (keyof T & string)[],
) {
  if (given === true) return {} as Partial<T>;
  if (typeof given !== "object" || given === null || Array.isArray(given))
    throw wrongOption(option, given, `true, or { ${names.join(", ")} }`);
  for (const name of Object.keys(given))
    if (!names.includes(name as never)) throw unknownOption(option, name, names);
  return given as Partial<T>;
}

/** @throws SviError `E_OPTION` for arguments that a method does not have */
export function requireNoMore(what: string, more: readonly unknown[]): void {
  const given = more.find((argument) => argument !== undefined);
  if (given !== undefined)
    throw wrongOption("arguments", given, "nothing more", `Another argument of ${what}`);
}

/** @throws SviError `E_OPTION` for what is not an array or a typed array */
export function requireList<T>(list: T, name = "ids"): T {
  if (Array.isArray(list) || (ArrayBuffer.isView(list) && "length" in list)) return list;
  throw wrongOption(name, list, "an array");
}

/** `E_OPTION` for a name that is not among those that there are, with the one that was probably meant. */
export function unknownOption(what: string, name: string, names: readonly string[]): SviError {
  const meant = nearest(name, names);
  return new SviError("E_OPTION", `${what} has no option ${name}`, {
    option: name,
    value: name,
    remedy: meant ? `Did you mean ${meant}? All of them: ${names.join(", ")}` : `Give ${names.join(", ")}`,
  });
}

function isOf(kind: Kind, value: unknown): boolean {
  if (kind === "any") return true;
  if (kind === "signal") return typeof (value as AbortSignal | null)?.throwIfAborted === "function";
  if (kind === "kernels")
    return typeof (value as { instantiate?: unknown } | null)?.instantiate === "function";
  if (kind === "bytes") return ArrayBuffer.isView(value);
  const type: string = typeof value;
  return type === kind && value !== null && !Number.isNaN(value);
}

/** The name that differs least, where that is little, or of which one is the beginning of the other. */
export function nearest(name: string, names: readonly string[]): string | undefined {
  const given = name.toLowerCase();
  const close = (other: string) =>
    distance(given, other.toLowerCase()) <= Math.max(1, Math.floor(given.length / 3));
  const begins = (other: string) => {
    const known = other.toLowerCase();
    return Math.min(known.length, given.length) > 2 && (given.startsWith(known) || known.startsWith(given));
  };
  return names.find(close) ?? names.find(begins);
}

/** Levenshtein's: letters to add, drop or replace; two that changed places count once. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  let before = row;
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const swapped = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? before[j - 2] + 1 : i + j;
      next.push(Math.min(next[j - 1] + 1, row[j] + 1, row[j - 1] + Number(a[i - 1] !== b[j - 1]), swapped));
    }
    [before, row] = [row, next];
  }
  return row[b.length];
}
