/**
 * @module Regular expressions of a tokenizer.json, written for Oniguruma (Ruby's syntax), as JavaScript's.
 *
 * What has no equivalent is refused by name. Unicode classes are those of the library's version.
 */
import { add, bothCases, type ClassParts, escaped, propertyOf, simple, wordParts } from "./classes.ts";
import { unsupported } from "./file.ts";
import { LATER, SPACE } from "./unicode.ts";

/** A compiled expression: one form for all texts, a faster one for texts without characters of later Unicode. */
export interface Pattern {
  /** Global, for `matchAll` and `replace`. */
  for(text: string): RegExp;
}

const later = new RegExp(`[${LATER}]`, "u");

/** @throws E_TOKENIZER for what JavaScript cannot express alike */
export function compile(source: string): Pattern {
  const careful = expression(new Translator(source, true).whole(), source);
  const plain = expression(new Translator(source, false).whole(), source);
  return { for: (text) => (later.test(text) ? careful : plain) };
}

/** An expression that matches a text itself. */
export function literal(text: string): Pattern {
  const exact = new RegExp([...text].map(escaped).join(""), "gu");
  return { for: () => exact };
}

function expression(translated: string, source: string): RegExp {
  try {
    return new RegExp(translated, "gu");
  } catch {
    throw unsupported("a regular expression that JavaScript cannot compile", source);
  }
}

interface Flags {
  readonly ignoreCase: boolean;
  readonly dotAll: boolean;
}

class Translator {
  readonly #points: readonly string[];
  readonly #source: string;
  readonly #careful: boolean;
  #at = 0;
  #atomic = 0;
  /** The literal letters just read where case is ignored. */
  #letters = "";

  constructor(source: string, careful: boolean) {
    this.#points = [...source];
    this.#source = source;
    this.#careful = careful;
  }

  whole(): string {
    const out = this.#alternatives({ ignoreCase: false, dotAll: false });
    if (this.#at < this.#points.length) throw this.#refused("an unmatched )");
    return out;
  }

  #refused(what: string) {
    return unsupported(`${what} in a regular expression`, this.#source);
  }

  #peek(ahead = 0): string | undefined {
    return this.#points[this.#at + ahead];
  }

