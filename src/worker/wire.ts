/** @module Errors as data: structured clones of an error lose its class, code and remedy. */
import { SviError, type SviErrorCode } from "../errors.ts";

export interface WireError {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
  /** Those of an SviError. */
  readonly code?: SviErrorCode;
  readonly value?: unknown;
  readonly remedy?: string;
}

export function toWire(error: unknown): WireError {
  if (!(error instanceof Error)) return { name: "Error", message: String(error) };
  const { name, message, stack } = error;
  if (!(error instanceof SviError)) return { name, message, stack };
  return { name, message, stack, code: error.code, value: cloneable(error.value), remedy: error.remedy };
}

export function fromWire({ name, message, stack, code, value, remedy }: WireError): Error {
  const error =
    code === undefined || remedy === undefined
      ? Object.assign(new Error(message), { name })
      : // The message has the remedy behind the problem already.
        new SviError(code, message.slice(0, -`. ${remedy}.`.length), { value, remedy });
  if (stack) error.stack = stack;
  return error;
}

/** The value itself, or what it is called where it cannot leave its thread. */
function cloneable(value: unknown): unknown {
  try {
    return structuredClone(value);
  } catch {
    return String(value);
  }
}
