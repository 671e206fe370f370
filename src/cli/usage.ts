/** @module Wrong usage of the command line. */

/** Exit 2; one line of text, whatever was typed. */
export class UsageError extends Error {
  constructor(message: string) {
    super(oneLine(message));
  }
}

/** What would end a line, or steer a terminal, as its code. */
export function oneLine(text: string): string {
  return text.replace(
    /[\p{Cc}\u2028\u2029]/gu,
    (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
