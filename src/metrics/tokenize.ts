/** @module Words for BLEU: mteval-v13a's rules, as NIST published them and WMT uses them; or none at all. */
import { splitWords } from "./whitespace.ts";

export type BleuTokenization = "13a" | "none" | "char";

/** ASCII punctuation that always stands alone: all of it but the apostrophe, comma, dash and period. */
const ALONE = /[!-&(-+/:-@[-`{-~]/g;
const ENTITIES = [
  ["&quot;", '"'],
  ["&amp;", "&"],
  ["&lt;", "<"],
  ["&gt;", ">"],
] as const;

export function tokenize(text: string, rules: BleuTokenization): string[] {
  if (rules === "none") return splitWords(text);
  return rules === "char" ? [...splitWords(text).join("")] : tokenize13a(text);
}

/**
 * Periods and commas stand alone unless a digit is on both sides, dashes after a digit; `<skipped>` is dropped, a dash at
 * a line's end joins.
 */
function tokenize13a(text: string): string[] {
  let line = trimEnd(text).replaceAll("<skipped>", "").replaceAll("-\n", "").replaceAll("\n", " ");
  for (const [entity, character] of ENTITIES) line = line.replaceAll(entity, character);
  line = ` ${line} `
    .replace(ALONE, " $& ")
    .replace(/([^0-9])([.,])/gu, "$1 $2 ")
    .replace(/([.,])([^0-9])/gu, " $1 $2")
    .replace(/([0-9])-/g, "$1 - ");
  return splitWords(line);
}

/** The blanks of `splitWords`, at the end. */
function trimEnd(text: string): string {
  const words = splitWords(text);
  const last = words[words.length - 1];
  return last === undefined ? "" : text.slice(0, text.lastIndexOf(last) + last.length);
}
