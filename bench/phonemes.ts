/**
 * Letters → sounds: phoneme and word error rate of the CMU pronouncing dictionary's words, by maximum likelihood and by
 * variational inference.
 *
 *   npm run bench:phonemes -- [--stress] [--sentences 500] [--epochs 10] [--seeds 1,2,3] [--hidden 256] [--rates …]
 *     [--dropouts …] [--ivon-rates …] [--samples 8] [--beam 5] [--threads 1] [--plain] [--reversed] [--json]
 *
 * Words of letters and apostrophes, with all their pronunciations in one part: a tenth to test, 2,000 to tune, the rest
 * to train, by a seeded order. Stress is left out unless --stress keeps it (39 phonemes without, 69 with). A word is
 * right if it is any of its pronunciations; phoneme errors are counted against the nearest one, over its length.
 * --plain has no attention; else targets attend to all of their source. --reversed spells words from their end: the state
 * at a letter then knows the letters that follow it.
 */
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import "../src/kernels/embedded.ts";
import { wordTokenizer } from "../src/entries/index.ts";
import { wordErrors } from "../src/entries/metrics.ts";
import { compare, type Sentence } from "./pairs/compare.ts";
import { readFlags } from "./pairs/flags.ts";
import type { Pair } from "./pairs/models.ts";
import { randomNumbers, shuffled } from "./pairs/random.ts";

const TUNE = 2000;
const flags = await readFlags({ epochs: 10, embedding: 64, batch: 128 });

/** `abacus(1)` is another pronunciation of `abacus`. */
async function pronunciations(): Promise<Map<string, string[]>> {
  const path = createRequire(import.meta.url).resolve("cmu-pronouncing-dictionary");
  const { dictionary } = (await import(pathToFileURL(path).href)) as { dictionary: Record<string, string> };
  const words = new Map<string, string[]>();
  for (const [entry, sounds] of Object.entries(dictionary)) {
    const word = entry.replace(/\(\d+\)$/, "");
    if (!/^[a-z']+$/.test(word)) continue;
    const plain = flags.stress ? sounds : sounds.replace(/\d/g, "");
    const known = words.get(word) ?? [];
    if (!known.includes(plain)) words.set(word, [...known, plain]);
  }
  return words;
}

const spelt = (word: string) => (flags.reversed ? [...word].reverse() : [...word]).join(" ");
const words = shuffled([...(await pronunciations())], randomNumbers(1));
const tests = Math.floor(words.length / 10);
const part = Math.ceil(flags.sentences / 5);
const pairs = (entries: readonly (readonly [string, string[]])[]): Pair[] =>
  entries.flatMap(([word, sounds]) => sounds.map((each): Pair => [spelt(word), each]));
const test: Sentence[] = words
  .slice(0, tests)
  .slice(0, part)
  .map(([word, references]) => ({ source: spelt(word), references }));
const train = pairs(words.slice(tests + TUNE).slice(0, flags.sentences));
const symbols = new Set([
  ...words.flatMap(([word, sounds]) => [...word, ...sounds.flatMap((each) => each.split(" "))]),
]);

await compare(
  {
    name: "letters → sounds",
    tokenizer: wordTokenizer({ words: ["<sep>", ...[...symbols].sort()] }),
    train,
    valid: pairs(words.slice(tests, tests + TUNE).slice(0, part)),
    test,
    figures(hypotheses, sentences) {
      let [errors, phonemes, wrong] = [0, 0, 0];
      for (const [i, { references }] of sentences.entries()) {
        const nearest = references
          .map((reference) => wordErrors(reference, hypotheses[i]))
          .reduce((a, b) => (b.errors < a.errors ? b : a));
        errors += nearest.errors;
        phonemes += nearest.words;
        if (nearest.errors > 0) wrong++;
      }
      return { "phoneme errors": (100 * errors) / phonemes, "word errors": (100 * wrong) / sentences.length };
    },
  },
  flags,
);
