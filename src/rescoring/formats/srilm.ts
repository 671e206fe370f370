/**
 * @module SRILM: a file a list, named after it. `NBestList1.0` and `NBestList2.0` have a score in bytelogs before the
 * words; SRILM's own lines are an acoustic and a language score in log10, the number of words, the words.
 */
import type { Candidate, ListFile, ListFormat } from "../lists.ts";
import { baseName, Gathering, type Line, linesOf, numberOf, words } from "./lines.ts";

/** Natural logarithms: a bytelog is to the base 1.0001, over 1024, as SRILM rounds it. */
const BYTELOG = 1024 / 10000.5;
const LOG10 = Math.LN10;

export const srilm: ListFormat = {
  weights: { score: 1, acoustic: 1, language: 1 },
  recognises: ({ text }) =>
    text.startsWith("NBestList") || /^-?[\d.]+(?:e-?\d+)? -?[\d.]+(?:e-?\d+)? \d+(?: |\n|$)/.test(text),
  read(files) {
    const lists = new Gathering();
    for (const file of files) {
      const lines = linesOf(file);
      const header = lines[0]?.text.startsWith("NBestList") ? lines[0] : undefined;
      const version = header?.text.trim().slice("NBestList".length);
      if (header && version !== "1.0" && version !== "2.0")
        header.fail(
          `The version ${version} is not known`,
          "Give NBestList1.0, NBestList2.0 or SRILM's own lines",
        );
      const read = version === "1.0" ? readFirst : version === "2.0" ? readSecond : readOwn;
      for (const line of header ? lines.slice(1) : lines) lists.add(line, baseName(file.name), read(line));
    }
    return lists.lists(files);
  },
  write: (lists) =>
    lists.map(({ id, candidates }): ListFile => {
      const rows = candidates.map(({ text, scores, total, logProbability }) => {
        const spoken = text === "" ? [] : text.split(" ");
        const language = (logProbability ?? scores.language ?? 0) / LOG10;
        const acoustic = (scores.acoustic ?? scores.score ?? total) / LOG10;
        return [acoustic, language, spoken.length, ...spoken].join(" ");
      });
      return { name: `${id}.nbest`, text: rows.map((row) => `${row}\n`).join("") };
    }),
};

function readFirst(line: Line): Candidate {
  const { score, rest } = scored(line);
  return { text: spoken(rest), scores: { score } };
}

/** Words with times and scores in parentheses after them; units below words lie within the word before. */
function readSecond(line: Line): Candidate {
  const { score, rest } = scored(line);
  const texts: string[] = [];
  let [acoustic, language, end] = [0, 0, Number.NEGATIVE_INFINITY];
  const pattern = /(\S+) \( st: (\S+) et: (\S+) g: (\S+) a: (\S+) \)/g;
  if (rest.replace(pattern, "").trim() !== "")
    line.fail(
      "The words are not followed by ( st: … et: … g: … a: … )",
      "Give NBestList2.0 as it was written",
    );
  for (const [, word, st, et, g, a] of rest.matchAll(pattern)) {
    if (numberOf(line, "A start", st) < end) continue;
    end = numberOf(line, "An end", et);
    texts.push(word);
    language += numberOf(line, "A language score", g) * BYTELOG;
    acoustic += numberOf(line, "An acoustic score", a) * BYTELOG;
  }
  return { text: spoken(texts.join(" ")), scores: { score, acoustic, language } };
}

function readOwn(line: Line): Candidate {
  const [acoustic, language, count, ...rest] = line.text.trim().split(/\s+/);
  numberOf(line, "The number of words", count);
  const scores = {
    acoustic: numberOf(line, "The acoustic score", acoustic) * LOG10,
    language: numberOf(line, "The language score", language) * LOG10,
  };
  return { text: spoken(rest.join(" ")), scores };
}

function scored(line: Line): { score: number; rest: string } {
  const [, written, rest] =
    /^\s*\(\s*([^)\s]+)\s*\)(.*)$/.exec(line.text) ??
    line.fail("The line has no (score)", "Give (score) words");
  return { score: numberOf(line, "The score", written) * BYTELOG, rest };
}

/** Without marks of beginning, end and pauses. */
function spoken(text: string): string {
  const marks = new Set(["<s>", "</s>", "-pau-", ""]);
  return words(text)
    .split(" ")
    .filter((word) => !marks.has(word))
    .join(" ");
}
