/** Errors that are expected. */
import { expect } from "vitest";
import type { SviError } from "../../src/errors.ts";

/** The error that some work throws or rejects with; fails where there is none. */
export async function errorOf(work: () => unknown): Promise<SviError> {
  try {
    await work();
  } catch (error) {
    return error as SviError;
  }
  throw new Error("nothing was thrown");
}

/** Matches an SviError of a code, with what else is said of it. */
export const failure = (code: string, rest: object = {}) =>
  expect.objectContaining({ name: "SviError", code, ...rest });
