/** @module What is given out and stays the library's own: later writes to it throw. */

/** Freezes plain data to its depth. */
export function frozen<T extends object>(value: T): T {
  for (const part of Object.values(value)) if (typeof part === "object" && part !== null) frozen(part);
  return Object.freeze(value);
}
