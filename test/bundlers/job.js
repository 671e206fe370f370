import * as direct from "svi-lm";

const TEXT = "It was a damp, drizzly November in my soul. ".repeat(12);

/** What every project computes, and what must come out the same; by svi-lm itself, or by its twin in a worker. */
export async function job({ Corpus, fit, LanguageModel } = direct, kernels = undefined) {
  const corpus = await Corpus.open(TEXT, { tokenizer: "character" });
  const model = await LanguageModel.create({ tokenizer: corpus.tokenizer, embedding: 8, hidden: 16 });
  let steps = 0;
  for await (const record of fit(model, corpus, {
    inference: direct.ivon(),
    epochs: 2,
    batch: 4,
    sequence: 16,
    ...(kernels && { kernels }),
  }))
    steps = record.step;
  const { logProbability } = await model.score("a damp soul", { samples: 2 });
  let text = "";
  for await (const piece of model.generate({ prompt: "It ", tokens: 12 })) text += piece.text;
  return { steps, hash: await model.hash(), logProbability, text };
}
