/** @module tokenizer.json files, and texts by every tokenizer. */
import fc from "fast-check";
import { byteTokenizer, characterTokenizer, type Tokenizer, wordTokenizer } from "../../src/entries/index.ts";
import { jsonTokenizer } from "../../src/entries/tokenizers.ts";
import { tokenizerFromDescription } from "../../src/text/tokenizer.ts";
import { CHARSMAP } from "../../test/text/charsmap.ts";
import { layouts } from "../../test/text/layouts.ts";
import { type Boundary, must, refusedOrRead } from "./boundary.ts";
import { type Json, mutateJson, mutateText, someText } from "./mutate.ts";
import type { Random } from "./random.ts";

const SAMPLE = "Call me Ishmael.\r\n  Some years ago, İ ﬁ e\u0301 漢字 😀 12 <s> <|endoftext|>\n";

/** Ids are of the vocabulary; what is promised comes back; ids of any kind are decoded or refused. */
function checkText(tokenizer: Tokenizer, text: string): void {
  const ids = tokenizer.encode(text);
  for (let i = 0; i < ids.length; i++)
    if (!(ids[i] >= 0 && ids[i] < tokenizer.vocabularySize)) throw new Error(`id ${ids[i]} is outside`);
  const back = tokenizer.decode(ids);
  if (tokenizer.lossless && (tokenizer.unknown === null || !ids.includes(tokenizer.unknown)))
    must(
      back === text.replace(/\p{Surrogate}/gu, "\ufffd"),
      `${JSON.stringify(text)} came back as ${JSON.stringify(back)}`,
    );
}

function checkIds(tokenizer: Tokenizer, random: Random): void {
  const ids = Array.from({ length: random.below(12) }, () =>
    random.once(9)
      ? random.pick([-1, 0.5, Number.NaN, 2 ** 31, tokenizer.vocabularySize])
      : random.below(tokenizer.vocabularySize),
  );
  refusedOrRead(() => tokenizer.decode(ids));
  refusedOrRead(() => {
    const before = ids.slice(0, 3);
    const added = tokenizer.continue(before, ids.slice(3));
    must(typeof added === "string", `continue gave ${added}`);
  });
}

const every = Object.entries(layouts(CHARSMAP));

export const tokenizerFiles: Boundary = {
  name: "tokenizer.json",
  prepare() {
    const files = every.map(([, file]) => file as Json);
    const texts = files.map((file) => JSON.stringify(file));
    return (random) => {
      const which = random.below(files.length);
      let file: object | string;
      if (random.once(8)) file = mutateText(random, texts[which]);
      else {
        let changed = mutateJson(random, files[which]);
        if (random.once(3)) changed = mutateJson(random, changed);
        file = changed as object;
      }
      refusedOrRead(() => {
        const tokenizer = jsonTokenizer(file);
        checkText(tokenizer, SAMPLE);
        checkText(tokenizer, someText(random, 12));
        checkIds(tokenizer, random);
      });
    };
  },
  property: fc.property(fc.jsonValue(), (value) => {
    refusedOrRead(() => jsonTokenizer(value as object));
    refusedOrRead(() => tokenizerFromDescription(value));
    for (const kind of ["character", "word", "json"])
      refusedOrRead(() => tokenizerFromDescription({ ...(value as object), kind }, { json: jsonTokenizer }));
  }) as fc.IRawProperty<unknown>,
};

const plain: readonly Tokenizer[] = [
  byteTokenizer(),
  characterTokenizer({ characters: " aehimnstw\n", unknown: true }),
  characterTokenizer({ characters: " aehimnstw\n😀é\u0301" }),
  wordTokenizer({ words: ["the", "whale", "-", "1", "漢字", "constructor", "__proto__"] }),
];

export const texts: Boundary = {
  name: "texts",
  prepare() {
    const all = [...plain, ...plain, ...plain, ...every.map(([, file]) => jsonTokenizer(file as object))];
    return (random) => {
      const tokenizer = random.pick(all);
      const text = random.once(2) ? someText(random, 24) : mutateText(random, "the whale 1 - in\n漢字 é");
      refusedOrRead(() => checkText(tokenizer, text));
      checkIds(tokenizer, random);
    };
  },
  property: fc.property(fc.string({ unit: "binary", maxLength: 60 }), (text) => {
    for (const tokenizer of plain) refusedOrRead(() => checkText(tokenizer, text));
  }) as fc.IRawProperty<unknown>,
};
