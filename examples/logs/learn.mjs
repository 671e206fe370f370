// Learns the ordinary lines of a log: node learn.mjs ordinary.log lines.svi
import { readFile, writeFile } from "node:fs/promises";
import { Corpus, fit, LanguageModel } from "svi-lm";

const [log, out] = process.argv.slice(2);
const corpus = await Corpus.open(await readFile(log, "utf8"), { tokenizer: "character" });
const { tokenizer } = corpus;
const model = await LanguageModel.create({ tokenizer, embedding: 32, hidden: 128 });
for await (const { step, steps, bitsPerToken } of fit(model, corpus, { epochs: 3, batch: 16 }))
  if (step % 50 === 0 || step === steps)
    console.error(`${step}/${steps}: ${bitsPerToken.toFixed(2)} bits a character`);
await writeFile(out, model.toBytes());
