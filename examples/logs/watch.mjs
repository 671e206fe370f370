// Prints the unusual lines of what is piped in: tail -f server.log | node watch.mjs lines.svi ordinary.log
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { Background, Corpus, LanguageModel } from "svi-lm";

const [file, log] = process.argv.slice(2);
const model = await LanguageModel.load(await readFile(file));
const ordinary = await readFile(log, "utf8");
const background = await Background.count(await Corpus.open(ordinary, { tokenizer: model.tokenizer }));
const options = { background, context: "\n" };

/** Above what one ordinary line in a thousand has. */
const usual = [];
for await (const { surprise } of model.scoreAll(ordinary.split("\n").slice(-2000), options))
  if (surprise !== undefined) usual.push(surprise);
const bound = usual.sort((a, b) => a - b)[Math.floor(0.999 * usual.length)];

const lines = [];
async function* piped() {
  for await (const line of createInterface({ input: process.stdin })) {
    lines.push(line);
    yield line;
  }
}
for await (const { error, surprise } of model.scoreAll(piped(), options)) {
  const line = lines.shift();
  if (!error && surprise > bound) console.log(`${surprise.toFixed(2)}\t${line}`);
}