  #next(): string {
    const point = this.#points[this.#at++];
    if (point === undefined) throw this.#refused("an unfinished construct");
    return point;
  }

  #takes(text: string): boolean {
    for (let i = 0; i < text.length; i++) if (this.#peek(i) !== text[i]) return false;
    this.#at += text.length;
    return true;
  }

  #until(end: string): string {
    let name = "";
    for (let point = this.#next(); point !== end; point = this.#next()) name += point;
    return name;
  }

  #alternatives(flags: Flags): string {
    let own = flags;
    // Options given at the beginning hold for all alternatives of their group.
    for (let given = this.#options(own, ")"); given; given = this.#options(own, ")")) own = given;
    const alternatives = [this.#sequence(own)];
    while (this.#takes("|")) alternatives.push(this.#sequence(own));
    return alternatives.join("|");
  }

  #sequence(flags: Flags): string {
    let out = "";
    this.#letters = "";
    for (;;) {
      const point = this.#peek();
      if (point === undefined || point === "|" || point === ")") return out;
      out += this.#quantified(flags);
    }
  }

  #quantified(flags: Flags): string {
    let atom = this.#atom(flags);
    for (;;) {
      const quantifier = this.#quantifier();
      if (quantifier === null) return atom;
      this.#letters = "";
      const { body, lazy, possessive } = quantifier;
      if (!possessive) atom = `(?:${atom}${body}${lazy ? "?" : ""})`;
      else {
        const name = `p${this.#atomic++}`;
        atom = `(?:(?=(?<${name}>${atom}${body}))\\k<${name}>)`;
      }
    }
  }

  #quantifier(): { body: string; lazy: boolean; possessive: boolean } | null {
    const point = this.#peek();
    if (point === "*" || point === "+" || point === "?") {
      this.#at++;
      const lazy = this.#takes("?");
      return { body: point, lazy, possessive: !lazy && this.#takes("+") };
    }
    if (point !== "{") return null;
    const interval = /^\{(?:(\d+)(,)?(\d*)|,(\d+))\}/.exec(
      this.#points.slice(this.#at, this.#at + 24).join(""),
    );
    if (interval === null) return null;
    this.#at += interval[0].length;
    const [, least = "0", comma, most = "", upTo] = interval;
    const fixed = comma === undefined && upTo === undefined;
    if (upTo === undefined && fixed && most !== "") throw this.#refused("a malformed interval");
    const body = upTo === undefined ? (fixed ? `{${least}}` : `{${least},${most}}`) : `{0,${upTo}}`;
    // Behind a fixed number a question mark makes the whole optional.
    return { body, lazy: !fixed && this.#takes("?"), possessive: false };
  }

  #atom(flags: Flags): string {
    const point = this.#next();
    if (point === "(") return this.#group(flags);
    if (point === "[") return this.#written(this.#class(flags));
    if (point === "\\") return this.#escape(flags);
    if (point === ".") return this.#plain(flags.dotAll ? "[^]" : "[^\\n]");
    if (point === "^") return this.#plain("(?<![^\\n])");
    if (point === "$") return this.#plain("(?![^\\n])");
    if (point === "*" || point === "+" || point === "?") throw this.#refused("a quantifier of nothing");
    return this.#letter(point, flags);
  }

  #plain(translated: string): string {
    this.#letters = "";
    return translated;
  }

  /** A code point that stands for itself. */
  #letter(point: string, { ignoreCase }: Flags): string {
    if (!ignoreCase) return escaped(point);
    this.#letters += point.toLowerCase();
    // Oniguruma lets these pairs match one character, such as ß.
    if (/ss$|st$|f[fil]$|[^ -~]/.test(this.#letters) && /\p{L}/u.test(point))
      throw this.#refused(`${JSON.stringify(this.#letters)} without regard to case`);
    const cases = bothCases(point);
    return cases.length === 1 ? escaped(point) : `[${cases.join("")}]`;
  }

  #group(flags: Flags): string {
    this.#letters = "";
    const close = (open: string, own = flags) => {
      const inside = this.#alternatives(own);
      if (!this.#takes(")")) throw this.#refused("an unfinished group");
      this.#letters = "";
      return `${open}${inside})`;
    };
    if (!this.#takes("?")) return close("(?:");
    for (const kind of ["?:", "?=", "?!", "?<=", "?<!"])
      if (this.#takes(kind.slice(1))) return close(`(${kind}`);
    if (this.#takes(">")) {
      const name = `p${this.#atomic++}`;
      return `(?:${close(`(?=(?<${name}>`)})\\k<${name}>)`;
    }
    if (this.#takes("#")) {
      this.#until(")");
      return "";
    }
    this.#at -= 2;
    const own = this.#options(flags, ":");
    if (own === null) throw this.#refused(`a group that begins (?${this.#peek(2)}`);
    return close("(?:", own);
  }

  /** Takes `(?i)` or `(?i:` where they stand next, and says which options hold then. */
  #options(flags: Flags, end: ")" | ":"): Flags | null {
    const given = /^\(\?([im]*)(?:-([im]*))?([:)])/.exec(
      this.#points.slice(this.#at, this.#at + 12).join(""),
    );
    if (given === null || given[3] !== end || (given[1] === "" && given[2] === undefined)) return null;
    this.#at += given[0].length;
    const [, on, off = ""] = given;
    return {
      ignoreCase: (flags.ignoreCase || on.includes("i")) && !off.includes("i"),
      dotAll: (flags.dotAll || on.includes("m")) && !off.includes("m"),
    };
  }

  #escape(flags: Flags): string {
    const point = this.#peek();
    const anchors: Record<string, string> = {
      A: "(?<![^])",
      z: "(?![^])",
      Z: "(?=\\n?(?![^]))",
      R: "(?:\\r\\n|[\\n-\\r\\x85\\u2028\\u2029])",
    };
    if (point !== undefined && point in anchors) {
      this.#at++;
      return this.#plain(anchors[point]);
    }
    if (point === "b" || point === "B") {
      this.#at++;
      const word = this.#written(wordParts());
      const edge = `(?<=${word})(?!${word})|(?<!${word})(?=${word})`;
      return this.#plain(point === "b" ? `(?:${edge})` : `(?!${edge})`);
    }
    const set = this.#set(flags);
    if (set !== null) return this.#written(set);
    return this.#letter(this.#escapedPoint(), flags);
  }

  /** The set that an escape stands for, null where it stands for one code point; the backslash is taken. */
  #set(flags: Flags): ClassParts | null {
    const point = this.#peek();
    if (point === "p" || point === "P") {
      this.#at++;
      if (!this.#takes("{")) throw this.#refused(`\\${point} without braces`);
      const inverted = this.#takes("^") !== (point === "P");
      return this.#property(this.#until("}"), inverted, flags);
    }
    const sets: Record<string, () => ClassParts> = {
      s: () => ({ inside: SPACE, beside: [], unassigned: false, unicode: false }),
      S: () => ({ inside: "", beside: [`[^${SPACE}]`], unassigned: true, unicode: false }),
      d: () => ({ inside: "\\p{Nd}", beside: [], unassigned: false, unicode: true }),
      D: () => ({ inside: "\\P{Nd}", beside: [], unassigned: true, unicode: true }),
      w: wordParts,
      W: () => this.#inverse(wordParts()),
      h: () => ({ inside: "0-9a-fA-F", beside: [], unassigned: false, unicode: false }),
      H: () => ({ inside: "", beside: ["[^0-9a-fA-F]"], unassigned: true, unicode: false }),
    };
    if (point === undefined || !(point in sets)) return null;
    this.#at++;
    return sets[point]();
  }

  #property(name: string, inverted: boolean, { ignoreCase }: Flags): ClassParts {
    const known = propertyOf(name);
    if (known === null) throw this.#refused(`\\p{${name}}`);
    const { property } = known;
    if (ignoreCase && /^(L[ult]|Uppercase|Lowercase)$/.test(property))
      throw this.#refused(`\\p{${name}} without regard to case`);
    let inside = `\\${inverted ? "P" : "p"}{${property}}`;
    const unassigned = known.unassigned !== inverted;
    // U+0295 became another kind of letter in Unicode 17.
    if (property === "Ll" || property === "Lo") {
      const within = (property === "Ll") !== inverted;
      if (within) inside += "\\u0295";
      else return { inside: "", beside: [`(?!\\u0295)${inside}`], unassigned, unicode: true };
    }
    return { inside, beside: [], unassigned, unicode: true };
  }

  #escapedPoint(): string {
    const point = this.#next();
    const controls: Record<string, string> = {
      n: "\n",
      r: "\r",
      t: "\t",
      f: "\f",
      v: "\v",
      a: "\x07",
      e: "\x1b",
    };
    if (point in controls) return controls[point];
    if (point === "x" || point === "u") return this.#codePoint(point);
    if (/[0-9A-Za-z]/.test(point)) throw this.#refused(`\\${point}`);
    return point;
  }

  #codePoint(kind: "x" | "u"): string {
    const braced = kind === "x" && this.#takes("{");
    let digits = "";
    const most = braced ? 8 : kind === "x" ? 2 : 4;
    while (digits.length < most && /^[0-9a-fA-F]$/.test(this.#peek() ?? "")) digits += this.#next();
    if (braced && !this.#takes("}")) throw this.#refused("\\x{");
    const value = Number.parseInt(digits, 16);
    // Two digits from 80 on are a byte of UTF-8 there.
    const whole = kind === "u" ? digits.length === 4 : braced || value < 128;
    if (!whole || !(value <= 0x10ffff) || (value >= 0xd800 && value < 0xe000))
      throw this.#refused(`\\${kind}${digits}`);
    return String.fromCodePoint(value);
  }

  /** The rest of a class; its bracket is taken. */
  #class(flags: Flags): ClassParts {
    const inverted = this.#takes("^");
    if (this.#peek() === "]") throw this.#refused("an empty class");
    const operands: ClassParts[] = [];
    let parts: ClassParts = { inside: "", beside: [], unassigned: false, unicode: false };
    while (!this.#takes("]")) {
      if (this.#takes("&&")) {
        operands.push(parts);
        parts = { inside: "", beside: [], unassigned: false, unicode: false };
      } else add(parts, this.#member(flags));
    }
    operands.push(parts);
    const met = operands.length === 1 ? parts : this.#intersection(operands);
    return inverted ? this.#inverse(met) : met;
  }

  #intersection(operands: readonly ClassParts[]): ClassParts {
    const written = operands.map((operand) => this.#written(operand));
    const last = written.pop()!;
    return {
      inside: "",
      beside: [`(?:${written.map((one) => `(?=${one})`).join("")}${last})`],
      unassigned: operands.every((operand) => operand.unassigned),
      unicode: false,
    };
  }

  #inverse(parts: ClassParts): ClassParts {
    const { inside, beside, unassigned, unicode } = parts;
    const expression = beside.length === 0 ? `[^${inside}]` : `(?:(?!${this.#written(parts)})[^])`;
    return { inside: "", beside: [expression], unassigned: !unassigned, unicode };
  }

  #member(flags: Flags): ClassParts {
    if (this.#takes("[:")) throw this.#refused("a POSIX class");
    if (this.#takes("[")) return this.#class(flags);
    const first = this.#next();
    if (first === "\\") {
      const set = this.#set(flags);
      if (set !== null) return set;
    }
    const from = first === "\\" ? this.#escapedPoint() : first;
    if (this.#peek() !== "-" || this.#peek(1) === "]" || this.#peek(1) === undefined)
      return simple(flags.ignoreCase ? bothCases(from).join("") : escaped(from));
    if (this.#peek(1) === "[") throw this.#refused("a hyphen before a class");
    this.#at++;
    const second = this.#next();
    if (second === "\\" && /[pPsSdDwWhH]/.test(this.#peek() ?? "")) throw this.#refused("a range to a class");
    const to = second === "\\" ? this.#escapedPoint() : second;
    if (flags.ignoreCase) return simple(this.#caselessRange(from, to));
    return simple(`${escaped(from)}-${escaped(to)}`);
  }

  #caselessRange(from: string, to: string): string {
    const [low, high] = [from.codePointAt(0)!, to.codePointAt(0)!];
    if (high > 127) throw this.#refused("a range beyond ASCII without regard to case");
    let inside = "";
    for (let point = low; point <= high; point++) inside += bothCases(String.fromCodePoint(point)).join("");
    return inside;
  }

  /** A set as an expression of one code point. */
  #written({ inside, beside, unassigned, unicode }: ClassParts): string {
    this.#letters = "";
    const all = inside === "" ? beside : [`[${inside}]`, ...beside];
    const expression = all.length === 1 ? all[0] : `(?:${all.join("|")})`;
    if (!this.#careful || !unicode) return expression;
    return unassigned ? `(?:[${LATER}]|${expression})` : `(?:(?![${LATER}])${expression})`;
  }
}
