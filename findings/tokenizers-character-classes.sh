#!/usr/bin/env bash
# Package: tokenizers 0.23.2 (npm, the native build of the Rust library).
# Expected: one release has one idea of what punctuation and what a word's character is, so that a tokenizer.json that
#   says {"type": "Punctuation"} splits where one with Split and the pattern \p{P} does, and {"type": "Whitespace"},
#   whose documentation gives it as \w+|[^\w\s]+, where Split with that pattern does.
# Seen: Punctuation and \p{P} differ on 142 characters below U+20000, both ways: 140 are punctuation for the pattern
#   alone (U+061D, U+2E43, U+1E95E), 2 for Punctuation alone (U+166D). Whitespace ends a word before the superscripts
#   and fractions of Latin-1, the pattern does not: "x²" is two pieces for one and one piece for the other.
#   Whoever writes such a file by hand, or reads one in another language with one table of classes, gets other ids.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund tokenizers@0.23.2
cat > look.mjs <<'JS'
import assert from "node:assert/strict";
import { Tokenizer } from "tokenizers";

const model = { type: "WordLevel", vocab: { "?": 0 }, unk_token: "?" };
const splitBy = (pre_tokenizer) => {
  const tokenizer = Tokenizer.fromString(JSON.stringify({ version: "1.0", added_tokens: [], pre_tokenizer, model }));
  return async (text) => (await tokenizer.encode(text, null, { addSpecialTokens: false })).getIds().length;
};
const pattern = (Regex) => ({ type: "Split", pattern: { Regex }, behavior: "Isolated", invert: false });

const named = splitBy({ type: "Punctuation", behavior: "Isolated" });
const matched = splitBy(pattern("\\p{P}"));
const only = { pattern: [], name: [] };
for (let code = 0x80; code < 0x20000; code++) {
  if (code >= 0xd800 && code < 0xe000) continue;
  const text = `a${String.fromCodePoint(code)}b`;
  const [one, other] = [await named(text), await matched(text)];
  if (one !== other) only[one > other ? "name" : "pattern"].push(code);
}
const listed = (codes) => codes.slice(0, 4).map((code) => `U+${code.toString(16).toUpperCase().padStart(4, "0")}`).join(" ");
console.log(`punctuation for the pattern alone: ${only.pattern.length}, first ${listed(only.pattern)}`);
console.log(`punctuation for the name alone: ${only.name.length}, first ${listed(only.name)}`);

const spaced = splitBy({ type: "Whitespace" });
const worded = splitBy(pattern("\\w+|[^\\w\\s]+"));
const words = [];
for (const mark of "²³¹¼½¾") words.push([mark, await spaced(`x${mark}`), await worded(`x${mark}`)]);
for (const [mark, one, other] of words) console.log(`x${mark}: ${one} pieces by Whitespace, ${other} by its pattern`);

assert.equal(only.pattern.length, 140);
assert.equal(only.name.length, 2);
for (const [, one, other] of words) assert.deepEqual([one, other], [2, 1]);
JS
node look.mjs
