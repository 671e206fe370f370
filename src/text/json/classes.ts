/** @module Sets of code points in regular expressions: what names stand for, and how parts of a class add up. */
const CATEGORIES =
  /^(L[ultmo]?|M[nce]?|N[dlo]?|P[cdseifo]?|S[mcko]?|Z[slp]?|C[cfon]?|Alphabetic|Uppercase|Lowercase)$/;
const LONG_NAMES: Readonly<Record<string, string>> = {
  Letter: "L",
  Mark: "M",
  Number: "N",
  Punctuation: "P",
  Symbol: "S",
  Separator: "Z",
  Other: "C",
  Uppercase_Letter: "Lu",
  Lowercase_Letter: "Ll",
  Titlecase_Letter: "Lt",
  Modifier_Letter: "Lm",
  Other_Letter: "Lo",
  Decimal_Number: "Nd",
};
const SCRIPTS =
  /^(Arabic|Armenian|Bengali|Bopomofo|Cyrillic|Devanagari|Ethiopic|Georgian|Greek|Gujarati|Gurmukhi|Han|Hangul|Hebrew|Hiragana|Kannada|Katakana|Khmer|Lao|Latin|Malayalam|Mongolian|Myanmar|Sinhala|Tamil|Telugu|Thai|Tibetan)$/;

/** A set of code points: the inside of a class, expressions of one code point beside it, and what it says of unassigned ones. */
export interface ClassParts {
  inside: string;
  beside: string[];
  unassigned: boolean;
  /** Whether Unicode data decide about it. */
  unicode: boolean;
}

/** What stands in `\p{…}` for a name, and whether unassigned code points are among it; null where it is not known. */
export function propertyOf(name: string): { property: string; unassigned: boolean } | null {
  const known = LONG_NAMES[name] ?? name;
  if (CATEGORIES.test(known)) return { property: known, unassigned: known === "C" || known === "Cn" };
  return SCRIPTS.test(known) ? { property: `Script=${known}`, unassigned: false } : null;
}

export function wordParts(): ClassParts {
  return {
    inside: "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\xb2\\xb3\\xb9\\xbc-\\xbe",
    beside: [],
    unassigned: false,
    unicode: true,
  };
}

export function simple(inside: string): ClassParts {
  return { inside, beside: [], unassigned: false, unicode: false };
}

export function add(parts: ClassParts, more: ClassParts): void {
  parts.inside += more.inside;
  parts.beside.push(...more.beside);
  parts.unassigned ||= more.unassigned;
  parts.unicode ||= more.unicode;
}

/** A code point with those that fold to the same one, escaped. */
export function bothCases(point: string): string[] {
  const extra: Record<string, string> = { s: String.fromCodePoint(0x17f), k: String.fromCodePoint(0x212a) };
  const lower = point.toLowerCase();
  const all = new Set([point, lower, point.toUpperCase(), extra[lower] ?? point]);
  return [...all].filter((one) => [...one].length === 1).map(escaped);
}

export const escaped = (point: string): string => `\\u{${point.codePointAt(0)!.toString(16)}}`;
