/**
 * English → French: BLEU and chrF of sentences translated by beam search, by maximum likelihood and by variational
 * inference, with one vocabulary of subwords for both languages.
 *
 *   npm run bench:translation -- --data DIR [--sentences 500] [--epochs 10] [--seeds 1,2,3] [--hidden 256] [--layers 1]
 *     [--vocabulary 4000] [--rates 0.001,0.002] [--dropouts 0,0.2,0.4] [--ivon-rates 1.5,3,6] [--samples 8] [--beam 5] [--threads 1] [--plain] [--json]
 *
 * DIR/translation holds train.{en,fr} and val.{en,fr}, a sentence a line (Multi30k, lower case, tokenised): its last
 * 1,000 sentences of train are the test part, val is for tuning. BLEU is of these tokens (tokenize "none"). Models are
 * kept in --cache build/pairs.
 * --plain has no attention; else targets attend to all of their source.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import "../src/kernels/embedded.ts";
import { bleu, chrf } from "../src/entries/metrics.ts";
import { compare } from "./pairs/compare.ts";
import { readFlags } from "./pairs/flags.ts";
import type { Pair } from "./pairs/models.ts";
import { learnSubwords, WORD_PIECES } from "./speech/subwords.ts";

const TEST = 1000;

const flags = await readFlags({ epochs: 10, embedding: 256 });
if (!flags.data) throw new Error("Give --data DIR, with translation/train.en and its like");

async function pairsOf(part: string): Promise<Pair[]> {
  const read = async (language: string) =>
    (await readFile(join(flags.data!, "translation", `${part}.${language}`), "utf8")).trimEnd().split("\n");
  const [english, french] = [await read("en"), await read("fr")];
  if (english.length !== french.length) throw new Error(`${part}.en and ${part}.fr differ in length`);
  return english.map((sentence, i) => [sentence, french[i]]);
}

const all = await pairsOf("train");
const train = all.slice(0, -TEST).slice(0, flags.sentences);
const part = Math.ceil(flags.sentences / 5);
const test = all.slice(-TEST).slice(0, part);
const valid = (await pairsOf("val")).slice(0, part);
const text = train.map((pair) => `${pair.join("\t")}\n`).join("");

await compare(
  {
    name: "English → French",
    tokenizer: learnSubwords(text, flags.vocabulary, WORD_PIECES),
    train,
    valid,
    test: test.map(([source, target]) => ({ source, references: [target] })),
    shape: flags.embedding === flags.hidden ? { tied: true } : {},
    figures(hypotheses, sentences) {
      const references = [sentences.map((sentence) => sentence.references[0])];
      const { score } = chrf(hypotheses, references);
      const { score: words } = bleu(hypotheses, references, { tokenize: "none" });
      return { "1 − chrF": 100 - score, chrF: score, BLEU: words };
    },
  },
  flags,
);
