import { Corpus, fit, ivon, LanguageModel, SviError } from "svi-lm";
import { loadKernels, useKernels } from "svi-lm/module";
import { readFileBytes } from "svi-lm/node";
import { relaxed } from "svi-lm/relaxed";
import { threads } from "svi-lm/threads";
import { connect } from "svi-lm/worker";

export async function use(): Promise<Float32Array> {
  const corpus = await Corpus.open("the sea", { tokenizer: "character" });
  const model = await LanguageModel.create({ tokenizer: corpus.tokenizer, hidden: 8, kernels: relaxed });
  const saved = undefined as Uint8Array | undefined;
  const options = {
    inference: ivon(),
    kernels: await threads(),
    resume: saved,
    until: undefined,
  };
  for await (const { nll } of fit(model, corpus, options)) nll.toFixed(2);
  useKernels(await loadKernels(await readFileBytes("kernels.wasm")));
  const worker = await connect();
  try {
    await (await worker.LanguageModel.load(model.toBytes())).score("the sea");
  } catch (error) {
    if (error instanceof SviError) console.log(error.code, error.remedy);
  }
  return model.embedding(0);
}
