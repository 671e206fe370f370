/** @module The pieces of JSON that a header is made of, read one by one, so that nothing is built that was not asked for. */
import { SviError } from "../errors.ts";

export const CORRUPT = "The file is damaged, or is not a safetensors file; give a model file as it was saved";

/** `E_FORMAT`, with the remedy that fits most violations. */
export function formatError(problem: string, value: unknown, remedy = CORRUPT, cause?: unknown): SviError {
  return new SviError("E_FORMAT", problem, { value, remedy, cause });
}

/** A name or value out of a file, quoted and short enough for an error message. */
export function shown(value: string): string {
  return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value);
}

/** A string that UTF-8 cannot hold: half of a surrogate pair alone. */
export function isIllFormed(text: string): boolean {
  return /\p{Surrogate}/u.test(text);
}

/**
 * Walks over one JSON text. `JSON.parse` would do but for three things: it takes the last of two equal keys
 * without a word, moves keys like "0" to the front, and builds whatever a hostile header asks for.
 */
export class JsonScanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Calls `value` after each key, positioned at the value; `value` must consume it. */
  object(what: string, value: (key: string) => void): void {
    const keys = new Set<string>();
    this.#sequence("{", "}", what, () => {
      const key = this.string(`a key of ${what}`);
      if (keys.has(key)) throw formatError(`${capital(what)} has the key ${shown(key)} twice`, key);
      keys.add(key);
      this.#expect(":", what);
      value(key);
    });
  }

  /** Integers from 0 to 2^53 − 1, in digits alone. */
  integers(what: string, most: number): number[] {
    const items: number[] = [];
    this.#sequence("[", "]", what, () => {
      if (items.length === most)
        throw formatError(`${capital(what)} has more than ${most} numbers`, most + 1);
      items.push(this.#integer(what));
    });
    return items;
  }

  string(what: string): string {
    this.#skipSpace();
    const start = this.#at;
    if (this.#text[start] !== '"') throw this.#unexpected(`${what}, a string,`);
    const end = this.#closingQuote(start + 1);
    this.#at = end + 1;
    let value: string;
    try {
      value = JSON.parse(this.#text.slice(start, end + 1));
    } catch (cause) {
      const piece = this.#text.slice(start, end + 1);
      throw formatError(
        `${capital(what)} is ${shown(piece)}, which is not a JSON string`,
        piece,
        CORRUPT,
        cause,
      );
    }
    if (isIllFormed(value)) throw formatError(`${capital(what)} has half a surrogate pair`, value);
    return value;
  }

  /** Nothing but white space is left. */
  end(): void {
    this.#skipSpace();
    if (this.#at < this.#text.length) throw this.#unexpected("the end of the header");
  }

  #sequence(open: string, close: string, what: string, item: () => void): void {
    this.#expect(open, what);
    if (this.#take(close)) return;
    do item();
    while (this.#take(","));
    this.#expect(close, what);
  }

  #integer(what: string): number {
    this.#skipSpace();
    const digits = /-?[\d.eE+-]+/y;
    digits.lastIndex = this.#at;
    const found = digits.exec(this.#text)?.[0];
    if (found === undefined) throw this.#unexpected(`${what}, an integer,`);
    const value = Number(found);
    if (!/^(0|[1-9]\d*)$/.test(found) || !Number.isSafeInteger(value))
      throw formatError(`${capital(what)} has ${shown(found)}, not an integer from 0 to 2^53 - 1`, found);
    this.#at += found.length;
    return value;
  }

  #closingQuote(from: number): number {
    for (let at = from; ; at++) {
      at = this.#text.indexOf('"', at);
      if (at < 0) throw formatError("The header ends within a string", this.#text.slice(from - 1, from + 79));
      let before = at;
      while (this.#text[before - 1] === "\\") before--;
      if ((at - before) % 2 === 0) return at;
    }
  }

  #take(character: string): boolean {
    this.#skipSpace();
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #expect(character: string, what: string): void {
    if (!this.#take(character)) throw this.#unexpected(`"${character}" of ${what}`);
  }

  #unexpected(wanted: string): SviError {
    const found = this.#text.slice(this.#at, this.#at + 20);
    const where = found === "" ? "its end" : shown(found);
    return formatError(`The header has ${where} at character ${this.#at} where ${wanted} should be`, found);
  }

  #skipSpace(): void {
    while (" \n\r\t".includes(this.#text[this.#at] ?? "x")) this.#at++;
  }
}

function capital(text: string): string {
  return text[0].toUpperCase() + text.slice(1);
}
