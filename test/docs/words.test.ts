/** Standard terms and plain English in code, messages and docs: docs/design/words.md. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

/** What is written instead, and where a phrase is right all the same. */
const PHRASES: readonly (readonly [phrase: RegExp, instead: string])[] = [
  [/\bwhole numbers?\b/i, "integer, int16"],
  [/\bleft away\b|\bleav(?:e|es|ing)\b[^.;]{0,40}\baway\b/i, "omit"],
  [
    /(?<!\bthere )\b(?:is|are) no (?!longer\b|more\b|less\b|other\b|better\b|worse\b|wider\b|larger\b|smaller\b|faster\b|slower\b|sooner\b|later\b|help\b|need\b|room\b|way\b|use\b)/i,
    "is not",
  ],
  [/\b(?:be|holds) no numbers?\b/i, "is NaN, is not a number"],
  [/\b(?:go|goes|going|went|gone) on\b(?! top)/i, "continue"],
  [/\bstretch(?:es)?\b/i, "range"],
  [/\btime steps?\b/i, "timestep"],
  [/\bpass(?:es)? over the text\b|\b(?:every|middle of a|end of the) pass\b/i, "epoch"],
];
/** Tables of this kind of phrase, and records of runs. */
const EXEMPT = /^(?:docs\/design\/words\.md|docs\/lab\/results|test\/docs\/words\.test\.ts)/;

const files = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], {
  encoding: "utf8",
})
  .split("\n")
  .filter((file) => /\.(?:ts|mjs|js|md|py|sh)$/.test(file) && !EXEMPT.test(file));

test.each(PHRASES)("no file says %s", (phrase, instead) => {
  const found = files.flatMap((file) =>
    readFileSync(file, "utf8")
      .split("\n")
      .flatMap((line, i) => (phrase.test(line) ? [`${file}:${i + 1}: ${line.trim()}`] : [])),
  );
  expect(found, `write: ${instead}`).toEqual([]);
});
