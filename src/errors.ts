/** @module The one error class: what went wrong, the value that did it, and what to do about it. */
import type { ERROR_CODES } from "./errorCodes.ts";

/** Every code is explained in errorCodes.ts. */
export type SviErrorCode = keyof typeof ERROR_CODES;

export interface SviErrorDetails {
  /** Name of the option, or of the argument, that the problem is about. */
  readonly option?: string;
  /** What was found. */
  readonly value?: unknown;
  /** What to do about it: a sentence without its full stop. */
  readonly remedy: string;
  readonly cause?: unknown;
}

/**
 * Every error that svi-lm throws on purpose, abort reasons aside. Its message is the problem and the remedy.
 *
 * ```ts
 * try {
 *   await LanguageModel.create({ tokenizer, hidden: -1 });
 * } catch (error) {
 *   if (error instanceof SviError && error.code === "E_OPTION") console.log(error.option, error.remedy);
 * }
 * ```
 */
export class SviError extends Error {
  override readonly name = "SviError";
  /** Stable across versions. */
  readonly code: SviErrorCode;
  /** What is wrong: a sentence without its full stop. */
  readonly problem: string;
  /** Name of the option that it is about; null where it is about none. */
  readonly option: string | null;
  /** What was found. */
  readonly value: unknown;
  /** What to do about it: a sentence without its full stop. */
  readonly remedy: string;

  constructor(code: SviErrorCode, problem: string, { option, value, remedy, cause }: SviErrorDetails) {
    // What a host said may end it, with its own full stop.
    const said = problem.replace(/\.$/, "");
    super(`${said}. ${remedy}.`, cause === undefined ? undefined : { cause });
    this.code = code;
    this.problem = said;
    this.option = option ?? null;
    this.value = value;
    this.remedy = remedy;
  }
}

/** Ways of a value into a message: texts in quotes. */
export function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  if (typeof value === "function") return value.name ? `the function ${value.name}` : "a function";
  if (Array.isArray(value)) return "an array";
  return typeof value === "object" && value !== null ? "an object" : String(value);
}

/** `1 token`, `2 tokens`. @param shown how the number is written */
export function counted(count: number, noun: string, shown = `${count}`): string {
  return `${shown} ${noun}${count === 1 ? "" : "s"}`;
}

/** `E_OPTION` for a value that an option or argument cannot have. */
export function wrongOption(option: string, value: unknown, wanted: string, name = option): SviError {
  return new SviError("E_OPTION", `${name} is ${shown(value)}`, { option, value, remedy: `Give ${wanted}` });
}

/** @throws SviError `E_OPTION` unless `value` is one of `choices` */
export function requireChoice<C extends string>(option: string, value: C, choices: readonly C[]): C {
  if (choices.includes(value)) return value;
  throw wrongOption(option, value, choices.map(shown).join(" or "));
}

/** Throws `E_OPTION` unless `value` is a finite number for which `holds` is true. */
export function requireNumber(
  name: string,
  value: number,
  range: string,
  holds: (value: number) => boolean,
): number {
  if (typeof value !== "number" || Number.isNaN(value) || !holds(value))
    throw wrongOption(name, value, range);
  if (!Number.isFinite(value)) throw wrongOption(name, value, `${range}, and finite`);
  return value;
}

/** Throws `E_OPTION` unless `value` is an integer from `least` to `most`. */
export function requireInteger(name: string, value: number, least: number, most = 2 ** 31 - 1): number {
  return requireNumber(
    name,
    value,
    `an integer from ${least} to ${most}`,
    (v) => Number.isInteger(v) && v >= least && v <= most,
  );
}
