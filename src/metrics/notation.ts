/** @module A text as a network of words: one path, or several where a reference allows alternations. */
import { SviError } from "../errors.ts";
import { splitWords } from "./whitespace.ts";

export interface WordOptions {
  /** Whether letters' case matters; by default it does not, as with sclite. Folding is Unicode's lower case. */
  readonly caseSensitive?: boolean;
  /** Whether `(uh)` in a reference is a word that may be absent (sclite's `-D`); else the marks are part of it. */
  readonly optionalWords?: boolean;
  /** Whether `{ colour / color }` in a reference means either, and `@` no word at all; else they are words. */
  readonly alternations?: boolean;
}

/** A word of a network, and the words that may come before it. */
export interface Arc {
  /** As it was written. */
  readonly text: string;
  /** What is compared. */
  readonly key: string;
  readonly kind: "word" | "optional" | "null";
  /** Indices of arcs, 0 for the beginning; the order decides between equal costs. */
  readonly before: readonly number[];
}

export interface WordNetwork {
  /** From 1 on; the first is the beginning. */
  readonly arcs: readonly (Arc | null)[];
  /** What the text may end with. */
  readonly last: readonly number[];
}

/** Every unit a word, one after the other. */
export function chain(units: readonly string[], { caseSensitive }: WordOptions): WordNetwork {
  const arcs = units.map((text, i): Arc => {
    const key = caseSensitive ? text : text.toLowerCase();
    return { text, key, kind: "word", before: [i] };
  });
  return { arcs: [null, ...arcs], last: [arcs.length] };
}

/** @throws SviError `E_FORMAT` for marks of sclite's that are not supported, by name */
export function referenceNetwork(text: string, options: WordOptions): WordNetwork {
  if (!options.alternations && !options.optionalWords) return chain(splitWords(text), options);
  const arcs: (Arc | null)[] = [null];
  let last: readonly number[] = [0];
  const add = (word: string) => {
    arcs.push(readWord(word, last, options));
    last = [arcs.length - 1];
  };
  for (const piece of options.alternations ? pieces(text) : splitWords(text)) {
    if (typeof piece === "string") {
      add(piece);
      continue;
    }
    const before = last;
    const ends: number[] = [];
    for (const words of piece) {
      last = before;
      for (const word of words) add(word);
      ends.push(...last);
    }
    last = ends;
  }
  return { arcs, last };
}

/** Marks that a reference may have are not part of a hypothesis. @throws SviError `E_FORMAT` */
export function hypothesisNetwork(text: string, options: WordOptions): WordNetwork {
  const words = splitWords(text);
  for (const word of words) {
    if (options.alternations && (/[{}]/.test(word) || word === "@"))
      throw unsupported(word, "an alternation in a hypothesis", "Mark alternations in the reference alone");
    if (options.optionalWords && isOptional(word))
      throw unsupported(
        word,
        "an optional word in a hypothesis",
        "Mark optional words in the reference alone",
      );
    if (options.alternations || options.optionalWords) refuseMarks(word);
  }
  return chain(words, options);
}

function readWord(text: string, before: readonly number[], options: WordOptions): Arc {
  refuseMarks(text);
  const fold = (word: string) => (options.caseSensitive ? word : word.toLowerCase());
  if (options.alternations && text === "@") return { text, key: text, kind: "null", before };
  if (options.optionalWords && isOptional(text))
    return { text, key: fold(text.slice(1, -1)), kind: "optional", before };
  return { text, key: fold(text), kind: "word", before };
}

const isOptional = (word: string) => word.length > 2 && word.startsWith("(") && word.endsWith(")");

/** What sclite reads as marks of other kinds. */
function refuseMarks(word: string): void {
  if (word.includes(";"))
    throw unsupported(word, "a comment that begins with ;", "Take comments out of the text");
  if (word.length > 1 && word.endsWith("*"))
    throw unsupported(word, "a word marked with *", "Take the mark off the word");
}

function unsupported(value: string, what: string, remedy: string): SviError {
  return new SviError("E_FORMAT", `${JSON.stringify(value)} is ${what}, which is not supported`, {
    value,
    remedy,
  });
}

/** Words, and alternations as lists of alternatives. */
function pieces(text: string): (string | string[][])[] {
  const found: (string | string[][])[] = [];
  for (let rest = text; rest !== ""; ) {
    const open = rest.indexOf("{");
    const plain = open < 0 ? rest : rest.slice(0, open);
    if (plain.includes("}")) throw malformed(text, "} without {");
    found.push(...splitWords(plain));
    if (open < 0) break;
    const close = rest.indexOf("}");
    if (close < 0) throw malformed(text, "{ without }");
    const inside = rest.slice(open + 1, close);
    if (inside.includes("{")) throw malformed(text, "an alternation inside another");
    if (/[^\s]$/.test(plain) || /^[^\s{]/.test(rest.slice(close + 1)))
      throw malformed(text, "an alternation inside a word");
    const alternatives = inside.split("/").map(splitWords);
    if (alternatives.some((words) => words.length === 0))
      throw malformed(text, "an empty alternative; @ stands for no word");
    found.push(alternatives);
    rest = rest.slice(close + 1);
  }
  return found;
}

function malformed(text: string, what: string): SviError {
  return new SviError("E_FORMAT", `The reference ${JSON.stringify(text)} has ${what}`, {
    value: text,
    remedy: "Write alternations as { one / another }, or turn them off",
  });
}
