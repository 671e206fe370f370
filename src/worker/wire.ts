/** @module Errors as data: structured clones of an error lose its class, code and remedy. */
import { SviError, type SviErrorCode } from "../errors.ts";
import { messageOf } from "../shapes.ts";

export interface WireError {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
  /** Those of an SviError. */
  readonly code?: SviErrorCode;
  readonly problem?: string;
  readonly option?: string;
  readonly value?: unknown;
  readonly remedy?: string;
}

export function toWire(error: unknown): WireError {
  if (!(error instanceof SviError)) {
    const { name = "Error", stack } = (error ?? {}) as Partial<Error>;
    return { name: String(name), message: messageOf(error), stack: stack && String(stack) };
  }
  const { name, message, stack } = error;
  const { code, problem, option, value, remedy } = error;
  return {
    name,
    message,
    stack,
    code,
    problem,
    option: option ?? undefined,
    value: cloneable(value),
    remedy,
  };
}

export function fromWire({ name, message, stack, code, problem, option, value, remedy }: WireError): Error {
  const error =
    code === undefined || problem === undefined || remedy === undefined
      ? Object.assign(new Error(message), { name })
      : new SviError(code, problem, { option, value, remedy });
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
