/** @module The one error class: what went wrong, the value that did it, and what to do about it. */

export type SviErrorCode =
  | "E_TEXT_EMPTY"
  | "E_TEXT_SHORT"
  | "E_TEXT_CHANGED"
  | "E_TEXT_ENCODING"
  | "E_UNKNOWN_SYMBOL"
  | "E_TOKEN_RANGE"
  | "E_TOKENIZER"
  | "E_VOCABULARY_MISMATCH"
  | "E_FILE_MISSING"
  | "E_FILE_READ"
  | "E_FILE_WRITE"
  | "E_FORMAT"
  | "E_VERSION"
  | "E_OPTION"
  | "E_DIVERGED"
  | "E_MEMORY"
  | "E_BUSY"
  | "E_DISPOSED"
  | "E_CHECKPOINT"
  | "E_HOST"
  | "E_KERNELS"
  | "E_WORKER";

/**
 * Every error that svi-lm throws on purpose, abort reasons aside.
 *
 * `code` is stable across versions; `value` is what was found; `remedy` says what to do.
 */
export class SviError extends Error {
  override readonly name = "SviError";
  readonly code: SviErrorCode;
  readonly value: unknown;
  readonly remedy: string;

  constructor(
    code: SviErrorCode,
    problem: string,
    details: { value?: unknown; remedy: string; cause?: unknown },
  ) {
    super(
      `${problem}. ${details.remedy}.`,
      details.cause === undefined ? undefined : { cause: details.cause },
    );
    this.code = code;
    this.value = details.value;
    this.remedy = details.remedy;
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
    throw new SviError("E_OPTION", `${name} is ${String(value)}`, { value, remedy: `Give ${range}` });
  return value;
}

/** Throws `E_OPTION` unless `value` is an integer from `least` to `most`. */
export function requireInteger(name: string, value: number, least: number, most = 2 ** 31 - 1): number {
  return requireNumber(
    name,
    value,
    `a whole number from ${least} to ${most}`,
    (v) => Number.isInteger(v) && v >= least && v <= most,
  );
}
