#!/usr/bin/env bash
# Package: word-error-rate 0.0.7 (npm), for scoring recognisers.
# Expected: calculateEditDistance gives the edit distance in words, as its description says, so that every word too many
#   or too few is an error: "no no no no" for "no" has three.
# Seen: words of one text that equal the first word of the other are free. "no no no no" for "no" has no error and an
#   error rate of 0, "thank you thank you thank you" for "thank you" has two errors instead of four: a recogniser that
#   stutters or runs in circles, a known failing of theirs, scores as if it had made fewer mistakes, or none.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund word-error-rate@0.0.7
cat > look.mjs <<'JS'
import assert from "node:assert/strict";
import scorer from "word-error-rate";

function distance(from, to) {
  let row = to.map((_, i) => i + 1);
  row.unshift(0);
  for (const [i, word] of from.entries()) {
    const next = [i + 1];
    for (const [j, other] of to.entries())
      next.push(Math.min(row[j] + (word === other ? 0 : 1), row[j + 1] + 1, next[j] + 1));
    row = next;
  }
  return row.at(-1);
}

const cases = [
  ["no no no no", "no", 0],
  ["the the the the cat", "the cat", 0],
  ["the cat", "the the the the cat", 0],
  ["thank you thank you thank you", "thank you", 2],
  ["go home go", "go", 1],
  ["cat cat the", "the", 2],
];
for (const [heard, said, seen] of cases) {
  const expected = distance(heard.split(" "), said.split(" "));
  const errors = scorer.calculateEditDistance(heard, said);
  const rate = scorer.wordErrorRate(heard, said).toFixed(2);
  console.log(`"${heard}" for "${said}": ${errors} errors, rate ${rate}; the edit distance is ${expected}`);
  assert.equal(errors, seen);
  assert.equal(expected > errors, heard !== "cat cat the");
}
JS
node look.mjs
