/** @module Strings at which a text ends, found however its pieces cut them. */
import { SviError } from "../errors.ts";

export class StopStrings {
  /** Whether the text has ended. */
  found = false;
  readonly #strings: readonly string[];
  /** The text's end that may be the beginning of a stop string. */
  #held = "";

  /** @throws SviError `E_OPTION` for what is not a string, or empty */
  constructor(stop: string | readonly string[] = []) {
    const strings = typeof stop === "string" ? [stop] : stop;
    if (!Array.isArray(strings) || strings.some((one) => typeof one !== "string" || one === ""))
      throw new SviError("E_OPTION", "stop is not a string, nor an array of strings", {
        option: "stop",
        value: stop,
        remedy: "Give strings that are not empty",
      });
    this.#strings = strings;
  }

  /** What of the text so far may be given out; all that is left where this is the last piece. */
  take(piece: string, last: boolean): string {
    const text = this.#held + piece;
    const places = this.#strings.map((stop) => text.indexOf(stop)).filter((at) => at >= 0);
    if (places.length > 0) {
      this.found = true;
      this.#held = "";
      return text.slice(0, Math.min(...places));
    }
    const end = last ? text.length : text.length - this.#beginning(text);
    this.#held = text.slice(end);
    return text.slice(0, end);
  }

  /** Length of the longest end of a text that is the beginning of a stop string. */
  #beginning(text: string): number {
    let longest = 0;
    for (const stop of this.#strings)
      for (let length = Math.min(stop.length - 1, text.length); length > longest; length--)
        if (text.endsWith(stop.slice(0, length))) longest = length;
    return longest;
  }
}
