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
    super(`${problem}. ${remedy}.`, cause === undefined ? undefined : { cause });
    this.code = code;
    this.problem = problem;
    this.option = option ?? null;
    this.value = value;
    this.remedy = remedy;
  }
}

/** Throws `E_OPTION` unless `value` is a finite number for which `holds` is true. */
export function requireNumber(
  name: string,
  value: number,
  range: string,
  holds: (value: number) => boolean,
): number {
  if (typeof value !== "number" || !Number.isFinite(value) || !holds(value))
    throw new SviError("E_OPTION", `${name} is ${String(value)}`, {
      option: name,
      value,
      remedy: `Give ${range}`,
    });
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
