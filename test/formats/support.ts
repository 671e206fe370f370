import { expect } from "vitest";
import { SviError, type SviErrorCode } from "../../src/errors.ts";

/** The SviError that `work` throws or rejects with; anything else fails the test. */
export async function refusal(work: () => unknown, code: SviErrorCode = "E_FORMAT"): Promise<SviError> {
  let error: unknown;
  try {
    await work();
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(SviError);
  const found = error as SviError;
  expect(`${found.code}: ${found.message}`).toContain(`${code}: `);
  expect(found.remedy.length).toBeGreaterThan(10);
  return found;
}
